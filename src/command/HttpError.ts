/**
 * What fails a request over HTTP.
 */
import * as Schema from "effect/Schema"

/**
 * Why a request over HTTP was not answered, or its answer not taken.
 *
 * **Details**
 *
 * - `InvalidUrl`: the url is not one that can be asked, or holds a user name or password.
 * - `InvalidRequest`: a header or body that no client sends.
 * - `RequestTooLarge`, `ResponseTooLarge`: a body over the limit of the layer, `limit`, in bytes; the request was not
 *   sent, or its answer not read further.
 * - `HostNotFound`: the name of the host is not known.
 * - `Unreachable`: nobody takes connections there.
 * - `Tls`: no secure connection, such as for a certificate which is not trusted.
 * - `ConnectionClosed`: the connection was closed before the answer was whole; `received` bytes of its body had come.
 * - `StatusNotOk`: only of {@link filterStatusOk}; the answer's status is not one of 200 to 299.
 * - `InvalidJson`: only of `json`; the body of the answer is not JSON.
 * - `Other`: what the client says and none of the above; browsers do not tell more.
 *
 * @category errors
 */
export const HttpErrorReason = Schema.TaggedUnion({
  InvalidUrl: { detail: Schema.String },
  InvalidRequest: { detail: Schema.String },
  RequestTooLarge: { size: Schema.Int, limit: Schema.Int },
  ResponseTooLarge: { limit: Schema.Int },
  HostNotFound: {},
  Unreachable: { detail: Schema.String },
  Tls: { detail: Schema.String },
  ConnectionClosed: { received: Schema.Int },
  StatusNotOk: { status: Schema.Int },
  InvalidJson: { detail: Schema.String },
  Other: { detail: Schema.String }
})

/**
 * Why a request over HTTP was not answered.
 *
 * @category errors
 */
export type HttpErrorReason = typeof HttpErrorReason.Type

const because = HttpErrorReason.match({
  InvalidUrl: ({ detail }) => `was not sent: ${detail}`,
  InvalidRequest: ({ detail }) => `was not sent: ${detail}`,
  RequestTooLarge: ({ limit, size }) =>
    `was not sent: its body has ${size} bytes, and the limit is ${limit}. Send less, or raise maxRequestBytes of the layer.`,
  ResponseTooLarge: ({ limit }) =>
    `has an answer of more than ${limit} bytes, which was not read further. Ask for less, or raise maxResponseBytes of the layer.`,
  HostNotFound: () => "was not sent: no host of this name is known. Look at its spelling, and at the name servers.",
  Unreachable: ({ detail }) => `was not sent: nobody answers there (${detail}). Look at host and port, or ask later.`,
  Tls: ({ detail }) =>
    `was not sent: there is no secure connection (${detail}). Look at the certificate of the host and whom the client trusts.`,
  ConnectionClosed: ({ received }) =>
    `was cut off: the connection was closed after ${received} bytes of the answer's body. Ask again if the request may be made twice.`,
  StatusNotOk: ({ status }) =>
    `was answered with the status ${status}. Look at the body of the answer, or do not ask for a status of 200 to 299.`,
  InvalidJson: ({ detail }) => `has an answer which is not JSON: ${detail}. Read it as text or bytes.`,
  Other: ({ detail }) => `failed: ${detail}. See what the client says of it.`
})

/**
 * A request over HTTP was not answered, or its answer not taken; `reason` says why. An answer of any status is no error.
 *
 * **Details**
 *
 * `url` is without user, password, query and fragment, which may hold secrets and would end up in logs; `?…` stands for
 * a query.
 *
 * @category errors
 */
export class HttpError extends Schema.TaggedError<HttpError>()("HttpError", {
  method: Schema.String,
  url: Schema.String,
  reason: HttpErrorReason
}) {
  override get message(): string {
    return `The request ${this.method} ${this.url} ${because(this.reason)}`
  }
}
