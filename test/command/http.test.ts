import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { text } from "node:stream/consumers"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, Result } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { Process } from "troupe"
import * as Http from "../../src/command/Http.ts"
import { throughJson } from "../support/codecs.ts"
import { host, inProcess } from "../support/processes.ts"
import { closed, freePort, webServer } from "../support/webServer.ts"
import { withProcess } from "../support/withProcess.ts"

const clients = [
  ["fetch", FetchHttpClient.layer],
  ["node", NodeHttpClient.layerNodeHttp]
] as const

const live = (client: Layer.Layer<HttpClient.HttpClient>, options?: Http.Options) =>
  Layer.mergeAll(Http.layer(options).pipe(Layer.provide(client)), host, Logger.layer([]))

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const failure = (request: Http.Request) =>
  inProcess(Http.request(request)).pipe(
    Effect.flip,
    Effect.map((error) => {
      assert.isTrue(error._tag === "HttpError", String(error))
      return error as Http.HttpError
    })
  )

const tell = <A>(deferred: Deferred.Deferred<A>, value: A): void => {
  Deferred.doneUnsafe(deferred, Exit.succeed(value))
}

/** Answers with what came. */
const mirror = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = await text(request)
  const { headers, method, url } = request
  response.setHeader("content-type", "application/json")
  response.end(JSON.stringify({ method, url, type: headers["content-type"], colour: headers["x-colour"], body }))
}

describe.each(clients)("D18 http with the client %s", (_, client) => {
  it.live("D18 http: answers status, headers and body; any status is an answer, until one asks for a good one", () =>
    Effect.gen(function* () {
      const { url } = yield* webServer((request, response) => {
        response.setHeader("X-Colour", "blue")
        response.setHeader("set-cookie", ["a=1", "b=2; Path=/"])
        response.statusCode = Number(request.url?.slice(1))
        response.end('{ "answer": 42 }')
      })
      for (const status of [200, 404, 500]) {
        const response = yield* inProcess(Http.request({ url: `${url}/${status}` }))
        assert.strictEqual(response.status, status)
        assert.strictEqual(response.headers["x-colour"], "blue")
        assert.deepStrictEqual([...response.setCookie], ["a=1", "b=2; Path=/"])
        assert.isFalse("set-cookie" in response.headers)
        assert.strictEqual(response.text, '{ "answer": 42 }')
        assert.deepStrictEqual(yield* response.json, { answer: 42 })
        const exit = yield* Effect.exit(Http.filterStatusOk(response))
        assert.strictEqual(Exit.isSuccess(exit), status === 200)
      }
      const bad = yield* Effect.flip(
        Effect.flatMap(inProcess(Http.request({ url: `${url}/503` })), Http.filterStatusOk)
      )
      assert.isTrue(bad._tag === "HttpError" && bad.reason._tag === "StatusNotOk" && bad.reason.status === 503)
      assert.include(bad.message, `GET ${url}/503`)
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: sends method, query, headers, and a body of bytes, text or JSON with its type", () =>
    Effect.gen(function* () {
      const { url } = yield* webServer(mirror)
      const sent = (request: Omit<Http.Request, "url">) =>
        inProcess(Effect.flatMap(Http.request({ url: `${url}/a?b=1`, ...request }), ({ json }) => json))
      assert.deepStrictEqual(yield* sent({ query: { c: "x y", d: ["1", "2"] }, headers: { "X-Colour": "red" } }), {
        method: "GET",
        url: "/a?b=1&c=x+y&d=1&d=2",
        colour: "red",
        body: ""
      })
      const body = (method: "POST" | "PUT" | "PATCH" | "DELETE", body: Http.Body, headers = {}) =>
        sent({ method, body, headers })
      assert.deepStrictEqual(yield* body("POST", { _tag: "Json", json: { a: [1, null] } }), {
        method: "POST",
        url: "/a?b=1",
        type: "application/json",
        body: '{"a":[1,null]}'
      })
      assert.deepStrictEqual(yield* body("PUT", { _tag: "Text", text: "grün" }), {
        method: "PUT",
        url: "/a?b=1",
        type: "text/plain",
        body: "grün"
      })
      assert.deepStrictEqual(yield* body("PATCH", { _tag: "Bytes", bytes: bytes("raw") }), {
        method: "PATCH",
        url: "/a?b=1",
        type: "application/octet-stream",
        body: "raw"
      })
      const typed = { _tag: "Text", text: "<a/>", contentType: "text/xml" } as const
      assert.deepInclude(yield* body("DELETE", typed), { method: "DELETE", type: "text/xml" })
      assert.deepInclude(yield* body("POST", typed, { "Content-Type": "text/html" }), { type: "text/html" })
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: an answer without a body has an empty one", () =>
    Effect.gen(function* () {
      const { url } = yield* webServer((request, response) => {
        if (request.method === "HEAD") response.setHeader("content-length", "1000000000")
        else response.statusCode = 204
        response.end()
      })
      for (const method of ["HEAD", "DELETE"] as const) {
        const { body, status } = yield* inProcess(Http.request({ method, url }))
        assert.deepStrictEqual([status, body.length], [method === "HEAD" ? 200 : 204, 0])
      }
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: a body in slow pieces is read to its end", () =>
    Effect.gen(function* () {
      const { url } = yield* webServer((_, response) => {
        let left = 50
        const more = (): void => {
          response.write(`${left}\n`)
          if (--left === 0) response.end("end")
          else setImmediate(more)
        }
        more()
      })
      const response = yield* inProcess(Http.request({ url }))
      assert.strictEqual(response.headers["transfer-encoding"], "chunked")
      assert.strictEqual(response.text.split("\n").length, 51)
      assert.isTrue(response.text.endsWith("1\nend"))
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: reading stops at the limit, also of a body without end, and the connection is closed", () =>
    Effect.gen(function* () {
      let written = 0
      let socket: Socket | undefined
      const { url } = yield* webServer((request, response) => {
        ;({ socket } = request)
        if (request.url === "/exact") return void response.end(new Uint8Array(100_000))
        const chunk = new Uint8Array(10_000)
        const more = (): void => {
          if (response.destroyed) return
          written += chunk.length
          if (response.write(chunk)) setImmediate(more)
          else response.once("drain", more)
        }
        more()
      })
      const exact = yield* inProcess(Http.request({ url: `${url}/exact` }))
      assert.strictEqual(exact.body.length, 100_000)
      const error = yield* failure({ url })
      assert.deepStrictEqual(error.reason, { _tag: "ResponseTooLarge", limit: 100_000 })
      assert.include(error.message, "maxResponseBytes")
      yield* closed(socket!)
      assert.isBelow(written, 20_000_000)
    }).pipe(Effect.provide(live(client, { maxResponseBytes: 100_000 })))
  )

  it.live("D18 http: a request over the limit is not sent", () =>
    Effect.gen(function* () {
      let requests = 0
      const { url } = yield* webServer((_, response) => {
        requests++
        response.end()
      })
      const post = (size: number): Http.Request => ({
        method: "POST",
        url,
        body: { _tag: "Bytes", bytes: new Uint8Array(size) }
      })
      const error = yield* failure(post(101))
      assert.deepStrictEqual(error.reason, { _tag: "RequestTooLarge", size: 101, limit: 100 })
      assert.strictEqual(requests, 0)
      yield* inProcess(Http.request(post(100)))
      assert.strictEqual(requests, 1)
    }).pipe(Effect.provide(live(client, { maxRequestBytes: 100 })))
  )

  it.live("D18 http: a connection that is closed before the answer is whole", () =>
    Effect.gen(function* () {
      const { drained, url } = yield* webServer((request, response) => {
        if (request.url === "/before") return void request.socket.destroy()
        if (request.url === "/length") response.setHeader("content-length", "1000")
        // The reset waits until the client has what was written before it.
        response.write("0123456789", () => setImmediate(() => request.socket.resetAndDestroy()))
      })
      const before = yield* failure({ url: `${url}/before` })
      assert.deepStrictEqual(before.reason, { _tag: "ConnectionClosed", received: 0 })
      for (const path of ["length", "chunked"]) {
        const { message, reason } = yield* failure({ url: `${url}/${path}?secret=1` })
        assert.isTrue(reason._tag === "ConnectionClosed" && reason.received <= 10, JSON.stringify(reason))
        assert.include(message, `GET ${url}/${path}?… was cut off`)
      }
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: a port where nobody listens, a name that nobody has, a server without TLS", () =>
    Effect.gen(function* () {
      for (const host of ["127.0.0.1", "localhost"]) {
        const refused = yield* failure({ url: `http://${host}:${yield* freePort}` })
        assert.strictEqual(refused.reason._tag, "Unreachable")
        assert.include(refused.message, "connect ECONNREFUSED")
      }
      const unknown = yield* failure({ url: "http://nowhere.invalid/" })
      assert.deepStrictEqual(unknown.reason, { _tag: "HostNotFound" })
      const { drained, port } = yield* webServer()
      const insecure = yield* failure({ url: `https://127.0.0.1:${port}/` })
      assert.strictEqual(insecure.reason._tag, "Tls", insecure.message)
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: what no client sends is refused, and no message has a secret", () =>
    Effect.gen(function* () {
      const reasons = [
        [{ url: "nothing" }, "InvalidUrl"],
        [{ url: "http://" }, "InvalidUrl"],
        [{ url: "ftp://127.0.0.1/?key=secret" }, "InvalidUrl"],
        [{ url: "http://user:secret@127.0.0.1/a?key=secret#secret" }, "InvalidUrl"],
        [{ url: "user:secret@127.0.0.1/a" }, "InvalidUrl"],
        [{ url: "http://127.0.0.1", query: { key: "secret" }, headers: { "a b": "secret" } }, "InvalidRequest"],
        [{ url: "http://127.0.0.1", headers: { a: "secret\r\nb: c" } }, "InvalidRequest"],
        [{ url: "http://127.0.0.1", body: { _tag: "Text", text: "secret" } }, "InvalidRequest"],
        [
          { url: "http://127.0.0.1", method: "PUT", body: { _tag: "Text", text: "", contentType: "a\nb" } },
          "InvalidRequest"
        ]
      ] as const
      for (const [request, reason] of reasons) {
        const error = yield* failure(request)
        assert.strictEqual(error.reason._tag, reason, error.message)
        assert.notInclude(error.message, "secret")
      }
      assert.strictEqual((yield* failure(reasons[3][0])).url, "http://127.0.0.1/a?…")
      assert.strictEqual((yield* failure(reasons[5][0])).url, "http://127.0.0.1?…")
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: what an application has put into the client's url is in no message", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const base = HttpClient.mapRequest(
        HttpClientRequest.prependUrl(`http://user:secret@127.0.0.1:${port}/?key=secret`)
      )
      const based = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, base)).pipe(
        Layer.provide(client)
      )
      const error = yield* Effect.provide(failure({ url: "/path" }), live(based))
      assert.notInclude(JSON.stringify([error.message, error]), "secret")
      assert.include(error.message, "GET /path")
    })
  )

  it.live("D18 http: a server that never answers: the timeout of the yield, and the end of the process, hang up", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      let socket: Socket | undefined
      const { url } = yield* webServer((request, response) => {
        ;({ socket } = request)
        if (request.url === "/body") response.write("half")
        if (request.url === "/kill") tell(arrived, undefined)
      })
      for (const path of ["head", "body"]) {
        const yielded = Process.yield(Http.commands.request, { url: `${url}/${path}` }, { timeout: "100 millis" })
        assert.strictEqual((yield* Effect.flip(inProcess(yielded)))._tag, "YieldTimeout")
        yield* closed(socket!)
      }
      yield* withProcess(Http.request({ url: `${url}/kill` }), (kill) =>
        Effect.gen(function* () {
          yield* Deferred.await(arrived)
          assert.isFalse(socket?.destroyed)
          yield* kill
        })
      )
      yield* closed(socket!)
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 http: a batch answers in the order of its requests, each for itself, so many at once as it says", () =>
    Effect.gen(function* () {
      let now = 0
      let most = 0
      const waiting: Array<() => void> = []
      const { url } = yield* webServer((request, response) => {
        most = Math.max(most, ++now)
        const answer = (): void => {
          now--
          if (request.url === "/4") request.socket.destroy()
          else response.end(request.url)
        }
        waiting.push(answer)
        // The last of those that are at once is answered first.
        if (waiting.length === 3 || request.url === "/9") for (const one of waiting.splice(0).toReversed()) one()
      })
      const requests = Array.from({ length: 10 }, (_, index) => ({ url: `${url}/${index}` }))
      const { outcomes, none } = yield* inProcess(
        Effect.all({ outcomes: Http.requestBatch(requests, { concurrency: 3 }), none: Http.requestBatch([]) })
      )
      const texts = outcomes.map(
        Result.match({ onFailure: ({ reason }) => reason._tag, onSuccess: ({ text }) => text })
      )
      assert.deepStrictEqual(texts, ["/0", "/1", "/2", "/3", "ConnectionClosed", "/5", "/6", "/7", "/8", "/9"])
      assert.strictEqual(most, 3)
      assert.deepStrictEqual(none, [])
      const invalid = yield* Effect.flip(inProcess(Http.requestBatch(requests, { concurrency: 0 })))
      assert.strictEqual(invalid._tag, "InvalidCommandPayload")
    }).pipe(Effect.provide(live(client)))
  )
})

const redirecting = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.url !== "/from") return void response.end("there")
  response.writeHead(302, { location: "/to" })
  response.end("elsewhere")
}

describe("D18 http", () => {
  it.live("D18 http: redirects are followed as the client does", () =>
    Effect.gen(function* () {
      const { url } = yield* webServer(redirecting)
      const answer = Effect.map(
        inProcess(Http.request({ url: `${url}/from` })),
        ({ status, text }) => `${status} ${text}`
      )
      const manual = Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" })
      const following = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, (client) => HttpClient.followRedirects(client, 2))
      )
      const answers = [
        [FetchHttpClient.layer, "200 there"],
        [FetchHttpClient.layer.pipe(Layer.provide(manual)), "302 elsewhere"],
        [NodeHttpClient.layerNodeHttp, "302 elsewhere"],
        [following.pipe(Layer.provide(NodeHttpClient.layerNodeHttp)), "200 there"]
      ] as const
      for (const [client, expected] of answers)
        assert.strictEqual(yield* Effect.provide(answer, live(client), { local: true }), expected)
    })
  )

  it.effect("D18 http: requests, answers and errors cross their schemas", () =>
    Effect.gen(function* () {
      const requests: ReadonlyArray<Http.Request> = [
        { url: "a" },
        {
          method: "PUT",
          url: "a",
          query: { b: "c", d: ["e", "f"] },
          headers: { g: "h" },
          body: { _tag: "Json", json: [null] }
        },
        { url: "a", body: { _tag: "Bytes", bytes: new Uint8Array([0, 255]), contentType: "image/png" } },
        { url: "a", body: { _tag: "Text", text: "ü" } }
      ]
      yield* throughJson(Http.Batch, { requests, concurrency: 2 })
      const { method, url } = { method: "GET", url: "http://a/" }
      const body = bytes("{ broken")
      const response = new Http.Response({ method, url, status: 200, headers: { a: "b" }, setCookie: ["c=d"], body })
      const error = yield* Effect.flip(response.json)
      assert.strictEqual(error.reason._tag, "InvalidJson")
      yield* throughJson(Http.commands.requestBatch.successSchema, [Result.succeed(response), Result.fail(error)])
    })
  )
})
