/**
 * Two programs that send each other streams.
 */
import { Effect, Schedule, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Acceptor, Authentication, Connection, DataStream, Protocol } from "troupe/net"
import { BatchWriter, ItemWriter, Kind } from "../../src/net/internal/stream/batch.ts"
import type { Transport } from "../../src/net/Transport.ts"

const Start = Rpc.make("start", {
  payload: { streamId: Schema.String, count: Schema.Int, after: Schema.Int },
  success: Schema.Int
})
const Echo = Rpc.make("echo", { payload: Schema.String, success: Schema.String })

export const Streams = Protocol.make("test:streams", {
  server: [...DataStream.routes, Start, Echo],
  client: [...DataStream.routes, Echo]
})

type ServerRoute = (typeof Streams)["server"][number]
type ClientRoute = (typeof Streams)["client"][number]
export type ToServer = Connection.Connection<ServerRoute>
export type ToClient = Connection.Connection<ClientRoute>
export type Asked = (typeof Start)["payloadSchema"]["Type"]

export interface ServeOptions {
  /** What is done for a client that asks to start. */
  readonly start?: (asked: Asked, client: ToClient, streams: DataStream.DataStreams) => Effect.Effect<void>
  readonly patience?: DataStream.Options["patience"]
  readonly heartbeat?: Connection.Heartbeat
  readonly authenticator?: Authentication.Authenticator
}

export const serve = Effect.fnUntraced(function* (transport: Transport, options: ServeOptions = {}) {
  const { authenticator = Authentication.open, heartbeat, patience, start = () => Effect.void } = options
  const streams = yield* DataStream.make({ patience })
  const acceptor = yield* Acceptor.make(transport, Streams, {
    authenticator,
    heartbeat,
    handlers: {
      ...streams.handlers,
      start: (asked, client) => Effect.as(start(asked, client, streams), asked.count),
      echo: (text) => Effect.succeed(text)
    }
  })
  return { acceptor, streams, transport: acceptor.transport }
})

export const dial = Effect.fnUntraced(function* (
  transport: Transport,
  options: Pick<Connection.Options, "heartbeat" | "reconnect" | "credentials"> & DataStream.Options = {}
) {
  const { patience, ...others } = options
  const streams = yield* DataStream.make({ patience })
  const connection = yield* Connection.make(transport, Streams, {
    reconnect: Schedule.spaced("20 millis"),
    ...others,
    handlers: { ...streams.handlers, echo: (text) => Effect.succeed(text) }
  })
  return { connection, streams }
})

/** Both sides, connected; `client` is what the server has of the connection. */
export const talk = Effect.fnUntraced(function* (transport: Transport, options: ServeOptions = {}) {
  const server = yield* serve(transport, options)
  const client = yield* dial(server.transport)
  yield* client.connection.request("echo", "hello")
  const [toClient] = yield* server.acceptor.connections
  return { server, here: client.streams, there: server.streams, toServer: client.connection, toClient: toClient! }
})

export const bytes = (n: number): Uint8Array => new TextEncoder().encode(String(n))
export const numberOf = ({ payload }: DataStream.Chunk): number => Number(new TextDecoder().decode(payload))
export const upTo = (count: number): Array<number> => Array.from({ length: count }, (_, at) => at + 1)

/** A frame of chunks as a peer may send it that does as it likes: each has its number as its payload. */
export const raw = (streamId: string, sequences: readonly [number, ...Array<number>], isLossy = false): Uint8Array =>
  new BatchWriter().write(
    streamId,
    isLossy ? Kind.Lossy : Kind.Reliable,
    sequences[0],
    sequences.map((n) => new ItemWriter().write({ _tag: "Chunk", payload: bytes(n), metadata: {}, timestamp: 0 }))
  )

/** Sends the numbers, and the end. */
export const sendNumbers = Effect.fnUntraced(function* (
  streams: DataStream.DataStreams,
  to: DataStream.Side,
  streamId: string,
  numbers: ReadonlyArray<number>,
  options?: DataStream.SenderOptions
) {
  const sender = yield* streams.open(to, streamId, options)
  yield* Effect.forEach(numbers, (n) => sender.send(bytes(n)), { discard: true })
  yield* sender.end
})
