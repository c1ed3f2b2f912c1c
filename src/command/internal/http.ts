/**
 * How a request of the module http is made with effect's client, and its answer read.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Cookies from "effect/http/Cookies"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Url from "effect/http/Url"
import { HttpError, type HttpErrorReason } from "../HttpError.ts"
import { type Body, type Request, Response } from "../HttpMessage.ts"
import { concat } from "./bytes.ts"
import { networkFailure } from "./networkFailure.ts"
import { shownUrl } from "./shownUrl.ts"

/** The limits of a client, in bytes. */
export interface Limits {
  readonly maxRequestBytes: number
  readonly maxResponseBytes: number
}

const encoder = new TextEncoder()
const headerName = /^[!#$%&'*+.^_`|~\w-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/
const withoutBody: ReadonlySet<string> = new Set(["GET", "HEAD"])

const shown = ({ query, url }: Request): string => {
  const plain = shownUrl(url)
  return Object.keys(query ?? {}).length === 0 || plain.endsWith("?…") ? plain : `${plain}?…`
}

/** Refuses what clients differ about: some throw, some send it. A url may be relative to one that the client has. */
const refusal = (request: Request): HttpErrorReason | undefined => {
  const url = Url.fromString(request.url)
  if (Result.isSuccess(url)) {
    const { password, protocol, username } = url.success
    if (protocol !== "http:" && protocol !== "https:")
      return { _tag: "InvalidUrl", detail: `its url begins with ${protocol} and must begin with http: or https:.` }
    if (username !== "" || password !== "")
      return { _tag: "InvalidUrl", detail: "its url holds a user or password. Put them into the header authorization." }
  }
  if (request.body !== undefined && withoutBody.has(request.method ?? "GET"))
    return { _tag: "InvalidRequest", detail: "it has a body, which this method can't have. Choose another method." }
  const type = request.body !== undefined && "contentType" in request.body ? request.body.contentType : undefined
  for (const [name, value] of Object.entries({ "content-type": type ?? "", ...request.headers }))
    if (!headerName.test(name) || !headerValue.test(value))
      return { _tag: "InvalidRequest", detail: `its header ${JSON.stringify(name)} has characters that no header has.` }
  return undefined
}

const encoded = (body: Body): HttpBody.Uint8Array => {
  switch (body._tag) {
    case "Bytes":
      return HttpBody.uint8Array(body.bytes, body.contentType)
    case "Text":
      return HttpBody.uint8Array(encoder.encode(body.text), body.contentType ?? "text/plain")
    case "Json":
      return HttpBody.uint8Array(encoder.encode(JSON.stringify(body.json)), "application/json")
  }
}

/** What the client says, and how many bytes of the answer's body had come by then. */
const reasonOf = (error: HttpClientError.HttpClientError, received: number): HttpErrorReason => {
  if (error.reason._tag === "InvalidUrlError")
    return { _tag: "InvalidUrl", detail: "its url is none. Write it whole, as in https://host/path." }
  const { detail, kind } = networkFailure(error.reason.cause ?? error.reason)
  switch (kind) {
    case "HostNotFound":
      return { _tag: "HostNotFound" }
    case "ConnectionClosed":
      return { _tag: "ConnectionClosed", received }
    default:
      return { _tag: kind, detail }
  }
}

/** Reads the body of an answer, and stops at the limit. */
const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Uint8Array, HttpErrorReason> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    return response.stream.pipe(
      Stream.catch((error) =>
        // A client has no stream of a body which can't be there, as in the answer to HEAD.
        error.reason._tag === "EmptyBodyError" ? Stream.empty : Stream.fail(reasonOf(error, size))
      ),
      Stream.runForEach((chunk) => {
        size += chunk.length
        if (size > limit) return Effect.fail<HttpErrorReason>({ _tag: "ResponseTooLarge", limit })
        chunks.push(chunk)
        return Effect.void
      }),
      Effect.map(() => concat(chunks, size))
    )
  })

/** Makes a function that makes requests with a client. */
export const requester =
  (client: HttpClient.HttpClient, limits: Limits) =>
  (request: Request): Effect.Effect<Response, HttpError> => {
    const method = request.method ?? "GET"
    const url = shown(request)
    const respond = Effect.gen(function* () {
      const refused = refusal(request)
      if (refused !== undefined) return yield* Effect.fail<HttpErrorReason>(refused)
      const body = Option.map(Option.fromUndefinedOr(request.body), encoded)
      const size = Option.match(body, { onNone: () => 0, onSome: ({ contentLength }) => contentLength })
      if (size > limits.maxRequestBytes)
        return yield* Effect.fail<HttpErrorReason>({ _tag: "RequestTooLarge", size, limit: limits.maxRequestBytes })
      const response = yield* HttpClientRequest.make(method)(request.url, { urlParams: request.query }).pipe(
        HttpClientRequest.setBody(Option.getOrElse(body, () => HttpBody.empty)),
        HttpClientRequest.setHeaders(request.headers ?? {}),
        client.execute,
        Effect.mapError((error) => reasonOf(error, 0))
      )
      const { "set-cookie": _cookies, ...headers } = response.headers
      return new Response({
        method,
        url,
        status: response.status,
        headers,
        setCookie: Cookies.toSetCookieHeaders(response.cookies),
        body: yield* readBody(response, limits.maxResponseBytes)
      })
    })
    return Effect.mapError(respond, (reason) => new HttpError({ method, url, reason }))
  }
