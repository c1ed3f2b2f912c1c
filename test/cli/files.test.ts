import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, PlatformError } from "effect"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { apply } from "../../src/cli/internal/files.ts"
import { directory } from "../support/files.ts"

const noSpace = PlatformError.systemError({
  _tag: "Unknown",
  module: "FileSystem",
  method: "write",
  cause: new Error("ENOSPC: no space left on device")
})

/** A file system on which files are never whole, from the given one on. */
const failing = (at: number, failure: Effect.Effect<void, PlatformError.PlatformError>) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (files) => {
      let count = 0
      const sync = Effect.suspend(() => (++count === at ? failure : Effect.void))
      return {
        ...files,
        open: (path, options) =>
          Effect.map(files.open(path, options), (file) => Object.create(file, { sync: { value: sync } }))
      }
    })
  ).pipe(Layer.provideMerge(NodeServices.layer))

const texts = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => [name, readFileSync(join(parentPath, name), "utf8")])
  )

describe("files that are written together", () => {
  it.effect("are written, and those that are to go are gone", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      writeFileSync(join(folder, "a"), "old")
      writeFileSync(join(folder, "c"), "old")
      const at = (name: string) => join(folder, name)
      yield* apply({
        write: [
          { path: at("a"), text: "new" },
          { path: at("x/y/b"), text: "new" }
        ],
        remove: [at("c"), at("never")]
      })
      assert.deepStrictEqual(texts(folder), { a: "new", b: "new" })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  for (const at of [1, 2]) {
    it.effect(`are as they were when there is no space for the ${at === 1 ? "first" : "second"}`, () =>
      Effect.gen(function* () {
        const folder = yield* directory
        for (const name of ["a", "b", "c"]) writeFileSync(join(folder, name), "old")
        const write = ["a", "b"].map((name) => ({ path: join(folder, name), text: "new" }))
        const error = yield* Effect.flip(apply({ write, remove: [join(folder, "c")] }))
        assert.strictEqual(error._tag, "FileFailed")
        assert.include(error.message, "ENOSPC")
        assert.deepStrictEqual(texts(folder), { a: "old", b: "old", c: "old" })
      }).pipe(Effect.provide(failing(at, Effect.fail(noSpace))))
    )
  }

  it.live("are as they were when it ends under way", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      for (const name of ["a", "b"]) writeFileSync(join(folder, name), "old")
      const write = ["a", "b"].map((name) => ({ path: join(folder, name), text: "new" }))
      const ended = yield* Effect.timeoutOption(apply({ write, remove: [] }), "100 millis")
      assert.isTrue(Option.isNone(ended))
      assert.deepStrictEqual(texts(folder), { a: "old", b: "old" })
    }).pipe(Effect.provide(failing(2, Effect.never)))
  )

  it.effect("are as they were when one of them can't be where it is to be", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      writeFileSync(join(folder, "a"), "old")
      mkdirSync(join(folder, "b"))
      const write = [
        { path: join(folder, "a"), text: "new" },
        { path: join(folder, "a/b"), text: "new" }
      ]
      const error = yield* Effect.flip(apply({ write, remove: [] }))
      assert.strictEqual(error._tag, "FileFailed")
      assert.deepStrictEqual(texts(folder), { a: "old" })
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
