import { Schema, SemVer } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Protocol } from "troupe/net"

const Uint32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4294967295 }))

export const StartStreamRequest = Schema.Struct({ stream_id: Schema.String, message_count: Uint32 })

export type StartStreamRequest = typeof StartStreamRequest.Type

export const StartStreamResponse = Schema.Struct({
  success: Schema.Boolean,
  message: Schema.String,
  problem: Schema.optionalKey(Schema.Literals(["NO_DIRECTORY", "NO_SERVER", "REFUSED"]))
})

export type StartStreamResponse = typeof StartStreamResponse.Type

/** What both sides say. */
export const StreamClient = Protocol.make("acme:local-stream", {
  server: [Rpc.make("StartStream", { payload: StartStreamRequest, success: StartStreamResponse })]
})

/** What the server is, and in which version. */
export const type = new ActorType.ActorType({
  manufacturer: "acme",
  name: "LocalStreamService",
  version: SemVer.parseUnsafe("1.0.0")
})

/** What handles the routes of the server. */
export type Handlers = Protocol.Handlers<(typeof StreamClient.server)[number], (typeof StreamClient.client)[number]>
