import { Schema, SemVer } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, DataStream, Protocol } from "troupe/net"

const Uint32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4294967295 }))

export const RegisterStreamRequest = Schema.Struct({
  stream_id: Schema.String,
  message_count: Uint32,
  after: Schema.optionalKey(Uint32)
})

export type RegisterStreamRequest = typeof RegisterStreamRequest.Type

export const RegisterStreamResponse = Schema.Struct({ success: Schema.Boolean, message: Schema.String })

export type RegisterStreamResponse = typeof RegisterStreamResponse.Type

/** What both sides say. */
export const StreamServer = Protocol.make("acme:stream-echo", {
  server: [
    ...DataStream.routes,
    Rpc.make("RegisterStream", { payload: RegisterStreamRequest, success: RegisterStreamResponse })
  ],
  client: [...DataStream.routes]
})

/** What the server is, and in which version. */
export const type = new ActorType.ActorType({
  manufacturer: "acme",
  name: "StreamEchoServer",
  version: SemVer.parseUnsafe("1.0.0")
})

/** What handles the routes of the server. */
export type Handlers = Protocol.Handlers<(typeof StreamServer.server)[number], (typeof StreamServer.client)[number]>
