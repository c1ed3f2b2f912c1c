import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Queue, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Process, type ProcessHost } from "troupe"
import * as CloudStorage from "../../src/command/CloudStorage.ts"
import * as CloudStorageError from "../../src/command/CloudStorageError.ts"
import * as S3 from "../../src/command/driver/S3.ts"
import { throughJson } from "../support/codecs.ts"
import { host, inProcess } from "../support/processes.ts"
import { makeS3, type S3Server } from "../support/s3.ts"

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const bucket = "photos"
const at = { bucket, key: "k" }

/** Runs as a process that has a storage; nothing is open at the end. */
const run = <A, E>(
  body: (
    server: S3Server
  ) => Effect.Effect<
    A,
    E,
    Process.CurrentProcess | ProcessHost.ProcessHost | Layer.Success<ReturnType<typeof CloudStorage.layer>>
  >,
  options?: { readonly maxBytes: number }
) =>
  Effect.gen(function* () {
    const server = yield* makeS3([bucket])
    const { accessKeyId, endpoint, region, secretAccessKey } = server
    const credentials = { accessKeyId, secretAccessKey: Redacted.make(secretAccessKey) }
    const live = CloudStorage.layer(options).pipe(
      Layer.provide(S3.layer({ endpoint, region, credentials, pathStyle: true }))
    )
    const answer = yield* Effect.provide(inProcess(body(server)), Layer.mergeAll(host, live))
    while (server.connections() > 0) yield* Queue.take(server.closed)
    return answer
  })

const Uploader = Process.make("test:uploader")

describe("CloudStorage", () => {
  it.live("D18 cloudstorage: a process uploads, lists, downloads and deletes", () =>
    run(() =>
      Effect.gen(function* () {
        assert.isFalse(yield* CloudStorage.exists(at))
        const etag = yield* CloudStorage.upload({
          ...at,
          body: text("hello"),
          contentType: "text/plain",
          metadata: { a: "b" }
        })
        assert.isTrue(yield* CloudStorage.exists(at))
        const { lastModified, ...found } = yield* CloudStorage.download(at)
        assert.deepStrictEqual(found, {
          ...at,
          body: text("hello"),
          size: 5,
          etag,
          contentType: "text/plain",
          metadata: { a: "b" }
        })
        assert.deepStrictEqual((yield* CloudStorage.head(at)).lastModified, lastModified)
        const page = yield* CloudStorage.list({ bucket })
        assert.deepStrictEqual(
          page.objects.map(({ key }) => key),
          ["k"]
        )
        yield* CloudStorage.delete(at)
        assert.isFalse(yield* CloudStorage.exists(at))
        const missing = yield* Effect.flip(CloudStorage.exists({ bucket: "nowhere", key: "k" }))
        assert.strictEqual(missing._tag === "CloudStorageError" && missing.reason._tag, "NoSuchBucket")
      })
    )
  )

  it.live("D18 cloudstorage: a URL that a process had signed works for others", () =>
    run(() =>
      Effect.gen(function* () {
        const put = yield* CloudStorage.presignPut({ ...at, expiresIn: "1 minute", contentType: "text/plain" })
        const headers = { "content-type": "text/plain", connection: "close" }
        const response = yield* Effect.promise(() => fetch(Redacted.value(put), { method: "PUT", body: "hi", headers }))
        assert.strictEqual(response.status, 200)
        const get = yield* CloudStorage.presignGet({ ...at, expiresIn: "1 minute" })
        assert.strictEqual(String(get), "<redacted>")
        const content = yield* Effect.promise(() =>
          fetch(Redacted.value(get), { headers: { connection: "close" } }).then((got) => got.text())
        )
        assert.strictEqual(content, "hi")
      })
    )
  )

  it.live("D18 cloudstorage: an object above the limit goes neither up nor down, and does not travel", () =>
    run(
      (server) =>
        Effect.gen(function* () {
          yield* CloudStorage.upload({ ...at, body: new Uint8Array(1000) })
          assert.strictEqual((yield* CloudStorage.download(at)).size, 1000)
          const asked = server.requests.length
          const error = yield* Effect.flip(CloudStorage.upload({ ...at, body: new Uint8Array(1001) }))
          assert.match(error.message, /"k" has 1001 bytes, and a command carries 1000 at most/)
          assert.strictEqual(server.requests.length, asked)
          const url = yield* CloudStorage.presignPut({ ...at, expiresIn: "1 minute" })
          const body = new Uint8Array(1001)
          yield* Effect.promise(() =>
            fetch(Redacted.value(url), { method: "PUT", body, headers: { connection: "close" } })
          )
          const large = yield* Effect.flip(CloudStorage.download(at))
          assert.strictEqual(large._tag === "CloudStorageError" && large.reason._tag, "TooLarge")
        }),
      { maxBytes: 1000 }
    )
  )

  for (const method of ["PUT", "GET"]) {
    it.live(`D18 cloudstorage: the end of a process ends its ${method} under way, and closes the connection`, () =>
      run((server) =>
        Effect.gen(function* () {
          yield* CloudStorage.upload({ ...at, body: new Uint8Array(200_000) })
          server.fault = (request) => (request.method === method ? (method === "GET" ? "stall" : "hang") : undefined)
          const work: Effect.Effect<
            unknown,
            unknown,
            Process.YieldServices<typeof CloudStorage.commands.upload>
          > = method === "PUT" ? CloudStorage.upload({ ...at, body: text("x") }) : CloudStorage.download(at)
          const pid = yield* Effect.provide(
            Process.spawn(Uploader),
            Uploader.toLayer(() => work)
          )
          yield* Queue.take(server.stuck)
          yield* Process.kill(pid)
          yield* Process.await(pid)
          yield* Queue.take(server.closed)
          assert.strictEqual(server.connections(), 0)
        })
      )
    )
  }

  it.effect("D18 cloudstorage: a yield with a timeout gives a storage up that does not answer", () =>
    run((server) =>
      Effect.gen(function* () {
        server.fault = () => "hang"
        const asked = yield* Process.yieldAsync(CloudStorage.commands.list, { bucket }, { timeout: "1 minute" })
        yield* Queue.take(server.stuck)
        yield* TestClock.adjust("1 minute")
        const error = yield* Effect.flip(asked.await)
        assert.strictEqual(error._tag, "YieldTimeout")
        yield* Queue.take(server.closed)
      })
    )
  )

  it.live("D18 cloudstorage: what can't be does not reach the storage", () =>
    run((server) =>
      Effect.gen(function* () {
        const body = text("x")
        const wrong: ReadonlyArray<
          Effect.Effect<unknown, { readonly _tag: string }, Process.YieldServices<typeof CloudStorage.commands.upload>>
        > = [
          CloudStorage.upload({ bucket: "photos/other", key: "k", body }),
          CloudStorage.upload({ bucket: "..", key: "k", body }),
          CloudStorage.upload({ bucket, key: "", body }),
          CloudStorage.upload({ ...at, body, metadata: { "a: b\r\nx": "y" } }),
          CloudStorage.upload({ ...at, body, metadata: { a: "b\r\nx-amz-acl: public-read" } }),
          CloudStorage.upload({ ...at, body, contentType: "text/plain\r\nx-amz-acl: public-read" }),
          CloudStorage.list({ bucket, limit: 1001 }),
          CloudStorage.presignGet({ ...at, expiresIn: "8 days" }),
          CloudStorage.presignPut({ ...at, expiresIn: 0 })
        ]
        for (const effect of wrong) assert.strictEqual((yield* Effect.flip(effect))._tag, "InvalidCommandPayload")
        assert.deepStrictEqual(server.requests, [])
      })
    )
  )

  it.effect("D18 cloudstorage: a limit that is none stops the start", () =>
    Effect.gen(function* () {
      const nothing = S3.layer({ region: "r" })
      for (const maxBytes of [Number.NaN, -1, 1.5, Infinity]) {
        const layer = Layer.provide(CloudStorage.layer({ maxBytes }), nothing)
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        assert.match(error.message, /"maxBytes" of CloudStorage.layer is .*; it must be a whole number from 0 on/)
      }
    })
  )

  it.live("D18 cloudstorage: what crosses a recording comes out as it went in", () =>
    run(() =>
      Effect.gen(function* () {
        const { download, head, list, presignGet, upload } = CloudStorage.commands
        const body = Uint8Array.from({ length: 300 }, (_, index) => index)
        const payload = { ...at, body, metadata: { a: "b" }, onlyIfAbsent: true }
        yield* throughJson(upload.payloadSchema, payload)
        yield* CloudStorage.upload(payload)
        yield* throughJson(download.successSchema, yield* CloudStorage.download(at))
        yield* throughJson(head.successSchema, yield* CloudStorage.head(at))
        const page = yield* CloudStorage.list({ bucket, limit: 1 })
        yield* throughJson(list.successSchema, page)
        yield* throughJson(list.successSchema, { ...page, continuation: Option.some("next") })
        yield* throughJson(presignGet.successSchema, Redacted.make("https://url"))
        const { AccessDenied, CloudStorageError: Failure, NoSuchKey, TooLarge } = CloudStorageError
        for (const reason of [
          new NoSuchKey(at),
          new TooLarge({ key: "k", bytes: 2, limit: 1 }),
          new AccessDenied({ bucket, key: undefined, code: "c" }),
          new AccessDenied({ ...at, code: "c" })
        ]) {
          yield* throughJson(list.errorSchema, new Failure({ reason }))
        }
      })
    )
  )
})
