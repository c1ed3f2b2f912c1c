import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Layer, Option, Queue, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as S3 from "../../../src/command/driver/S3.ts"
import type { CloudStorageError } from "../../../src/command/CloudStorageError.ts"
import { ObjectStorage, type Upload } from "../../../src/command/ObjectStorage.ts"
import { type Fault, makeS3, type S3Server } from "../../support/s3.ts"

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const bucket = "photos"
const maxBytes = 1_000_000

const client = (server: S3Server, changed: Partial<S3.Options> = {}) => {
  const { accessKeyId, endpoint, region, secretAccessKey } = server
  const credentials = { accessKeyId, secretAccessKey: Redacted.make(secretAccessKey) }
  return S3.layer({ endpoint, region, credentials, pathStyle: true, ...changed })
}

/** Runs with a storage on a server, which has nothing open at the end. */
const withStorage = <A, E, R>(
  use: (storage: ObjectStorage["Service"], server: S3Server) => Effect.Effect<A, E, R>,
  changed: Partial<S3.Options> = {}
) =>
  Effect.gen(function* () {
    const server = yield* makeS3([bucket])
    const answer = yield* Effect.flatMap(ObjectStorage, (storage) => use(storage, server)).pipe(
      Effect.provide(client(server, changed))
    )
    while (server.connections() > 0) yield* Queue.take(server.closed)
    return answer
  })

/** The next request that fits has the fault; those after it have none. */
const once = (server: S3Server, fault: Fault, method: string) => {
  server.fault = (request) => {
    if (request.method !== method) return undefined
    server.fault = () => undefined
    return fault
  }
}

const reason = <A, R>(effect: Effect.Effect<A, CloudStorageError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

const upload = (storage: ObjectStorage["Service"], key: string, body = text(key), more: Partial<Upload> = {}) =>
  storage.upload({ bucket, key, body, ...more })

describe("S3", () => {
  it.live("D18 cloudstorage: what was uploaded is downloaded, with its type and metadata", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        const body = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251)
        for (const key of ["a", "folder/b c", "ü+%2F?#&=/~'()*!", "日本.txt"]) {
          const metadata = { author: "Ada, of old", "x-y": "" }
          const etag = yield* upload(storage, key, body, { contentType: "image/png", metadata })
          const found = yield* storage.download({ bucket, key, maxBytes })
          assert.deepStrictEqual(found.body, body)
          const { body: _body, ...info } = found
          assert.deepStrictEqual(info, yield* storage.head({ bucket, key }))
          const { lastModified, ...rest } = info
          assert.deepStrictEqual(rest, { bucket, key, size: 100_000, etag, contentType: "image/png", metadata })
          assert.isTrue(DateTime.isDateTime(lastModified))
        }
      })
    )
  )

  it.live("D18 cloudstorage: an object may be empty, and one of a key takes the place of another", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        const first = yield* upload(storage, "k", new Uint8Array())
        assert.strictEqual((yield* storage.download({ bucket, key: "k", maxBytes: 0 })).body.length, 0)
        assert.notStrictEqual(yield* upload(storage, "k", text("more")), first)
        assert.deepStrictEqual((yield* storage.download({ bucket, key: "k", maxBytes })).body, text("more"))
      })
    )
  )

  it.live("D18 cloudstorage: a bucket is listed page by page, in the order of keys", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        const keys = [" ", "a", "b/1", "b/2", "c & <d>", "e\u0001f", "g+h i", "j\r\nk ", "z"]
        for (const key of keys.toReversed()) yield* upload(storage, key)
        const seen: Array<string> = []
        let continuation: Option.Option<string> = Option.none()
        let pages = 0
        do {
          const from = Option.isSome(continuation) ? { continuation: continuation.value } : {}
          const page = yield* storage.list({ bucket, limit: 3, ...from })
          assert.isTrue(page.objects.every(({ etag, key, size }) => size === text(key).length && etag.length === 34))
          seen.push(...page.objects.map(({ key }) => key))
          continuation = page.continuation
          pages++
        } while (Option.isSome(continuation))
        assert.deepStrictEqual([seen, pages], [keys, 3])
      })
    )
  )

  it.live("D18 cloudstorage: with a prefix and a delimiter, a folder is listed", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        for (const key of ["a", "b/1", "b/2", "b/c/3", "b/d/4", "bb"]) yield* upload(storage, key)
        const names = (page: {
          readonly objects: ReadonlyArray<{ readonly key: string }>
          readonly prefixes: ReadonlyArray<string>
        }) => [page.objects.map(({ key }) => key), page.prefixes]
        assert.deepStrictEqual(names(yield* storage.list({ bucket, delimiter: "/" })), [["a", "bb"], ["b/"]])
        const inner = yield* storage.list({ bucket, delimiter: "/", prefix: "b/" })
        assert.deepStrictEqual(names(inner), [
          ["b/1", "b/2"],
          ["b/c/", "b/d/"]
        ])
        assert.deepStrictEqual(names(yield* storage.list({ bucket, prefix: "b/c" })), [["b/c/3"], []])
        assert.deepStrictEqual(names(yield* storage.list({ bucket, prefix: "none" })), [[], []])
      })
    )
  )

  it.live("D18 cloudstorage: what was deleted is gone, and deleting it again does no harm", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        yield* upload(storage, "k")
        yield* storage.delete({ bucket, key: "k" })
        yield* storage.delete({ bucket, key: "k" })
        const why = yield* reason(storage.download({ bucket, key: "k", maxBytes }))
        assert.strictEqual(why._tag, "NoSuchKey")
        assert.match(why.message, /There is no "k" in the bucket "photos"/)
        assert.strictEqual((yield* reason(storage.head({ bucket, key: "k" })))._tag, "NoSuchKey")
      })
    )
  )

  it.live("D18 cloudstorage: a bucket that is missing is told from an object that is", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        const at = { bucket: "nowhere", key: "k" }
        const whys = [
          yield* reason(storage.upload({ ...at, body: text("x") })),
          yield* reason(storage.download({ ...at, maxBytes })),
          yield* reason(storage.head(at)),
          yield* reason(storage.delete(at)),
          yield* reason(storage.list({ bucket: "nowhere" }))
        ]
        for (const why of whys) assert.strictEqual(why._tag, "NoSuchBucket")
        assert.match(whys[0]!.message, /There is no bucket "nowhere"/)
      })
    )
  )

  const wrong: ReadonlyArray<readonly [name: string, credentials: S3.Credentials, code: string]> = [
    [
      "a wrong secret",
      { accessKeyId: "tester", secretAccessKey: Redacted.make("WRONG-SECRET") },
      "SignatureDoesNotMatch"
    ],
    [
      "an unknown access key",
      { accessKeyId: "nobody", secretAccessKey: Redacted.make("WRONG-SECRET") },
      "InvalidAccessKeyId"
    ]
  ]
  for (const [name, credentials, code] of wrong) {
    it.live(`D18 cloudstorage: ${name} is refused, and not shown`, () =>
      withStorage(
        (storage) =>
          Effect.gen(function* () {
            const error = yield* Effect.flip(upload(storage, "k"))
            assert.strictEqual(error.reason._tag === "AccessDenied" && error.reason.code, code)
            assert.match(error.message, /"k" in the bucket "photos".*Check the credentials/)
            assert.notInclude([String(error), error.stack, JSON.stringify(error)].join(), "WRONG-SECRET")
            assert.strictEqual((yield* reason(storage.head({ bucket, key: "k" })))._tag, "AccessDenied")
            assert.strictEqual((yield* reason(storage.list({ bucket })))._tag, "AccessDenied")
          }),
        { credentials }
      )
    )
  }

  it.live("D18 cloudstorage: an object that is to be a new one does not take the place of another", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        yield* upload(storage, "k", text("first"), { onlyIfAbsent: true })
        const why = yield* reason(upload(storage, "k", text("second"), { onlyIfAbsent: true }))
        assert.strictEqual(why._tag, "PreconditionFailed")
        assert.deepStrictEqual((yield* storage.download({ bucket, key: "k", maxBytes })).body, text("first"))
      })
    )
  )

  it.live(
    "D18 cloudstorage: when the answer to the upload of a new object was lost, its own first try is not another's",
    () =>
      withStorage((storage, server) =>
        Effect.gen(function* () {
          once(server, "closeAfter", "PUT")
          const why = yield* reason(upload(storage, "k", text("mine"), { onlyIfAbsent: true }))
          assert.strictEqual(why._tag, "ConnectionLost")
          assert.deepStrictEqual((yield* storage.download({ bucket, key: "k", maxBytes })).body, text("mine"))
        })
      )
  )

  it.live("D18 cloudstorage: of an object that is too large no more than the limit is read", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        yield* upload(storage, "k", new Uint8Array(500_000))
        assert.strictEqual((yield* storage.download({ bucket, key: "k", maxBytes: 500_000 })).size, 500_000)
        const why = yield* reason(storage.download({ bucket, key: "k", maxBytes: 499_999 }))
        assert.strictEqual(why._tag, "TooLarge")
        assert.match(why.message, /has 500000 bytes, and a command carries 499999 at most/)
        // A server that does not tell the length beforehand is stopped on the way.
        once(server, "chunked", "GET")
        const unknown = yield* reason(storage.download({ bucket, key: "k", maxBytes: 100_000 }))
        assert.isTrue(unknown._tag === "TooLarge" && unknown.bytes > 100_000 && unknown.bytes < 500_000)
      })
    )
  )

  it.live("D18 cloudstorage: a storage that is busy, or hangs up, is asked again", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        once(server, "busy", "PUT")
        yield* upload(storage, "k")
        once(server, "closeBefore", "GET")
        yield* storage.download({ bucket, key: "k", maxBytes })
        assert.deepStrictEqual(server.requests, ["PUT /photos/k", "PUT /photos/k", "GET /photos/k", "GET /photos/k"])
        server.fault = () => "busy"
        const why = yield* reason(upload(storage, "k"))
        assert.strictEqual(why._tag === "Refused" && why.code, "SlowDown")
      })
    )
  )

  it.live("D18 cloudstorage: a download that is cut off or damaged on the way fails", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        yield* upload(storage, "k", new Uint8Array(300_000))
        once(server, "cut", "GET")
        const cut = yield* reason(storage.download({ bucket, key: "k", maxBytes }))
        assert.strictEqual(cut._tag, "ConnectionLost")
        assert.include(cut.message, server.endpoint)
        once(server, "damage", "GET")
        const damaged = yield* reason(storage.download({ bucket, key: "k", maxBytes }))
        assert.strictEqual(damaged._tag, "ConnectionLost")
        assert.match(damaged.message, /Checksum mismatch/)
      })
    )
  )

  for (const [name, fault, method] of [
    ["an upload without an answer", "hang", "PUT"],
    ["a download without an answer", "hang", "GET"],
    ["a download in the middle", "stall", "GET"]
  ] as const) {
    it.live(`D18 cloudstorage: interrupting ${name} closes its connection`, () =>
      withStorage((storage, server) =>
        Effect.gen(function* () {
          yield* upload(storage, "k", new Uint8Array(300_000))
          once(server, fault, method)
          const work: Effect.Effect<unknown, CloudStorageError> =
            method === "PUT" ? upload(storage, "k") : storage.download({ bucket, key: "k", maxBytes })
          const fiber = yield* Effect.forkChild(work)
          yield* Queue.take(server.stuck)
          yield* Fiber.interrupt(fiber)
          yield* Queue.take(server.closed)
          assert.strictEqual(server.connections(), 0)
          yield* storage.head({ bucket, key: "k" })
        })
      )
    )
  }

  it.live("D18 cloudstorage: a server that dies in the middle is a lost connection, and then out of reach", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        yield* upload(storage, "k", new Uint8Array(300_000))
        once(server, "stall", "GET")
        const fiber = yield* Effect.forkChild(reason(storage.download({ bucket, key: "k", maxBytes })))
        yield* Queue.take(server.stuck)
        yield* server.kill
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "ConnectionLost")
        const why = yield* reason(upload(storage, "k"))
        assert.strictEqual(why._tag, "Unreachable")
        assert.match(why.message, /The storage at http:\/\/127\.0\.0\.1:\d+ can't be reached: .*ECONNREFUSED/)
        assert.strictEqual((yield* reason(storage.head({ bucket, key: "k" })))._tag, "Unreachable")
        assert.strictEqual((yield* reason(storage.list({ bucket })))._tag, "Unreachable")
      })
    )
  )

  it.live("D18 cloudstorage: an endpoint that has no address, or is none, is out of reach", () =>
    Effect.gen(function* () {
      const options = { region: "eu-test-1", credentials: wrong[0]![1], pathStyle: true }
      for (const endpoint of ["http://no-such-host.invalid", "not a URL"]) {
        const why = yield* reason(Effect.flatMap(ObjectStorage, (storage) => storage.list({ bucket }))).pipe(
          Effect.provide(S3.layer({ ...options, endpoint }))
        )
        assert.strictEqual(why._tag, "Unreachable")
        assert.include(why.message, endpoint)
      }
      const why = yield* reason(Effect.flatMap(ObjectStorage, (storage) => storage.list({ bucket }))).pipe(
        Effect.provide(S3.layer({ ...options, endpoint: "http://user:secret@no-such-host.invalid" }))
      )
      assert.strictEqual(why._tag, "Unreachable")
      assert.notInclude(why.message, "secret")
      assert.include(why.message, "http://no-such-host.invalid")
    })
  )

  it.live("D18 cloudstorage: a layer without a region does not start", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(S3.layer({ region: "" }))))
      assert.match(error.message, /"region" of S3.layer is ""; it must be the name of a region/)
    })
  )

  const get = (url: Redacted.Redacted<string>) =>
    Effect.promise(() => fetch(Redacted.value(url), { headers: { connection: "close" } }))
  const put = (url: Redacted.Redacted<string>, body: string, headers: Record<string, string> = {}) =>
    Effect.promise(() =>
      fetch(Redacted.value(url), { method: "PUT", body, headers: { connection: "close", ...headers } })
    )
  const textOf = (response: Response) => Effect.promise(() => response.text())

  it.live("D18 cloudstorage: with a presigned URL anyone can download, until it expires", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        yield* upload(storage, "ü/k+1", text("hello"))
        const url = yield* storage.presignGet({ bucket, key: "ü/k+1", expiresIn: Duration.minutes(1) })
        assert.strictEqual(String(url), "<redacted>")
        const response = yield* get(url)
        assert.deepStrictEqual([response.status, yield* textOf(response)], [200, "hello"])
        const changed = yield* get(Redacted.make(Redacted.value(url).replace("k%2B1", "k%2B2")))
        assert.deepStrictEqual(
          [changed.status, (yield* textOf(changed)).includes("SignatureDoesNotMatch")],
          [403, true]
        )
        server.skew = 61_000
        const late = yield* get(url)
        assert.strictEqual(late.status, 403)
        assert.include(yield* textOf(late), "Request has expired")
      })
    )
  )

  it.live("D18 cloudstorage: with a presigned URL anyone can upload, of the type that was said, until it expires", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        const expiresIn = Duration.minutes(1)
        const any = yield* storage.presignPut({ bucket, key: "any", expiresIn })
        assert.strictEqual((yield* put(any, "what I like")).status, 200)
        assert.deepStrictEqual((yield* storage.download({ bucket, key: "any", maxBytes })).body, text("what I like"))
        const typed = yield* storage.presignPut({ bucket, key: "typed", expiresIn, contentType: "text/plain" })
        assert.strictEqual((yield* put(typed, "<b>", { "content-type": "text/html" })).status, 403)
        assert.strictEqual((yield* put(typed, "b", { "content-type": "text/plain" })).status, 200)
        assert.strictEqual((yield* storage.head({ bucket, key: "typed" })).contentType, "text/plain")
        server.skew = 61_000
        assert.strictEqual((yield* put(any, "too late")).status, 403)
        server.skew = 0
        assert.strictEqual((yield* storage.head({ bucket, key: "any" })).size, 11)
      })
    )
  )

  it.effect("D18 cloudstorage: the time of a presigned URL is the program's", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2024, 1, 29, 12))
      const storage = yield* ObjectStorage
      const url = yield* storage.presignGet({ bucket, key: "k", expiresIn: Duration.hours(2) })
      assert.match(Redacted.value(url), /X-Amz-Date=20240229T120000Z&X-Amz-Expires=7200&/)
    }).pipe(
      Effect.provide(
        S3.layer({ endpoint: "http://localhost:1", region: "r", credentials: wrong[0]![1], pathStyle: true })
      )
    )
  )

  it.live("D18 cloudstorage: a URL whose time is not one it can have is refused", () =>
    withStorage((storage) =>
      Effect.gen(function* () {
        const why = yield* reason(storage.presignGet({ bucket, key: "k", expiresIn: Duration.days(8) }))
        assert.strictEqual(why._tag, "Refused")
      })
    )
  )

  it.live("D18 cloudstorage: nothing can be had without a signature", () =>
    withStorage((storage, server) =>
      Effect.gen(function* () {
        yield* upload(storage, "k")
        const anonymous = yield* get(Redacted.make(`${server.endpoint}/photos/k`))
        assert.strictEqual(anonymous.status, 403)
        assert.include(yield* textOf(anonymous), "AccessDenied")
      })
    )
  )
})
