/** The contracts of the stream echo: what is committed is what the command line makes of them, and tells of their changes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { directory } from "../support/files.ts"
import { type Ended, root, start } from "../support/program.ts"

const example = join(root, "docs/examples/stream-echo")

/** The files of a folder, by their paths. */
const filesIn = (folder: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => join(parentPath, name))
      .toSorted()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")])
  )

/** A copy of the example, with the package installed beside it; and what runs there. */
const copy = Effect.gen(function* () {
  const folder = yield* directory
  const at = join(folder, "stream-echo")
  cpSync(example, at, { recursive: true })
  const modules = join(folder, "node_modules")
  mkdirSync(modules)
  symlinkSync(root, join(modules, "troupe"))
  for (const name of ["effect", "@effect"]) symlinkSync(join(root, "node_modules", name), join(modules, name))

  const env = {
    STREAM_ECHO_FOLDER: folder,
    STREAM_ECHO_INTERVAL: "1 millis",
    TROUPE_DIRECTORY_ACCOUNT: "me",
    TROUPE_DIRECTORY_SECRET: "6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90"
  }
  const program = (path: string, ...args: ReadonlyArray<string>) =>
    start(process.execPath, ["-C", "source", join(at, path), ...args], env, folder)
  const troupe = Effect.fnUntraced(function* (project: string, ...args: ReadonlyArray<string>) {
    const command = ["-C", "source", join(root, "src/cli/main.ts"), ...args]
    const started = yield* start(process.execPath, command, env, join(at, project))
    yield* started.endInput
    return yield* started.ended
  })
  const ready = Effect.fnUntraced(function* (path: string) {
    const started = yield* program(path)
    yield* started.until("Ctrl+C to stop.")
    return started
  })
  return {
    at,
    program,
    ready,
    gen: (project: string) => troupe(project, "gen"),
    install: troupe("client", "install", "--directory", `unix:${join(folder, "directory.sock")}`),
    /** Another field is in the request of the server, whose code is generated anew. */
    change: Effect.fnUntraced(function* (field: string) {
      const path = join(at, "server/contracts/local/stream-server.proto")
      const committed = readFileSync(join(example, "server/contracts/local/stream-server.proto"), "utf8")
      writeFileSync(path, committed.replace("uint32 after = 3;", `uint32 after = 3;\n  ${field} = 4;`))
      succeeds(yield* troupe("server", "gen"))
    })
  }
})

const succeeds = ({ code, stderr, stdout }: Ended): string => {
  assert.deepStrictEqual([code, stderr], [0, ""])
  return stdout
}

describe.concurrent("the contracts of the stream echo", { timeout: 120_000 }, () => {
  it.live("install and gen make exactly what is committed", () =>
    Effect.gen(function* () {
      const { at, gen, install, ready } = yield* copy
      yield* ready("directory/main.ts")
      yield* ready("server/main.ts")
      const made = ["server/generated", "client/generated", "client/contracts/remote", "client/troupe.lock.json"]
      for (const path of made) rmSync(join(at, path), { recursive: true })

      assert.strictEqual(succeeds(yield* install), "stream-echo-server: installed acme/StreamEchoServer@1.0.0\n")
      for (const project of ["server", "client"]) assert.include(succeeds(yield* gen(project)), "which is yours")
      assert.deepStrictEqual(filesIn(at), filesIn(example))
    })
  )

  it.live("a change is told with its reason: one that is compatible is taken over, one that breaks is refused", () =>
    Effect.gen(function* () {
      const { at, change, install, program, ready } = yield* copy
      yield* ready("directory/main.ts")
      yield* change("optional string note")
      const compatible = yield* ready("server/main.ts")
      const told = succeeds(yield* install)
      assert.include(told, "stream-echo-server: acme/StreamEchoServer@1.0.0, compatible\n")
      assert.include(
        told,
        'full: server route "RegisterStream", payload.note: the field was added, and may be left out'
      )
      // The client was made for the version before.
      assert.include(succeeds(yield* (yield* program("client/main.ts", "it", "2")).ended), "message 2 for it\n")
      yield* compatible.signal("SIGINT")
      assert.strictEqual((yield* compatible.ended).code, 0)

      yield* change("uint32 size")
      yield* ready("server/main.ts")
      const before = filesIn(join(at, "client"))
      const { code, stderr, stdout } = yield* install
      assert.strictEqual(code, 1)
      assert.include(stdout, "stream-echo-server: acme/StreamEchoServer@1.0.0, BREAKING\n")
      assert.include(
        stdout,
        'breaking: server route "RegisterStream", payload.size: the field was added, and is required'
      )
      assert.include(stderr, "Nothing was written, since there are breaking changes: stream-echo-server.")
      assert.deepStrictEqual(filesIn(join(at, "client")), before)
    })
  )
})
