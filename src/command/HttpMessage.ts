/**
 * What goes over HTTP: requests, their bodies, and answers.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { HttpError } from "./HttpError.ts"

/**
 * The body of a request: bytes as they are, a text in UTF-8, or a value as JSON. `contentType` is
 * `application/octet-stream`, `text/plain` or `application/json` unless it is given, here or as a header.
 *
 * @category schemas
 */
export const Body = Schema.TaggedUnion({
  Bytes: { bytes: Schema.Uint8Array, contentType: Schema.optionalKey(Schema.String) },
  Text: { text: Schema.String, contentType: Schema.optionalKey(Schema.String) },
  Json: { json: Schema.Json }
})

/**
 * The body of a request.
 *
 * @category models
 */
export type Body = typeof Body.Type

/**
 * A request over HTTP: a GET unless it says another method.
 *
 * **Details**
 *
 * `query` is added to the query that `url` has; a list gives its name several times. `url` may be relative where the
 * client has a url of its own to begin with. Redirects are followed as the client does.
 *
 * @category schemas
 */
export const Request = Schema.Struct({
  method: Schema.optionalKey(Schema.Literals(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"])),
  url: Schema.String,
  query: Schema.optionalKey(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Array(Schema.String)]))),
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  body: Schema.optionalKey(Body)
})

/**
 * A request over HTTP.
 *
 * @category models
 */
export type Request = typeof Request.Type

/**
 * The answer to a request over HTTP, of whichever status, with its body read to the end.
 *
 * **Details**
 *
 * Names of headers are in lower case. The values of `set-cookie`, which can't be joined, are in `setCookie` alone.
 * `method` and `url` are those of the request, the url without what may be secret, as in `HttpError`.
 *
 * @category models
 */
export class Response extends Schema.Class<Response>("troupe/command/Http/Response")({
  method: Schema.String,
  url: Schema.String,
  status: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String),
  setCookie: Schema.Array(Schema.String),
  body: Schema.Uint8Array
}) {
  /** The body as a text in UTF-8; bytes that are none are read as U+FFFD. */
  get text(): string {
    return new TextDecoder().decode(this.body)
  }

  /** The body as JSON. Fails with the reason `InvalidJson` when it is none. */
  get json(): Effect.Effect<Schema.Json, HttpError> {
    return Effect.try({
      try: (): Schema.Json => JSON.parse(this.text),
      catch: (cause) =>
        new HttpError({
          method: this.method,
          url: this.url,
          reason: { _tag: "InvalidJson", detail: cause instanceof SyntaxError ? cause.message : String(cause) }
        })
    })
  }
}

/**
 * Makes an error of an answer whose status is not one of 200 to 299.
 *
 * **Example** (An answer that must be good)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Http } from "troupe/command"
 *
 * const response = new Http.Response({
 *   method: "GET",
 *   url: "https://example.org/",
 *   status: 404,
 *   headers: {},
 *   setCookie: [],
 *   body: new Uint8Array()
 * })
 * const error = await Effect.runPromise(Effect.flip(Http.filterStatusOk(response)))
 * error.reason // => { _tag: "StatusNotOk", status: 404 }
 * ```
 *
 * @category combinators
 */
export const filterStatusOk = (response: Response): Effect.Effect<Response, HttpError> => {
  const { method, status, url } = response
  if (status >= 200 && status <= 299) return Effect.succeed(response)
  return Effect.fail(new HttpError({ method, url, reason: { _tag: "StatusNotOk", status } }))
}
