/**
 * Open files of processes, over effect's file system.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Yielder } from "../../dispatch/Yielded.ts"
import { FileStreamError, type FileStreamErrorReason } from "../FileStreamError.ts"
import * as Handles from "../../dispatch/Handles.ts"

/** What an open file may be used for, and where it begins. */
export type Mode = "read" | "write" | "append" | "createNew" | "update"

const flags: Readonly<Record<Mode, FileSystem.OpenFlag>> = {
  read: "r",
  write: "w",
  append: "a",
  createNew: "wx",
  update: "r+"
}

const reasonOf = (error: PlatformError): FileStreamErrorReason => {
  const { cause, message } = error.reason
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  if (code === "EISDIR") return { _tag: "NotAFile", type: "Directory" }
  if (code === "ENOSPC" || code === "EDQUOT") return { _tag: "DiskFull" }
  if (code === "EROFS") return { _tag: "NoPermission" }
  switch (error.reason._tag) {
    case "NotFound":
      return { _tag: "NotFound" }
    case "AlreadyExists":
      return { _tag: "AlreadyExists" }
    case "PermissionDenied":
      return { _tag: "NoPermission" }
    default:
      return { _tag: "Other", detail: code === "" ? message : `${message} (${code})` }
  }
}

interface OpenFile {
  readonly path: string
  readonly mode: Mode
  readonly file: FileSystem.File
  /** Uses of a file take turns, since they share the place where it is read and written. */
  readonly turns: Semaphore.Semaphore
  closed: boolean
}

/** What can't be read and written as a file is; opening a pipe would wait for another program, past any interruption. */
const unusual: ReadonlySet<FileSystem.File.Type> = new Set(["Directory", "FIFO", "Socket"])

const failed = (operation: string, file: string) => (reason: FileStreamErrorReason) =>
  new FileStreamError({ operation, file, reason })

/** Platforms answer with classes of their own, which a recording would not give back. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const notOpen = (operation: string, handle: number) => failed(operation, `#${handle}`)({ _tag: "NotOpen" })
const closedMeanwhile: FileStreamErrorReason = { _tag: "NotOpen" }

/** The open files of processes. */
export class OpenFiles {
  private readonly handles = Handles.make<OpenFile>()
  private readonly fs: FileSystem.FileSystem
  private readonly maxChunkBytes: number

  constructor(fs: FileSystem.FileSystem, maxChunkBytes: number) {
    this.fs = fs
    this.maxChunkBytes = maxChunkBytes
  }

  open(process: Yielder, path: string, mode: Mode): Effect.Effect<number, FileStreamError> {
    const acquire: Effect.Effect<OpenFile, FileStreamErrorReason, Scope.Scope> = Effect.gen(
      { self: this },
      function* () {
        const type = yield* Effect.match(this.fs.stat(path), {
          onFailure: () => undefined,
          onSuccess: ({ type }) => type
        })
        if (type !== undefined && unusual.has(type))
          return yield* Effect.fail<FileStreamErrorReason>({ _tag: "NotAFile", type })
        const file = yield* Effect.mapError(this.fs.open(path, { flag: flags[mode] }), reasonOf)
        const open: OpenFile = { path, mode, file, turns: yield* Semaphore.make(1), closed: false }
        // The system may give the number of a closed file to the next one: nothing may be under way on it, nor begin.
        yield* Effect.addFinalizer(() =>
          inTurn(
            open,
            Effect.sync(() => (open.closed = true))
          )
        )
        return open
      }
    )
    return Effect.mapError(this.handles.open(process, acquire), failed("open", JSON.stringify(path)))
  }

  read(process: Yielder, handle: number, bytes: number): Effect.Effect<Option.Option<Uint8Array>, FileStreamError> {
    return this.use(process, handle, "read", ({ file, mode }) => {
      if (mode !== "read" && mode !== "update") return Effect.fail({ _tag: "WrongMode", mode })
      const chunk = Effect.map(file.readAlloc(bytes), Option.map(plain))
      return Effect.andThen(this.within(bytes), Effect.mapError(chunk, reasonOf))
    })
  }

  write(process: Yielder, handle: number, bytes: Uint8Array): Effect.Effect<void, FileStreamError> {
    return this.use(process, handle, "write", ({ file, mode }) => {
      if (mode === "read") return Effect.fail({ _tag: "WrongMode", mode })
      return Effect.andThen(this.within(bytes.length), Effect.mapError(file.writeAll(bytes), reasonOf))
    })
  }

  seek(
    process: Yielder,
    handle: number,
    offset: number,
    from: FileSystem.SeekMode
  ): Effect.Effect<number, FileStreamError> {
    return this.use(process, handle, "seek", ({ file }) =>
      Effect.mapBoth(file.seek(BigInt(offset), from), {
        onSuccess: Number,
        onFailure: (): FileStreamErrorReason => ({ _tag: "InvalidPosition", offset, from })
      })
    )
  }

  truncate(process: Yielder, handle: number, size: number): Effect.Effect<void, FileStreamError> {
    return this.use(process, handle, "truncate", ({ file, mode }) =>
      mode === "read" ? Effect.fail({ _tag: "WrongMode", mode }) : Effect.mapError(file.truncate(size), reasonOf)
    )
  }

  size(process: Yielder, handle: number): Effect.Effect<number, FileStreamError> {
    return this.use(process, handle, "size", ({ file }) =>
      Effect.mapBoth(file.stat, { onSuccess: ({ size }) => Number(size), onFailure: reasonOf })
    )
  }

  sync(process: Yielder, handle: number): Effect.Effect<void, FileStreamError> {
    return this.use(process, handle, "sync", ({ file }) => Effect.mapError(file.sync, reasonOf))
  }

  close(process: Yielder, handle: number): Effect.Effect<void, FileStreamError> {
    return Effect.flatMap(this.handles.close(process, handle), (closed) =>
      closed ? Effect.void : Effect.fail(notOpen("close", handle))
    )
  }

  private within(size: number): Effect.Effect<void, FileStreamErrorReason> {
    const limit = this.maxChunkBytes
    return size <= limit ? Effect.void : Effect.fail({ _tag: "ChunkTooLarge", size, limit })
  }

  private use<A>(
    process: Yielder,
    handle: number,
    operation: string,
    f: (open: OpenFile) => Effect.Effect<A, FileStreamErrorReason>
  ): Effect.Effect<A, FileStreamError> {
    return Effect.suspend(() => {
      const open = this.handles.find(process, handle)
      if (open === undefined) return Effect.fail(notOpen(operation, handle))
      const turn = Effect.suspend(() => (open.closed ? Effect.fail(closedMeanwhile) : f(open)))
      return Effect.mapError(inTurn(open, turn), failed(operation, JSON.stringify(open.path)))
    })
  }
}

/** An interruption waits for the use that is under way, which the system would finish anyway. */
const inTurn = <A, E>(open: OpenFile, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Semaphore.withPermit(open.turns, Effect.uninterruptible(effect))
