/**
 * Objects in a cloud storage, as a process asks for them: uploading, downloading, listing and deleting them, and URLs with
 * which others can.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import { CloudStorageError, TooLarge } from "./CloudStorageError.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"
import {
  Download,
  Info,
  Location,
  ObjectStorage,
  Page,
  PresignGet,
  PresignPut,
  Query,
  Upload
} from "./ObjectStorage.ts"

const error = CloudStorageError

/**
 * The schema of a presigned URL: it is `Redacted`, since it works for whoever has it.
 *
 * @category schemas
 */
export const Url: Schema.Redacted<Schema.String> = Schema.Redacted(Schema.String)

/**
 * The commands of the module `cloudstorage`.
 *
 * **Details**
 *
 * They never carry credentials. What processes upload and download, and the URLs that they have signed, are in the
 * recordings of these processes.
 *
 * @category commands
 */
export const commands = Command.module("cloudstorage", {
  upload: Command.make(160, { payload: Upload, success: Schema.String, error }),
  download: Command.make(161, { payload: Location, success: Download, error }),
  list: Command.make(162, { payload: Query, success: Page, error }),
  delete: Command.make(163, { payload: Location, error }),
  head: Command.make(164, { payload: Location, success: Info, error }),
  presignGet: Command.make(165, { payload: PresignGet, success: Url, error }),
  presignPut: Command.make(166, { payload: PresignPut, success: Url, error })
})

/**
 * Handles the module with the service {@link ObjectStorage}, which `S3.layer` provides.
 *
 * **Details**
 *
 * - `maxBytes`: how large an object may be that a command carries, in either direction: 16 MiB unless given. It is in
 *   memory as a whole, and in recordings; what is larger goes by presigned URLs.
 *
 * **Errors**
 *
 * `InvalidOption` for a `maxBytes` that is no whole number from 0 on.
 *
 * @category layers
 */
export const layer = (options?: {
  readonly maxBytes?: number | undefined
}): Layer.Layer<
  Dispatcher.Handles<"cloudstorage"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  ObjectStorage
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const limit = yield* limitsOf("CloudStorage.layer").count("maxBytes", options?.maxBytes, mebibytes(16))
      const storage = yield* ObjectStorage
      return commands.of({
        upload: (upload) => {
          const { body, key } = upload
          return body.length > limit
            ? Effect.fail(new CloudStorageError({ reason: new TooLarge({ key, bytes: body.length, limit }) }))
            : storage.upload(upload)
        },
        download: (location) => storage.download({ ...location, maxBytes: limit }),
        list: (query) => storage.list(query),
        delete: (location) => storage.delete(location),
        head: (location) => storage.head(location),
        presignGet: (options) => storage.presignGet(options),
        presignPut: (options) => storage.presignPut(options)
      })
    })
  )

/**
 * Stores an object in place of an earlier one, or of none with `onlyIfAbsent`; answers its etag.
 *
 * **Errors**
 *
 * `CloudStorageError` with one of the reasons `TooLarge`, `PreconditionFailed` when there was one already,
 * `NoSuchBucket`, `AccessDenied`, `Unreachable`, `ConnectionLost` and `Refused`.
 *
 * **Example** (Uploading, and handing on a URL)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Redacted } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { CloudStorage, ObjectStorage } from "troupe/command"
 *
 * // In a program, S3.layer of troupe/command/s3 stands here.
 * const FakeStorage = Layer.mock(ObjectStorage.ObjectStorage, {
 *   upload: ({ body }) => Effect.succeed(`"${body.length} bytes"`),
 *   presignGet: ({ bucket, key }) => Effect.succeed(Redacted.make(`https://${bucket}.example/${key}?signature`))
 * })
 *
 * const Reporter = Process.make("app:reporter")
 * const ReporterLive = Reporter.toLayer(Effect.fn(function*() {
 *   const at = { bucket: "reports", key: "2026/11.txt" }
 *   const etag = yield* CloudStorage.upload({ ...at, body: new TextEncoder().encode("all is well"), onlyIfAbsent: true })
 *   const url = yield* CloudStorage.presignGet({ ...at, expiresIn: "1 hour" })
 *   return [etag, Redacted.value(url)]
 * })).pipe(Layer.provide(CloudStorage.layer()), Layer.provide(FakeStorage))
 *
 * const program = Effect.flatMap(Process.spawn(Reporter), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ReporterLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(['"11 bytes"', "https://reports.example/2026/11.txt?signature"])
 * ```
 *
 * @category yielding
 */
export const upload = (upload: Upload) => Process.yield(commands.upload, upload)

/**
 * Reads an object, as a whole.
 *
 * **Errors**
 *
 * `CloudStorageError` with one of the reasons `TooLarge`, `NoSuchKey`, `NoSuchBucket`, `AccessDenied`, `Unreachable`,
 * `ConnectionLost` and `Refused`.
 *
 * @category yielding
 */
export const download = (location: Location) => Process.yield(commands.download, location)

/**
 * Lists a part of a bucket, in the order of keys; `continuation` of what it answers leads to the next part.
 *
 * @category yielding
 */
export const list = (query: Query) => Process.yield(commands.list, query)

/**
 * Tells of an object without reading it.
 *
 * @category yielding
 */
export const head = (location: Location) => Process.yield(commands.head, location)

/**
 * Tells whether there is an object; a bucket that is not there is an error.
 *
 * @category yielding
 */
export const exists = (location: Location) =>
  head(location).pipe(
    Effect.as(true),
    Effect.catchReason("CloudStorageError", "NoSuchKey", () => Effect.succeed(false))
  )

const remove = (location: Location) => Process.yield(commands.delete, location)

export {
  /**
   * Deletes an object; does nothing where there is none.
   *
   * @category yielding
   */
  remove as delete
}

/**
 * Signs a URL from which the object can be had by whoever has the URL, until it expires: from a second to seven days.
 *
 * @category yielding
 */
export const presignGet = (options: Location & { readonly expiresIn: Duration.Input }) =>
  Process.yield(commands.presignGet, { ...options, expiresIn: Duration.fromInputUnsafe(options.expiresIn) })

/**
 * Signs a URL to which an object can be sent with PUT by whoever has the URL, until it expires: from a second to seven
 * days. With a `contentType`, only what is sent with that header is taken; how large it is, the URL does not limit.
 *
 * @category yielding
 */
export const presignPut = (options: Omit<PresignPut, "expiresIn"> & { readonly expiresIn: Duration.Input }) =>
  Process.yield(commands.presignPut, { ...options, expiresIn: Duration.fromInputUnsafe(options.expiresIn) })
