import { Effect, Schema, SemVerRange } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Address, Connection, DataStream, Directory, Protocol } from "troupe/net"

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
export const StreamEchoServer = Protocol.make("acme:stream-echo", {
  server: [
    ...DataStream.routes,
    Rpc.make("RegisterStream", { payload: RegisterStreamRequest, success: RegisterStreamResponse })
  ],
  client: [...DataStream.routes]
})

/** The servers that will do. */
export const range = new ActorType.Range({
  manufacturer: "acme",
  name: "StreamEchoServer",
  versions: SemVerRange.parseUnsafe("^1.0.0")
})

/** Finds the best server of the range in the directory, and connects to it; the connection is closed with the scope. */
export const connect = <
  const H extends Protocol.Handlers<(typeof StreamEchoServer.client)[number], (typeof StreamEchoServer.server)[number]>
>(
  options: Connection.Options & { readonly dialers: ReadonlyArray<Address.Dialer> } & {
    readonly handlers: H
  } & Protocol.OnlyRoutes<(typeof StreamEchoServer.client)[number], H>
) =>
  Effect.gen(function* () {
    const directory = yield* Directory.Directory
    const [best] = yield* directory.discover(range)
    const target = yield* Address.strategy(best.addresses, options.dialers)
    return yield* Connection.connect(target, StreamEchoServer, { ...options, instanceId: best.instanceId })
  })
