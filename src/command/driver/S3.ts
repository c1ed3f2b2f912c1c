/**
 * Stores objects in S3, or in any storage that speaks its protocol, with `@aws-sdk/client-s3` and
 * `@aws-sdk/s3-request-presigner`.
 */
import type * as Client from "@aws-sdk/client-s3"
import type * as Presigner from "@aws-sdk/s3-request-presigner"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidOption } from "../../process/ProcessError.ts"
import { CloudStorageError, Refused, type Reason } from "../CloudStorageError.ts"
import { shownUrl } from "../internal/shownUrl.ts"
import { ObjectStorage, type Info, type Location, type Page, type PresignGet } from "../ObjectStorage.ts"
import { readBody } from "./internal/s3Body.ts"
import { reasonOf, type Target } from "./internal/s3Errors.ts"
import { load, type MissingPackage } from "./MissingPackage.ts"

/**
 * Where the storage is, and as whom to come.
 *
 * @category models
 */
export interface Options {
  /** The region; storages of one's own take any, such as `us-east-1`. */
  readonly region: string
  /** The URL of the storage; Amazon's in the region unless given. */
  readonly endpoint?: string | undefined
  /** Where the SDK finds them unless given: in the environment, in its files, or in the role of the machine. */
  readonly credentials?: Credentials | undefined
  /** Whether the bucket is in the path, and not in the host's name; `false` unless given. */
  readonly pathStyle?: boolean | undefined
}

/**
 * The access keys of a storage.
 *
 * @category models
 */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted<string>
  readonly sessionToken?: Redacted.Redacted<string> | undefined
}

const makeClient = (s3: typeof Client, { credentials, endpoint, pathStyle, region }: Options): Client.S3Client =>
  new s3.S3Client({
    region,
    forcePathStyle: pathStyle ?? false,
    // The signature covers the content. A checksum beside it would be that of nothing at all in a presigned URL.
    requestChecksumCalculation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 10_000 },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: Redacted.value(credentials.secretAccessKey),
            ...(credentials.sessionToken === undefined
              ? {}
              : { sessionToken: Redacted.value(credentials.sessionToken) })
          }
        })
  })

const fail = (reason: Reason): Effect.Effect<never, CloudStorageError> => Effect.fail(new CloudStorageError({ reason }))

/** Keys come percent-encoded where the storage does that, since XML can't have every character. */
const pageOf = (answer: Client.ListObjectsV2CommandOutput): Page => {
  const decode = (text: string): string =>
    answer.EncodingType === "url" ? decodeURIComponent(text.replaceAll("+", " ")) : text
  return {
    objects: (answer.Contents ?? []).map(({ ETag, Key, LastModified, Size }) => ({
      key: decode(Key ?? ""),
      size: Size ?? 0,
      etag: ETag ?? "",
      lastModified: DateTime.fromDateUnsafe(LastModified ?? new Date(0))
    })),
    prefixes: (answer.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix ?? "")),
    continuation: Option.fromNullishOr(answer.NextContinuationToken)
  }
}

const make = (
  s3: typeof Client,
  presigner: typeof Presigner,
  client: Client.S3Client,
  endpoint: string
): ObjectStorage["Service"] => {
  const attempt = <A>(target: Target, run: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, CloudStorageError> =>
    Effect.tryPromise({
      try: run,
      catch: (error) => new CloudStorageError({ reason: reasonOf(error, target) })
    })

  const at = ({ bucket, key }: Location) => ({ Bucket: bucket, Key: key })

  const info = (
    { bucket, key }: Location,
    answer: Client.HeadObjectCommandOutput | Client.GetObjectCommandOutput
  ): Effect.Effect<Info, CloudStorageError> => {
    const { ContentLength: size, ETag: etag, LastModified: date } = answer
    return size === undefined || etag === undefined || date === undefined
      ? fail(
          new Refused({ bucket, key, code: "InvalidResponse", detail: "it told no size, etag or date of the object" })
        )
      : Effect.succeed({
          bucket,
          key,
          size,
          etag,
          contentType: answer.ContentType ?? "application/octet-stream",
          metadata: answer.Metadata ?? {},
          lastModified: DateTime.fromDateUnsafe(date)
        })
  }

  // The answer to HEAD has no content and thus no code: whether the bucket is what is missing is asked in addition.
  const assertBucket = (bucket: string): Effect.Effect<void, CloudStorageError> =>
    attempt({ bucket, endpoint }, (abortSignal) =>
      client.send(new s3.HeadBucketCommand({ Bucket: bucket }), { abortSignal })
    ).pipe(
      Effect.asVoid,
      // It takes a permission of its own, without which it is the object that is not there.
      Effect.catchReason("CloudStorageError", "AccessDenied", () => Effect.void)
    )

  const presign = (
    { bucket, expiresIn, key }: PresignGet,
    sign: (at: { readonly expiresIn: number; readonly signingDate: Date }) => Promise<string>
  ) =>
    Effect.flatMap(DateTime.nowAsDate, (signingDate) =>
      attempt({ bucket, endpoint, key }, () =>
        sign({ expiresIn: Math.ceil(Duration.toSeconds(expiresIn)), signingDate })
      )
    ).pipe(Effect.map((url) => Redacted.make(url)))

  return {
    upload: ({ body, contentType, metadata, onlyIfAbsent, ...location }) =>
      attempt({ ...location, endpoint }, (abortSignal) =>
        client.send(
          new s3.PutObjectCommand({
            ...at(location),
            Body: body,
            ContentType: contentType,
            Metadata: metadata,
            IfNoneMatch: onlyIfAbsent === true ? "*" : undefined
          }),
          { abortSignal }
        )
      ).pipe(Effect.map((answer) => answer.ETag ?? "")),

    download: ({ maxBytes, ...location }) =>
      attempt({ ...location, endpoint }, (abortSignal) =>
        client
          .send(new s3.GetObjectCommand(at(location)), { abortSignal })
          .then((answer) =>
            readBody(answer, { key: location.key, maxBytes }, abortSignal).then((body) => ({ answer, body }))
          )
      ).pipe(Effect.flatMap(({ answer, body }) => Effect.map(info(location, answer), (known) => ({ ...known, body })))),

    head: (location) =>
      attempt({ ...location, endpoint }, (abortSignal) =>
        client.send(new s3.HeadObjectCommand(at(location)), { abortSignal })
      ).pipe(
        Effect.flatMap((answer) => info(location, answer)),
        Effect.catchReason("CloudStorageError", "NoSuchKey", (reason) =>
          Effect.andThen(assertBucket(location.bucket), fail(reason))
        )
      ),

    list: ({ bucket, continuation, delimiter, limit, prefix }) =>
      attempt({ bucket, endpoint }, (abortSignal) =>
        client
          .send(
            new s3.ListObjectsV2Command({
              Bucket: bucket,
              ContinuationToken: continuation,
              Delimiter: delimiter,
              EncodingType: "url",
              MaxKeys: limit,
              Prefix: prefix
            }),
            { abortSignal }
          )
          .then(pageOf)
      ),

    delete: (location) =>
      Effect.asVoid(
        attempt({ ...location, endpoint }, (abortSignal) =>
          client.send(new s3.DeleteObjectCommand(at(location)), { abortSignal })
        )
      ),

    presignGet: (options) =>
      presign(options, (when) => presigner.getSignedUrl(client, new s3.GetObjectCommand(at(options)), when)),

    presignPut: ({ contentType, ...options }) =>
      presign(options, (when) => {
        const command = new s3.PutObjectCommand({ ...at(options), ContentType: contentType })
        return presigner.getSignedUrl(client, command, {
          ...when,
          // What is not signed may be chosen by whoever uploads.
          ...(contentType === undefined ? {} : { signableHeaders: new Set(["content-type"]) })
        })
      })
  }
}

/**
 * Stores objects in S3, or in a storage that speaks its protocol.
 *
 * **Details**
 *
 * Each request is tried up to three times by the SDK, with growing pauses, where another try can help; connecting may take
 * ten seconds. Presigned URLs go by effect's `Clock`, all else by the machine's, as the storage does.
 *
 * **Errors**
 *
 * `MissingPackage` without the packages `@aws-sdk/client-s3` and `@aws-sdk/s3-request-presigner`; `InvalidOption` without a
 * region. That an endpoint is wrong shows when it is first used, as `Unreachable`.
 *
 * **Example** (A storage of one's own)
 *
 * ```ts no-run
 * import { Layer, Redacted } from "effect"
 * import { CloudStorage } from "troupe/command"
 * import * as S3 from "troupe/command/s3"
 *
 * const StorageLive = CloudStorage.layer({ maxBytes: 1024 * 1024 }).pipe(
 *   Layer.provide(S3.layer({
 *     endpoint: "https://storage.example:9000",
 *     region: "us-east-1",
 *     credentials: { accessKeyId: "reports", secretAccessKey: Redacted.make("from the configuration") },
 *     pathStyle: true
 *   }))
 * )
 * ```
 *
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<ObjectStorage, MissingPackage | InvalidOption> =>
  Layer.effect(
    ObjectStorage,
    Effect.gen(function* () {
      if (options.region === "") {
        const expected = "the name of a region, such as us-east-1"
        return yield* new InvalidOption({ subject: "S3.layer", option: "region", value: '""', expected })
      }
      const s3 = yield* load("@aws-sdk/client-s3", () => import("@aws-sdk/client-s3"))
      const presigner = yield* load("@aws-sdk/s3-request-presigner", () => import("@aws-sdk/s3-request-presigner"))
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => makeClient(s3, options)),
        (made) => Effect.sync(() => made.destroy())
      )
      const { endpoint, region } = options
      return make(s3, presigner, client, endpoint === undefined ? `Amazon S3 in ${region}` : shownUrl(endpoint))
    })
  )
