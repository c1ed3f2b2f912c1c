/**
 * What fails a command about a WebSocket.
 */
import * as Schema from "effect/Schema"

/**
 * Why a WebSocket was not connected, or a connection not used.
 *
 * **Details**
 *
 * - `InvalidUrl`: the url is not one of a WebSocket.
 * - `InvalidRequest`: what no handshake may hold, or this client can't send, such as headers in a browser.
 * - `HostNotFound`, `Unreachable`, `Tls`: the name is unknown, nobody takes connections there, no secure connection.
 * - `Rejected`: there is a server, and it did not accept the handshake.
 * - `ConnectFailed`: one of these and the client does not say which, as browsers and the global `WebSocket` do.
 * - `Closed`: the connection is closed, with this code and reason; nothing can be sent.
 * - `MessageTooLarge`: a message over the limit of the layer, in bytes. One to send was not sent, and the connection is
 *   open; one that came was dropped, and the connection is being closed with the code 4009.
 * - `Overflow`: more messages wait to be received than the limit of the layer allows, in bytes, and the client can't
 *   pause; those which waited have been received, and the connection is being closed with the code 4008.
 * - `Congested`: more bytes wait to be sent than the limit of the layer allows; this message was not sent.
 * - `InvalidClose`: a code or reason that no close may have.
 * - `NotOpen`: the handle was closed, or is not one of this process.
 *
 * @category errors
 */
export const WebSocketErrorReason = Schema.TaggedUnion({
  InvalidUrl: { detail: Schema.String },
  InvalidRequest: { detail: Schema.String },
  HostNotFound: {},
  Unreachable: { detail: Schema.String },
  Tls: { detail: Schema.String },
  Rejected: { detail: Schema.String },
  ConnectFailed: { detail: Schema.String },
  Closed: { code: Schema.Int, reason: Schema.String },
  MessageTooLarge: { size: Schema.Int, limit: Schema.Int },
  Overflow: { limit: Schema.Int },
  Congested: { waiting: Schema.Int, limit: Schema.Int },
  InvalidClose: { detail: Schema.String },
  NotOpen: {}
})

/**
 * Why a WebSocket was not connected, or a connection not used.
 *
 * @category errors
 */
export type WebSocketErrorReason = typeof WebSocketErrorReason.Type

const because = WebSocketErrorReason.match({
  InvalidUrl: ({ detail }) => `${detail}. Write it whole, as in wss://host/path.`,
  InvalidRequest: ({ detail }) => `${detail}. Look at the protocols and headers.`,
  HostNotFound: () => "no host of this name is known. Look at its spelling, and at the name servers.",
  Unreachable: ({ detail }) => `nobody answers there (${detail}). Look at host and port, or connect later.`,
  Tls: ({ detail }) =>
    `there is no secure connection (${detail}). Look at the certificate of the host and whom the client trusts.`,
  Rejected: ({ detail }) =>
    `the server did not accept the handshake (${detail}). Look at the path, the protocols, and who may connect.`,
  ConnectFailed: ({ detail }) =>
    `there is no connection (${detail}). Look at the url, and whether the server is there.`,
  Closed: ({ code, reason }) =>
    `the connection is closed, with the code ${code}${reason === "" ? "" : ` (${reason})`}. Connect again.`,
  MessageTooLarge: ({ limit, size }) =>
    `the message has ${size} bytes, and the limit is ${limit}. Send it in parts, or raise maxMessageBytes of the layer.`,
  Overflow: ({ limit }) =>
    `more than ${limit} bytes waited to be received. Receive faster, or raise maxBufferedBytes of the layer.`,
  Congested: ({ limit, waiting }) =>
    `${waiting} bytes wait to be sent, and the limit is ${limit}. Send later, or raise maxBufferedBytes of the layer.`,
  InvalidClose: ({ detail }) => `${detail}.`,
  NotOpen: () =>
    "this handle was closed, or belongs to another process. Connect in the process that uses the connection."
})

/**
 * A WebSocket was not connected, or a connection not used; `reason` says why, `operation` which command it was.
 *
 * **Details**
 *
 * `url` is without user, password, query and fragment, which may hold secrets and would end up in logs; where the handle
 * leads to no connection it is the handle, as in `#1`.
 *
 * @category errors
 */
export class WebSocketError extends Schema.TaggedError<WebSocketError>()("WebSocketError", {
  operation: Schema.String,
  url: Schema.String,
  reason: WebSocketErrorReason
}) {
  override get message(): string {
    return `The command websocket.${this.operation} of ${this.url} failed: ${because(this.reason)}`
  }
}
