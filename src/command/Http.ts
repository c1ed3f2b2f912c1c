/**
 * Requests over HTTP, one at a time or several at once.
 *
 * A status is an answer, also one of 400 and more; only a request without a whole answer is an error. An interruption of
 * the process, and the timeout of a yield, break the request off and close its connection.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as HttpClient from "effect/http/HttpClient"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import { HttpError } from "./HttpError.ts"
import { Request, Response } from "./HttpMessage.ts"
import { requester } from "./internal/http.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"

export * from "./HttpError.ts"
export * from "./HttpMessage.ts"

/**
 * Several requests, made `concurrency` at a time, 8 when absent.
 *
 * @category schemas
 */
export const Batch = Schema.Struct({
  requests: Schema.Array(Request),
  concurrency: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))
})

/**
 * Several requests, and how many of them are made at once.
 *
 * @category models
 */
export type Batch = typeof Batch.Type

/**
 * The commands of the module `http`, by name.
 *
 * @category commands
 */
export const commands = Command.module("http", {
  request: Command.make(60, { payload: Request, success: Response, error: HttpError }),
  requestBatch: Command.make(61, { payload: Batch, success: Schema.Array(Schema.Result(Response, HttpError)) })
})

/**
 * How much goes over HTTP at most, in bytes.
 *
 * @category models
 */
export interface Options {
  /** The most that the body of a request may have: 10 MiB when absent. */
  readonly maxRequestBytes?: number | undefined
  /** The most that is read of the body of an answer, after decompression: 10 MiB when absent. */
  readonly maxResponseBytes?: number | undefined
}

/**
 * Handles the module with effect's `HttpClient`: that of `FetchHttpClient`, of a platform, or one which an application has
 * made its own with a url to begin with, headers, or retries.
 *
 * **Details**
 *
 * Redirects are followed as the client does: `fetch` follows them by itself, others with `HttpClient.followRedirects`;
 * else an answer that redirects is an answer.
 *
 * **Errors**
 *
 * `InvalidOption` for a limit that is no whole number.
 *
 * **Example** (Handling the module)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 * import { Process, ProcessHost } from "troupe"
 * import { Http } from "troupe/command"
 *
 * const client = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, Response.json({ path: new URL(request.url).pathname })))
 * )
 * const HttpLive = Http.layer().pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
 *
 * const Crawler = Process.make("app:crawler")
 * const CrawlerLive = Crawler.toLayer(Effect.fn(function*() {
 *   const response = yield* Http.request({ url: "https://example.org/start" })
 *   return [response.status, yield* response.json]
 * })).pipe(Layer.provide(HttpLive))
 *
 * const program = Effect.flatMap(Process.spawn(Crawler), Process.await)
 * await Effect.runPromise(Effect.provide(program, [CrawlerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([200, { path: "/start" }])
 * ```
 *
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Dispatcher.Handles<"http"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  HttpClient.HttpClient
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const { count } = limitsOf("Http.layer")
      const request = requester(yield* HttpClient.HttpClient, {
        maxRequestBytes: yield* count("maxRequestBytes", options?.maxRequestBytes, mebibytes(10)),
        maxResponseBytes: yield* count("maxResponseBytes", options?.maxResponseBytes, mebibytes(10))
      })
      return commands.of({
        request,
        requestBatch: ({ concurrency = 8, requests }) =>
          Effect.forEach(requests, (one) => Effect.result(request(one)), { concurrency })
      })
    })
  )

/**
 * Makes a request, and answers with what the server does, of whichever status, its body read to the end.
 *
 * **Errors**
 *
 * `HttpError`, whose `reason` tells why there is no answer, or none that was taken.
 *
 * **Example** (An answer that must be good and JSON, within a time)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 * import { Process, ProcessHost } from "troupe"
 * import { Http } from "troupe/command"
 *
 * const client = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, new Response("gone", { status: 410 })))
 * )
 * const HttpLive = Http.layer().pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
 *
 * const Buyer = Process.make("app:buyer")
 * const BuyerLive = Buyer.toLayer(Effect.fn(function*() {
 *   const order: Http.Request = {
 *     method: "POST",
 *     url: "https://example.org/orders",
 *     body: { _tag: "Json", json: { article: 7 } }
 *   }
 *   const response = yield* Process.yield(Http.commands.request, order, { timeout: "5 seconds" })
 *   return yield* Http.filterStatusOk(response).pipe(
 *     Effect.flatMap(({ json }) => json),
 *     Effect.catchReason("HttpError", "StatusNotOk", ({ status }) => Effect.succeed(status))
 *   )
 * })).pipe(Layer.provide(HttpLive))
 *
 * const program = Effect.flatMap(Process.spawn(Buyer), Process.await)
 * await Effect.runPromise(Effect.provide(program, [BuyerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(410)
 * ```
 *
 * @category yielding
 */
export const request = (request: Request) => Process.yield(commands.request, request)

/**
 * Makes several requests, no more than `concurrency` at once, and answers with the outcome of each, in the order of the
 * requests: one that fails hides none of the others.
 *
 * **Details**
 *
 * All answers are kept until the last one has come.
 *
 * **Example** (Those that are answered, and those that are not)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Result } from "effect"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 * import { Process, ProcessHost } from "troupe"
 * import { Http } from "troupe/command"
 *
 * const client = HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, new Response("yes"))))
 * const HttpLive = Http.layer().pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
 *
 * const Crawler = Process.make("app:crawler")
 * const CrawlerLive = Crawler.toLayer(Effect.fn(function*() {
 *   const urls = ["https://example.org/", "gopher://example.org/"]
 *   const outcomes = yield* Http.requestBatch(urls.map((url) => ({ url })), { concurrency: 2 })
 *   return outcomes.map(Result.match({ onSuccess: ({ text }) => text, onFailure: ({ reason }) => reason._tag }))
 * })).pipe(Layer.provide(HttpLive))
 *
 * const program = Effect.flatMap(Process.spawn(Crawler), Process.await)
 * await Effect.runPromise(Effect.provide(program, [CrawlerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(["yes", "InvalidUrl"])
 * ```
 *
 * @category yielding
 */
export const requestBatch = (
  requests: ReadonlyArray<Request>,
  options?: { readonly concurrency?: number | undefined }
) =>
  Process.yield(commands.requestBatch, {
    requests,
    ...(options?.concurrency === undefined ? {} : { concurrency: options.concurrency })
  })
