/**
 * What can go wrong with an object of a cloud storage.
 */
import * as Schema from "effect/Schema"

const at = (bucket: string, key: string | undefined): string =>
  key === undefined
    ? `the bucket ${JSON.stringify(bucket)}`
    : `${JSON.stringify(key)} in the bucket ${JSON.stringify(bucket)}`

/**
 * There is no such bucket.
 *
 * @category errors
 */
export class NoSuchBucket extends Schema.TaggedError<NoSuchBucket>()("NoSuchBucket", { bucket: Schema.String }) {
  override get message(): string {
    return `There is no bucket ${JSON.stringify(this.bucket)}. Create it in the storage, or correct its name.`
  }
}

/**
 * There is no such object.
 *
 * @category errors
 */
export class NoSuchKey extends Schema.TaggedError<NoSuchKey>()("NoSuchKey", {
  bucket: Schema.String,
  key: Schema.String
}) {
  override get message(): string {
    return `There is no ${at(this.bucket, this.key)}. List the bucket to see what it has.`
  }
}

/**
 * The storage does not let these credentials do this: they are unknown, wrong, missing, or lack a permission.
 *
 * @category errors
 */
export class AccessDenied extends Schema.TaggedError<AccessDenied>()("AccessDenied", {
  bucket: Schema.String,
  key: Schema.optional(Schema.String),
  code: Schema.String
}) {
  override get message(): string {
    return `The storage refuses access to ${at(this.bucket, this.key)} (${this.code}). Check the credentials of the layer, and what they may do.`
  }
}

/**
 * The storage was not reached: nothing was done.
 *
 * @category errors
 */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  endpoint: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The storage at ${this.endpoint} can't be reached: ${this.detail}. Check the endpoint, or try again later.`
  }
}

/**
 * The connection was lost on the way. What was to be uploaded or deleted may be, or may not be.
 *
 * @category errors
 */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  endpoint: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The connection to the storage at ${this.endpoint} was lost: ${this.detail}. See what is there before you try again.`
  }
}

/**
 * The object has more bytes than a command carries; `bytes` says how many, or how many there were at least.
 *
 * @category errors
 */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", {
  key: Schema.String,
  bytes: Schema.Number,
  limit: Schema.Number
}) {
  override get message(): string {
    return `The object ${JSON.stringify(this.key)} has ${this.bytes} bytes, and a command carries ${this.limit} at most. Use a presigned URL, or give the layer a greater maxBytes.`
  }
}

/**
 * There is an object of this key already, and it was to be a new one.
 *
 * @category errors
 */
export class PreconditionFailed extends Schema.TaggedError<PreconditionFailed>()("PreconditionFailed", {
  bucket: Schema.String,
  key: Schema.String
}) {
  override get message(): string {
    return `There is ${at(this.bucket, this.key)} already, and nothing was uploaded. Choose another key, or upload without onlyIfAbsent.`
  }
}

/**
 * The storage answered what has no reason of its own here; `code` is the storage's.
 *
 * @category errors
 */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  bucket: Schema.String,
  key: Schema.optional(Schema.String),
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The storage did not do it for ${at(this.bucket, this.key)}: ${this.code}: ${this.detail}`
  }
}

/**
 * The schema of {@link Reason}.
 *
 * @category schemas
 */
export const Reason = Schema.Union([
  NoSuchBucket,
  NoSuchKey,
  AccessDenied,
  Unreachable,
  ConnectionLost,
  TooLarge,
  PreconditionFailed,
  Refused
])

/**
 * Why a command on a cloud storage failed.
 *
 * @category models
 */
export type Reason = typeof Reason.Type

/**
 * A command on a cloud storage failed; `reason` says why. Credentials and presigned URLs are never in it.
 *
 * **Example** (What to do without an object)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { CloudStorageError } from "troupe/command"
 *
 * const reason = new CloudStorageError.NoSuchKey({ bucket: "photos", key: "cat.png" })
 * const download = Effect.fail(new CloudStorageError.CloudStorageError({ reason }))
 *
 * Effect.runSync(Effect.catchReason(download, "CloudStorageError", "NoSuchKey", () => Effect.succeed("no cat")))
 * // => "no cat"
 * ```
 *
 * @category errors
 */
export class CloudStorageError extends Schema.TaggedError<CloudStorageError>()("CloudStorageError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}
