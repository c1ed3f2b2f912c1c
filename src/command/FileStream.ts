/**
 * Open files, read and written in chunks: the commands of the module `stream`.
 *
 * An open file is a handle, which belongs to the process that opened it, and is closed when that process ends. Uses of one
 * handle take turns, in the order in which they were yielded.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import { FileStreamError } from "./FileStreamError.ts"
import { OpenFiles } from "./internal/fileStream.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"

export * from "./FileStreamError.ts"

/**
 * The handle of an open file.
 *
 * @category schemas
 */
export const Handle = Schema.Int.pipe(Schema.brand("troupe/command/FileStream"))

/**
 * The handle of an open file.
 *
 * @category models
 */
export type Handle = typeof Handle.Type

/**
 * What a file is opened for, and what becomes of what is there.
 *
 * **Details**
 *
 * - `read`: reads a file that is there.
 * - `write`: writes; the file is made, or emptied.
 * - `append`: writes at the end, wherever one seeks; the file is made when it is not there.
 * - `createNew`: writes a file that must not be there.
 * - `update`: reads and writes a file that is there, from its beginning.
 *
 * @category schemas
 */
export const Mode = Schema.Literals(["read", "write", "append", "createNew", "update"])

/**
 * What a file is opened for.
 *
 * @category models
 */
export type Mode = typeof Mode.Type

const handle = Handle
const error = FileStreamError
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * The commands of the module `stream`, by name.
 *
 * @category commands
 */
export const commands = Command.module("stream", {
  open: Command.make(50, { payload: { path: Schema.String, mode: Mode }, success: Handle, error }),
  read: Command.make(51, {
    payload: { handle, bytes: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)) },
    success: Schema.Option(Schema.Uint8Array),
    error
  }),
  write: Command.make(52, { payload: { handle, bytes: Schema.Uint8Array }, error }),
  seek: Command.make(53, {
    payload: { handle, offset: Schema.Int, from: Schema.Literals(["start", "current"]) },
    success: Schema.Int,
    error
  }),
  truncate: Command.make(54, { payload: { handle, size: count }, error }),
  size: Command.make(55, { payload: { handle }, success: Schema.Int, error }),
  sync: Command.make(56, { payload: { handle }, error }),
  close: Command.make(57, { payload: { handle }, error })
})

/**
 * How much of a file is read or written at once.
 *
 * @category models
 */
export interface Options {
  /** The most bytes that a chunk may have: 1 MiB when absent. */
  readonly maxChunkBytes?: number | undefined
}

/**
 * Handles the module with effect's `FileSystem`.
 *
 * **Details**
 *
 * An interruption waits for the read or write that is under way, so that no file is closed below it; for that reason
 * pipes and sockets, which could keep it waiting for ever, can't be opened.
 *
 * **Errors**
 *
 * `InvalidOption` for a limit that is no whole number.
 *
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Dispatcher.Handles<"stream"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  FileSystem.FileSystem
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const limit = yield* limitsOf("FileStream.layer").count("maxChunkBytes", options?.maxChunkBytes, mebibytes(1))
      const files = new OpenFiles(yield* FileSystem.FileSystem, limit)
      return commands.of({
        open: ({ mode, path }, { process }) => Effect.map(files.open(process, path, mode), (id) => Handle.make(id)),
        read: ({ bytes, handle }, { process }) => files.read(process, handle, bytes),
        write: ({ bytes, handle }, { process }) => files.write(process, handle, bytes),
        seek: ({ from, handle, offset }, { process }) => files.seek(process, handle, offset, from),
        truncate: ({ handle, size }, { process }) => files.truncate(process, handle, size),
        size: ({ handle }, { process }) => files.size(process, handle),
        sync: ({ handle }, { process }) => files.sync(process, handle),
        close: ({ handle }, { process }) => files.close(process, handle)
      })
    })
  )

/**
 * Opens a file for this process, at its beginning.
 *
 * **Errors**
 *
 * `FileStreamError`, with the reason `NotFound`, `AlreadyExists`, `NoPermission`, `NotAFile` or `Other`.
 *
 * **Example** (Writing, and reading back)
 *
 * ```ts import.meta.vitest
 * import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
 * import { Effect, Exit, FileSystem, Layer, Option, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { FileStream } from "troupe/command"
 *
 * const Clerk = Process.make("app:clerk", { args: Schema.String })
 * const ClerkLive = Clerk.toLayer(Effect.fn(function*(path) {
 *   const out = yield* FileStream.open(path, "write")
 *   yield* FileStream.write(out, new TextEncoder().encode("a ledger"))
 *   yield* FileStream.close(out)
 *   const file = yield* FileStream.open(path, "read")
 *   yield* FileStream.seek(file, 2)
 *   return Option.map(yield* FileStream.read(file, 6), (bytes) => new TextDecoder().decode(bytes))
 * })).pipe(Layer.provide(FileStream.layer()))
 *
 * const program = Effect.gen(function*() {
 *   const path = yield* (yield* FileSystem.FileSystem).makeTempFileScoped()
 *   return yield* Effect.flatMap(Process.spawn(Clerk, path), Process.await)
 * }).pipe(Effect.scoped)
 *
 * const Live = Layer.mergeAll(ClerkLive, ProcessHost.layer("app:processes")).pipe(Layer.provideMerge(NodeFileSystem.layer))
 * await Effect.runPromise(Effect.provide(program, Live)) // => Exit.succeed(Option.some("ledger"))
 * ```
 *
 * @category yielding
 */
export const open = (path: string, mode: Mode) => Process.yield(commands.open, { path, mode })

/**
 * Reads the next bytes, no more than `bytes` and at least one; none at the end of the file.
 *
 * @category yielding
 */
export const read = (handle: Handle, bytes: number) => Process.yield(commands.read, { handle, bytes })

/**
 * Writes all of a chunk.
 *
 * @category yielding
 */
export const write = (handle: Handle, bytes: Uint8Array) => Process.yield(commands.write, { handle, bytes })

/**
 * Goes to a place in the file, counted in bytes from its start or from where one is; answers the place, from the start. A
 * place behind the end is fine: what is written there leaves zeros before it.
 *
 * @category yielding
 */
export const seek = (handle: Handle, offset: number, from: "start" | "current" = "start") =>
  Process.yield(commands.seek, { handle, offset, from })

/**
 * Cuts the file off after `size` bytes, or lengthens it with zeros.
 *
 * @category yielding
 */
export const truncate = (handle: Handle, size: number) => Process.yield(commands.truncate, { handle, size })

/**
 * How many bytes the file has now.
 *
 * @category yielding
 */
export const size = (handle: Handle) => Process.yield(commands.size, { handle })

/**
 * Waits until what was written is on the disk.
 *
 * @category yielding
 */
export const sync = (handle: Handle) => Process.yield(commands.sync, { handle })

/**
 * Closes the file, once what is under way on it is done.
 *
 * @category yielding
 */
export const close = (handle: Handle) => Process.yield(commands.close, { handle })

/**
 * What the file has from here to its end, in chunks of no more than `bytes`, 64 KiB when absent; each is read when it is
 * asked for.
 *
 * **Example** (The lines of a file)
 *
 * ```ts import.meta.vitest
 * import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
 * import { Effect, Exit, FileSystem, Layer, Schema, Stream } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { FileStream } from "troupe/command"
 *
 * const Reader = Process.make("app:reader", { args: Schema.String })
 * const ReaderLive = Reader.toLayer(Effect.fn(function*(path) {
 *   const file = yield* FileStream.open(path, "read")
 *   return yield* FileStream.chunks(file).pipe(Stream.decodeText, Stream.splitLines, Stream.runCollect)
 * })).pipe(Layer.provide(FileStream.layer()))
 *
 * const program = Effect.gen(function*() {
 *   const fs = yield* FileSystem.FileSystem
 *   const path = yield* fs.makeTempFileScoped()
 *   yield* fs.writeFileString(path, "one\ntwo")
 *   return yield* Effect.flatMap(Process.spawn(Reader, path), Process.await)
 * }).pipe(Effect.scoped)
 *
 * const Live = Layer.mergeAll(ReaderLive, ProcessHost.layer("app:processes")).pipe(
 *   Layer.provideMerge(NodeFileSystem.layer)
 * )
 * await Effect.runPromise(Effect.provide(program, Live)) // => Exit.succeed(["one", "two"])
 * ```
 *
 * @category yielding
 */
export const chunks = (handle: Handle, bytes: number = 64 * 1024) =>
  Stream.unfold(handle, () =>
    Effect.map(read(handle, bytes), (chunk) => (Option.isNone(chunk) ? undefined : ([chunk.value, handle] as const)))
  )
