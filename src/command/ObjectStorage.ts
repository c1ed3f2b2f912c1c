/**
 * Objects in buckets, as S3 has them: the service behind the commands of `CloudStorage`.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { CloudStorageError } from "./CloudStorageError.ts"

/**
 * The name of a bucket: letters, digits, dots, hyphens and underscores, so that it can't reach into another one.
 *
 * @category schemas
 */
export const Bucket: Schema.String = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/, { expected: "the name of a bucket" })
)

/**
 * The fields of {@link Location}.
 *
 * @category schemas
 */
export const Location = Schema.Struct({ bucket: Bucket, key: Schema.NonEmptyString })

/**
 * Where an object is.
 *
 * @category models
 */
export type Location = typeof Location.Type

/** What an HTTP header can carry. */
const HeaderValue: Schema.String = Schema.String.check(
  Schema.isPattern(/^([\x21-\x7E]([\x20-\x7E]*[\x21-\x7E])?)?$/, {
    expected: "printable ASCII without space around it"
  })
)

const ContentType: Schema.String = HeaderValue.check(Schema.isNonEmpty())

/**
 * Pairs that are kept with an object: names in small letters, values of printable ASCII, as HTTP headers carry them.
 *
 * @category schemas
 */
export const Metadata = Schema.Record(Schema.String, HeaderValue).check(
  // A schema for the keys would leave alone those that do not fit it.
  Schema.makeFilter((pairs) => Object.keys(pairs).every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)), {
    expected: "names of headers in small letters"
  })
)

/**
 * The schema of {@link Upload}.
 *
 * @category schemas
 */
export const Upload = Schema.Struct({
  ...Location.fields,
  body: Schema.Uint8ArrayFromBase64,
  contentType: Schema.optionalKey(ContentType),
  metadata: Schema.optionalKey(Metadata),
  onlyIfAbsent: Schema.optionalKey(Schema.Boolean)
})

/**
 * An object to be uploaded; with `onlyIfAbsent`, unless there is one of its key.
 *
 * @category models
 */
export type Upload = typeof Upload.Type

/**
 * The schema of {@link Info}.
 *
 * @category schemas
 */
export const Info = Schema.Struct({
  ...Location.fields,
  size: Schema.Number,
  etag: Schema.String,
  contentType: Schema.String,
  metadata: Schema.Record(Schema.String, Schema.String),
  lastModified: Schema.DateTimeUtc
})

/**
 * What is known of an object beside its content; its `etag` changes with it.
 *
 * @category models
 */
export type Info = typeof Info.Type

/**
 * The schema of {@link Download}.
 *
 * @category schemas
 */
export const Download = Schema.Struct({ ...Info.fields, body: Schema.Uint8ArrayFromBase64 })

/**
 * An object with its content.
 *
 * @category models
 */
export type Download = typeof Download.Type

/**
 * The schema of {@link Query}.
 *
 * @category schemas
 */
export const Query = Schema.Struct({
  bucket: Bucket,
  prefix: Schema.optionalKey(Schema.String),
  delimiter: Schema.optionalKey(Schema.NonEmptyString),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
  continuation: Schema.optionalKey(Schema.String)
})

/**
 * Which objects to list: those whose key begins with `prefix`, `limit` at most, from where `continuation` says.
 *
 * **Details**
 *
 * With a `delimiter`, objects whose key has it behind the prefix are not listed, but what their keys have up to it is, as
 * `prefixes`: with `/`, a folder is listed. `limit` is 1000 unless given, and counts both.
 *
 * @category models
 */
export type Query = typeof Query.Type

/**
 * The schema of {@link Page}.
 *
 * @category schemas
 */
export const Page = Schema.Struct({
  objects: Schema.Array(
    Schema.Struct({ key: Schema.String, size: Schema.Number, etag: Schema.String, lastModified: Schema.DateTimeUtc })
  ),
  prefixes: Schema.Array(Schema.String),
  continuation: Schema.Option(Schema.String)
})

/**
 * A part of a listing, in the order of keys; `continuation` leads to the next one.
 *
 * @category models
 */
export type Page = typeof Page.Type

/**
 * How long a presigned URL works: from a second to seven days.
 *
 * @category schemas
 */
export const Expiry: Schema.Duration = Schema.Duration.check(
  Schema.makeFilter(
    (duration) => Duration.between(duration, { minimum: Duration.seconds(1), maximum: Duration.days(7) }),
    {
      expected: "a duration from one second to seven days"
    }
  )
)

/**
 * The schema of {@link PresignPut}.
 *
 * @category schemas
 */
export const PresignPut = Schema.Struct({
  ...Location.fields,
  expiresIn: Expiry,
  contentType: Schema.optionalKey(ContentType)
})

/**
 * A URL to upload with; with `contentType`, only what is sent with that header is taken.
 *
 * @category models
 */
export type PresignPut = typeof PresignPut.Type

/**
 * The schema of {@link PresignGet}.
 *
 * @category schemas
 */
export const PresignGet = Schema.Struct({ ...Location.fields, expiresIn: Expiry })

/**
 * A URL to download with.
 *
 * @category models
 */
export type PresignGet = typeof PresignGet.Type

/**
 * Stores objects in buckets.
 *
 * **Details**
 *
 * What is interrupted ends its request. A presigned URL works for whoever has it, and is therefore `Redacted`; it is made
 * without asking the storage, so that neither bucket nor object need be there.
 *
 * @category services
 */
export class ObjectStorage extends Context.Service<
  ObjectStorage,
  {
    /** Stores an object in place of an earlier one; answers its etag. */
    readonly upload: (upload: Upload) => Effect.Effect<string, CloudStorageError>
    /** Reads an object that has `maxBytes` at most; of a larger one, no more than that is read. */
    readonly download: (
      location: Location & { readonly maxBytes: number }
    ) => Effect.Effect<Download, CloudStorageError>
    /** Tells of an object without reading it. */
    readonly head: (location: Location) => Effect.Effect<Info, CloudStorageError>
    /** Lists a part of a bucket. */
    readonly list: (query: Query) => Effect.Effect<Page, CloudStorageError>
    /** Deletes an object; does nothing where there is none. */
    readonly delete: (location: Location) => Effect.Effect<void, CloudStorageError>
    /** Signs a URL from which the object can be had. */
    readonly presignGet: (options: PresignGet) => Effect.Effect<Redacted.Redacted<string>, CloudStorageError>
    /** Signs a URL to which the object can be sent. */
    readonly presignPut: (options: PresignPut) => Effect.Effect<Redacted.Redacted<string>, CloudStorageError>
  }
>()("troupe/command/ObjectStorage") {}
