import { execFileSync } from "node:child_process"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, FileSystem, Layer, Logger, Option, Stream } from "effect"
import { Process } from "troupe"
import * as FileStream from "../../src/command/FileStream.ts"
import { throughJson } from "../support/codecs.ts"
import { host, inProcess, settle } from "../support/processes.ts"
import { withProcess } from "../support/withProcess.ts"

const live = (options?: FileStream.Options) =>
  Layer.mergeAll(FileStream.layer(options).pipe(Layer.provide(NodeFileSystem.layer)), host, Logger.layer([]))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-"))),
  (path) =>
    Effect.sync(() => {
      assert.deepStrictEqual(openIn(path), [])
      rmSync(path, { recursive: true })
    })
)

/** The files of a folder that this program has open. */
const openIn = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return [] // the descriptor with which the folder itself was listed
    }
  })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const textOf = Option.match({ onNone: () => "end", onSome: text })

const reason = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, FileStream.FileStreamError)
    return error.reason
  })

describe("D18 stream", () => {
  it.live("D18 stream: writes chunks and reads them back to the end of the file", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      const read = yield* inProcess(
        Effect.gen(function* () {
          const out = yield* FileStream.open(path, "write")
          for (const part of ["one ", "", "two ", "three"]) yield* FileStream.write(out, bytes(part))
          assert.strictEqual(yield* FileStream.size(out), 13)
          yield* FileStream.sync(out)
          yield* FileStream.close(out)
          const file = yield* FileStream.open(path, "read")
          const read = [
            yield* FileStream.read(file, 4),
            yield* FileStream.read(file, 5),
            yield* FileStream.read(file, 99)
          ]
          read.push(yield* FileStream.read(file, 1), yield* FileStream.read(file, 1))
          assert.deepStrictEqual(read[0], Option.some(bytes("one ")))
          return read.map(textOf)
        })
      )
      assert.deepStrictEqual(read, ["one ", "two t", "hree", "end", "end"])
      assert.strictEqual(readFileSync(path, "utf8"), "one two three")
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: what each mode does with a file that is there, and one that is not", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const modes = ["read", "write", "append", "createNew", "update"] as const
      const outcomes: Array<string> = []
      yield* inProcess(
        Effect.gen(function* () {
          for (const mode of modes) {
            const [there, missing] = [join(path, `${mode}-there`), join(path, `${mode}-missing`)]
            writeFileSync(there, "0123456789")
            for (const file of [there, missing]) {
              const written = yield* FileStream.open(file, mode).pipe(
                Effect.flatMap((handle) =>
                  Effect.andThen(FileStream.write(handle, bytes("ab")), FileStream.close(handle))
                ),
                Effect.match({
                  onSuccess: () => readFileSync(file, "utf8"),
                  onFailure: (error) => (error._tag === "FileStreamError" ? error.reason._tag : error._tag)
                })
              )
              outcomes.push(`${mode} ${written}`)
            }
          }
        })
      )
      assert.deepStrictEqual(outcomes, [
        "read WrongMode",
        "read NotFound",
        "write ab",
        "write ab",
        "append 0123456789ab",
        "append ab",
        "createNew AlreadyExists",
        "createNew ab",
        "update ab23456789",
        "update NotFound"
      ])
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: seeks, cuts off, and lengthens", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      writeFileSync(path, "0123456789")
      yield* inProcess(
        Effect.gen(function* () {
          const file = yield* FileStream.open(path, "update")
          assert.strictEqual(yield* FileStream.seek(file, 7), 7)
          assert.strictEqual(textOf(yield* FileStream.read(file, 2)), "78")
          assert.strictEqual(yield* FileStream.seek(file, -4, "current"), 5)
          yield* FileStream.write(file, bytes("x"))
          assert.deepStrictEqual(yield* reason(FileStream.seek(file, -7, "current")), {
            _tag: "InvalidPosition",
            offset: -7,
            from: "current"
          })
          yield* FileStream.truncate(file, 8)
          assert.strictEqual(textOf(yield* FileStream.read(file, 100)), "67")
          yield* FileStream.truncate(file, 10)
          assert.deepStrictEqual(yield* FileStream.read(file, 100), Option.some(new Uint8Array(2)))
          yield* FileStream.seek(file, 12)
          yield* FileStream.write(file, bytes("y"))
          assert.strictEqual(yield* FileStream.size(file), 13)
        })
      )
      assert.strictEqual(readFileSync(path, "utf8"), "01234x67\0\0\0\0y")
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: a folder, a pipe, a path through a file, and a file that may not be read", () =>
    Effect.gen(function* () {
      const path = yield* folder
      mkdirSync(join(path, "folder"))
      execFileSync("mkfifo", [join(path, "pipe")])
      writeFileSync(join(path, "secret"), "")
      chmodSync(join(path, "secret"), 0)
      const open = (name: string, mode: FileStream.Mode) => reason(inProcess(FileStream.open(join(path, name), mode)))
      for (const mode of ["read", "write", "update"] as const) {
        assert.deepStrictEqual(yield* open("folder", mode), { _tag: "NotAFile", type: "Directory" })
        assert.deepStrictEqual(yield* open("pipe", mode), { _tag: "NotAFile", type: "FIFO" })
      }
      assert.strictEqual((yield* open("secret/a", "read"))._tag, "Other")
      assert.strictEqual((yield* open("none/a", "write"))._tag, "NotFound")
      // Nothing is forbidden to root.
      if (process.getuid?.() !== 0) assert.strictEqual((yield* open("secret", "read"))._tag, "NoPermission")
      const forbidden = yield* reason(inProcess(FileStream.open("/sys/none", "createNew")))
      assert.strictEqual(forbidden._tag, "NoPermission")
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: a full disk", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        inProcess(Effect.flatMap(FileStream.open("/dev/full", "write"), (file) => FileStream.write(file, bytes("a"))))
      )
      assert.isTrue(error._tag === "FileStreamError" && error.reason._tag === "DiskFull", error.message)
      assert.include(error.message, 'stream.write of "/dev/full"')
      assert.deepStrictEqual(openIn("/dev/full"), [])
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: a chunk over the limit is neither read nor written", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      yield* inProcess(
        Effect.gen(function* () {
          const file = yield* FileStream.open(path, "createNew")
          const tooLarge = { _tag: "ChunkTooLarge", size: 11, limit: 10 } as const
          assert.deepStrictEqual(yield* reason(FileStream.write(file, new Uint8Array(11))), tooLarge)
          yield* FileStream.write(file, new Uint8Array(10))
          const back = yield* FileStream.open(path, "read")
          assert.deepStrictEqual(yield* reason(FileStream.read(back, 11)), tooLarge)
          assert.deepStrictEqual(yield* FileStream.read(back, 10), Option.some(new Uint8Array(10)))
          assert.strictEqual((yield* Effect.flip(FileStream.read(back, 0)))._tag, "InvalidCommandPayload")
          assert.strictEqual((yield* Effect.flip(FileStream.truncate(file, -1)))._tag, "InvalidCommandPayload")
          assert.strictEqual((yield* reason(FileStream.read(file, 1)))._tag, "WrongMode")
          assert.strictEqual((yield* reason(FileStream.truncate(back, 1)))._tag, "WrongMode")
        })
      )
    }).pipe(Effect.provide(live({ maxChunkBytes: 10 })))
  )

  it.live("D18 stream: a handle is closed with its process, and is nothing to others, nor after its close", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      const opened = yield* Deferred.make<FileStream.Handle>()
      const notOpen = { _tag: "NotOpen" } as const
      const keeper = Effect.andThen(
        Effect.flatMap(FileStream.open(path, "write"), (handle) => Deferred.succeed(opened, handle)),
        Effect.never
      )
      yield* withProcess(keeper, (kill) =>
        Effect.gen(function* () {
          const handle = yield* Deferred.await(opened)
          assert.deepStrictEqual(openIn(path), [path])
          for (const use of [
            FileStream.read(handle, 1),
            FileStream.write(handle, bytes("a")),
            FileStream.close(handle)
          ])
            assert.deepStrictEqual(yield* reason(inProcess(use)), notOpen)
          yield* kill
          assert.deepStrictEqual(openIn(path), [])
        })
      )
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* FileStream.open(path, "read")
          yield* FileStream.close(handle)
          assert.deepStrictEqual(openIn(path), [])
          assert.deepStrictEqual(yield* reason(FileStream.size(handle)), notOpen)
          assert.deepStrictEqual(yield* reason(FileStream.close(handle)), notOpen)
          assert.deepStrictEqual(yield* reason(FileStream.sync(FileStream.Handle.make(99))), notOpen)
        })
      )
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: uses of one handle take turns, and none begins once it is closed", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* FileStream.open(path, "write")
          const writes = yield* Effect.forEach(Array.from({ length: 100 }), (_, index) =>
            Process.yieldAsync(FileStream.commands.write, { handle, bytes: bytes(`${index} `) })
          )
          const close = yield* Process.yieldAsync(FileStream.commands.close, { handle })
          const late = yield* Process.yieldAsync(FileStream.commands.write, { handle, bytes: bytes("late") })
          yield* close.await
          for (const write of writes) yield* write.await
          assert.strictEqual((yield* reason(late.await))._tag, "NotOpen")
        })
      )
      assert.strictEqual(readFileSync(path, "utf8"), Array.from({ length: 100 }, (_, index) => `${index} `).join(""))
    }).pipe(Effect.provide(live()))
  )

  it.live("D18 stream: a process that is killed while it writes leaves whole chunks and no open file", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      const chunk = new Uint8Array(100_000).fill(7)
      const begun = yield* Deferred.make<void>()
      const writer = Effect.flatMap(FileStream.open(path, "write"), (handle) =>
        Effect.forever(Effect.andThen(FileStream.write(handle, chunk), Deferred.succeed(begun, undefined)))
      )
      yield* withProcess(writer, (kill) => Effect.andThen(Deferred.await(begun), kill))
      assert.deepStrictEqual(openIn(path), [])
      const { length } = readFileSync(path)
      assert.isTrue(length > 0 && length % chunk.length === 0, String(length))
    }).pipe(Effect.provide(live()))
  )

  it.effect("D18 stream: the end of a process waits for the write that is under way, and closes the file then", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let finish = (): void => undefined
      const file = {
        writeAll: () =>
          Effect.callback<void>((resume) => {
            log.push("write begins")
            finish = () => {
              log.push("write ends")
              resume(Effect.void)
            }
          })
      } as unknown as FileSystem.File
      const fs = FileSystem.layerNoop({
        open: () => Effect.acquireRelease(Effect.succeed(file), () => Effect.sync(() => log.push("file closes")))
      })
      const body = Effect.flatMap(FileStream.open("a", "write"), (handle) => FileStream.write(handle, bytes("a")))
      const program = withProcess(body, (kill) =>
        Effect.gen(function* () {
          yield* settle
          const killing = yield* Effect.forkChild(kill)
          yield* settle
          assert.deepStrictEqual(log, ["write begins"])
          finish()
          yield* Fiber.join(killing)
        })
      )
      yield* Effect.provide(program, Layer.mergeAll(FileStream.layer().pipe(Layer.provide(fs)), host, Logger.layer([])))
      assert.deepStrictEqual(log, ["write begins", "write ends", "file closes"])
    })
  )

  it.live("D18 stream: the lines of a file, in chunks that split its characters", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a")
      writeFileSync(path, "äöü\nzwei\n\nvier")
      const lines = yield* inProcess(
        Effect.flatMap(FileStream.open(path, "read"), (handle) =>
          FileStream.chunks(handle, 3).pipe(Stream.decodeText, Stream.splitLines, Stream.runCollect)
        )
      )
      assert.deepStrictEqual(lines, ["äöü", "zwei", "", "vier"])
    }).pipe(Effect.provide(live()))
  )

  it.effect("D18 stream: chunks and errors cross their schemas", () =>
    Effect.gen(function* () {
      const { open, read } = FileStream.commands
      yield* throughJson(open.payloadSchema, { path: "a", mode: "read" })
      yield* throughJson(read.successSchema, Option.some(new Uint8Array([0, 255, 10])))
      yield* throughJson(read.successSchema, Option.none())
      const reason = { _tag: "ChunkTooLarge", size: 2, limit: 1 } as const
      yield* throughJson(open.errorSchema, new FileStream.FileStreamError({ operation: "open", file: '"a"', reason }))
    })
  )
})
