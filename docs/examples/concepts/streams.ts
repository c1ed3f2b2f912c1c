import { Effect, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Acceptor, Authentication, Connection, DataStream, Memory, Protocol, type Transport } from "troupe/net"

// #region protocol
const Echo = Protocol.make("app:echo", {
  server: [
    ...DataStream.routes,
    Rpc.make("start", { payload: { streamId: Schema.String, count: Schema.Int, after: Schema.Int } })
  ],
  client: DataStream.routes
})
// #endregion protocol

const text = (payload: Uint8Array) => new TextDecoder().decode(payload)
const bytes = (text: string) => new TextEncoder().encode(text)

// #region produce
const serve = (transport: Transport.Transport) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const streams = yield* DataStream.make()
    return yield* Acceptor.make(transport, Echo, {
      authenticator: Authentication.open,
      handlers: {
        ...streams.handlers,
        // It answers at once, and produces in a fiber of its own.
        start: ({ after, count, streamId }, caller) =>
          Effect.gen(function* () {
            const sender = yield* streams.open(caller, streamId, { after })
            for (let n = after + 1; n <= count; n++) {
              yield* sender.send(bytes(`message ${n}`), { metadata: { kind: "text" } })
            }
            yield* sender.end
          }).pipe(Effect.scoped, Effect.ignore, Effect.forkIn(scope))
      }
    })
  })
// #endregion produce

const connected = Effect.gen(function* () {
  const server = yield* serve(Memory.make())
  const streams = yield* DataStream.make()
  const connection = yield* Connection.make(server.transport, Echo, { handlers: streams.handlers })
  return { connection, streams }
})

// #region receive
const receiving = Effect.gen(function* () {
  const { connection, streams } = yield* connected
  const seen: Array<string> = []
  // First the receiver, then the request: not even a first chunk that overtakes the answer is missed.
  const receiver = yield* streams.register(connection, "my-stream", ({ payload, sequence }, caller) =>
    Effect.sync(() => seen.push(`${sequence}: ${text(payload)}, ${caller.id === connection.id}`))
  )
  yield* connection.request("start", { streamId: "my-stream", count: 2, after: 0 })
  yield* receiver.ended
  return seen
})
// #endregion receive

// #region stream
const consuming = Effect.gen(function* () {
  const { connection, streams } = yield* connected
  const chunks = yield* streams.toStream(connection, "numbers", { window: 8 })
  yield* connection.request("start", { streamId: "numbers", count: 1_000_000, after: 0 })
  // What is consumed no further is produced no further.
  return yield* Stream.runCollect(
    Stream.map(Stream.take(chunks, 3), ({ metadata, payload }) => [metadata["kind"], text(payload)])
  )
})
// #endregion stream

// #region after
const goingOn = Effect.gen(function* () {
  const { connection, streams } = yield* connected
  const has = 40
  const chunks = yield* streams.toStream(connection, "rest", { after: has })
  yield* connection.request("start", { streamId: "rest", count: 42, after: has })
  return yield* Stream.runCollect(Stream.map(chunks, ({ payload }) => text(payload)))
})
// #endregion after

// #region latency
const measuring = Effect.gen(function* () {
  const { connection, streams } = yield* connected
  const sender = yield* streams.open(connection, "temperature", { mode: "latency-first", window: 1 })
  // Nobody has connected yet, and no send waits.
  for (const degrees of ["19", "20", "21"]) yield* sender.send(bytes(degrees))
  return yield* sender.stats
})
// #endregion latency

/** What the page shows. */
export const program = Effect.gen(function* () {
  const { accepted, dropped, waiting } = yield* measuring
  return {
    receiving: yield* receiving,
    consuming: yield* consuming,
    goingOn: yield* goingOn,
    measuring: accepted === 3 && dropped + waiting <= 3
  }
}).pipe(Effect.scoped)
