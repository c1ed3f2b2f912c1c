/**
 * What fails a command about an open file.
 */
import * as Schema from "effect/Schema"

/**
 * Why a file was not opened, or an open file not used.
 *
 * **Details**
 *
 * - `NotFound`: there is no such file, or no folder to make it in.
 * - `AlreadyExists`: it was to be new, and is there.
 * - `NoPermission`: the file system does not let this program.
 * - `NotAFile`: it is a directory, or a pipe or socket, whose opening would wait for another program; `type` says which.
 * - `DiskFull`: no space is left, or none for this user; a part of the chunk may have been written.
 * - `WrongMode`: a read of a file that was opened to write, or the other way round.
 * - `ChunkTooLarge`: a chunk over the limit of the layer, `limit`, in bytes; nothing was read or written.
 * - `InvalidPosition`: a place before the beginning of the file.
 * - `NotOpen`: the handle was closed, or is not one of this process.
 * - `Other`: what the file system says and none of the above.
 *
 * @category errors
 */
export const FileStreamErrorReason = Schema.TaggedUnion({
  NotFound: {},
  AlreadyExists: {},
  NoPermission: {},
  NotAFile: { type: Schema.String },
  DiskFull: {},
  WrongMode: { mode: Schema.String },
  ChunkTooLarge: { size: Schema.Int, limit: Schema.Int },
  InvalidPosition: { offset: Schema.Int, from: Schema.String },
  NotOpen: {},
  Other: { detail: Schema.String }
})

/**
 * Why a file was not opened, or an open file not used.
 *
 * @category errors
 */
export type FileStreamErrorReason = typeof FileStreamErrorReason.Type

const because = FileStreamErrorReason.match({
  NotFound: () => "there is no such file, or no folder to make it in. Look at the path, and make the folder first.",
  AlreadyExists: () => 'it is there already. Choose another name, or open it with the mode "write" or "update".',
  NoPermission: () => "the file system does not allow it. Look at the permissions of the file and of its folder.",
  NotAFile: ({ type }) => `it is not a file but of the type ${type}. Open a file.`,
  DiskFull: () => "no space is left on the disk; a part of the chunk may have been written. Make space, and seek back.",
  WrongMode: ({ mode }) => `it was opened with the mode "${mode}". Open it with the mode "update" to read and write.`,
  ChunkTooLarge: ({ limit, size }) =>
    `the chunk has ${size} bytes, and the limit is ${limit}. Take smaller chunks, or raise maxChunkBytes of the layer.`,
  InvalidPosition: ({ from, offset }) =>
    `${offset} from ${from} is before the beginning of the file. Seek to 0 or a place after it.`,
  NotOpen: () => "this handle was closed, or belongs to another process. Open the file in the process that uses it.",
  Other: ({ detail }) => `${detail}. See what the file system says of it.`
})

/**
 * A file was not opened, or an open file not used; `reason` says why, `operation` which command it was, and `file` is its
 * path, or its handle as in `#1` where there is no path.
 *
 * @category errors
 */
export class FileStreamError extends Schema.TaggedError<FileStreamError>()("FileStreamError", {
  operation: Schema.String,
  file: Schema.String,
  reason: FileStreamErrorReason
}) {
  override get message(): string {
    return `The command stream.${this.operation} of ${this.file} failed: ${because(this.reason)}`
  }
}
