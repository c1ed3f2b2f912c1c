/**
 * What goes over a WebSocket.
 */
import * as Schema from "effect/Schema"

/**
 * The handle of a connection, which belongs to the process that connected.
 *
 * @category schemas
 */
export const Handle = Schema.Int.pipe(Schema.brand("troupe/command/WebSocket"))

/**
 * The handle of a connection.
 *
 * @category models
 */
export type Handle = typeof Handle.Type

/**
 * Where to connect: a url that begins with `ws:` or `wss:`, the subprotocols to offer, and headers of the handshake, which
 * browsers can't send.
 *
 * @category schemas
 */
export const Connect = Schema.Struct({
  url: Schema.String,
  protocols: Schema.optionalKey(Schema.Array(Schema.String)),
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

/**
 * Where to connect.
 *
 * @category models
 */
export type Connect = typeof Connect.Type

/**
 * A message: a text, or bytes.
 *
 * @category schemas
 */
export const Message = Schema.TaggedUnion({
  Text: { text: Schema.String },
  Bytes: { bytes: Schema.Uint8Array }
})

/**
 * A message: a text, or bytes.
 *
 * @category models
 */
export type Message = typeof Message.Type

/**
 * What is received: a message, or how the connection was closed. The code 1006 says that it broke off; 1005, that the
 * other side gave no code.
 *
 * @category schemas
 */
export const Received = Schema.TaggedUnion({
  Text: { text: Schema.String },
  Bytes: { bytes: Schema.Uint8Array },
  Closed: { code: Schema.Int, reason: Schema.String }
})

/**
 * What is received: a message, or how the connection was closed.
 *
 * @category models
 */
export type Received = typeof Received.Type

/**
 * Whether a connection is open, and the subprotocol which the server chose, or none, "".
 *
 * @category schemas
 */
export const State = Schema.Struct({
  status: Schema.Literals(["open", "closing", "closed"]),
  protocol: Schema.String
})

/**
 * Whether a connection is open, and its subprotocol.
 *
 * @category models
 */
export type State = typeof State.Type
