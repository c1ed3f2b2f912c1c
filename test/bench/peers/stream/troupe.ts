/** The subject: data streams over connections. */
import { Effect, Schema, Scope } from "effect"
import { Rpc } from "effect/rpc"
import { Acceptor, Authentication, Connection, DataStream, Protocol, type Transport } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"
import type { Address } from "../net/peer.ts"
import { type Connect, type Consumer, type Ledger, make, type Serve, type Wanted } from "./peer.ts"

const Bench = Protocol.make("bench:streams", {
  server: [
    ...DataStream.routes,
    Rpc.make("produce", {
      payload: {
        streamId: Schema.String,
        size: Schema.Int,
        count: Schema.Int,
        mode: Schema.Literals(["reliable", "latency-first"]),
        pace: Schema.Int
      }
    })
  ],
  client: DataStream.routes
})

const transport = (address: Address): Transport.Transport =>
  address.kind === "unix" ? Unix.make({ path: address.path }) : Tcp.make({ host: "127.0.0.1", port: address.port })

// How many a stream that never waits has sent before others get a turn.
const Turn = 32

const sendAll = (sender: DataStream.Sender, { count, mode, pace, size }: Wanted, ledger: Ledger) =>
  Effect.gen(function* () {
    const begun = performance.now()
    for (let n = 0; n < count; n++) {
      ledger.onProduced()
      yield* sender.send(make(n, size))
      if (pace > 0) while (n + 1 > pace * (performance.now() - begun)) yield* Effect.sleep(1)
      else if (mode === "latency-first" && n % Turn === Turn - 1) yield* Effect.yieldNow
    }
    yield* sender.end
    ledger.onDropped((yield* sender.stats).dropped)
  })

const serve: Serve = (address, ledger) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const streams = yield* DataStream.make()
      const acceptor = yield* Acceptor.make(transport(address), Bench, {
        authenticator: Authentication.open,
        handlers: {
          ...streams.handlers,
          produce: ({ streamId, ...wanted }, client) =>
            Effect.sync(() => {
              const sent = Effect.flatMap(streams.open(client, streamId, { mode: wanted.mode }), (sender) =>
                sendAll(sender, wanted, ledger)
              )
              ledger.began(Effect.runPromise(Effect.scoped(sent)))
            })
        }
      })
      const port = Number(acceptor.transport.address.split(":").at(-1))
      return address.kind === "unix" ? address : ({ kind: "tcp", port } as const)
    }).pipe(Scope.provide(Scope.makeUnsafe()))
  )

const connect: Connect = (address) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const streams = yield* DataStream.make()
      const connection = yield* Connection.connect(transport(address), Bench, { handlers: streams.handlers })
      let streamsSoFar = 0
      const consumer: Consumer = {
        consume: (wanted, check, delay) =>
          Effect.gen(function* () {
            const streamId = `stream ${++streamsSoFar}`
            const receiver = yield* streams.register(connection, streamId, ({ payload }) => {
              const taken = Effect.sync(() => check.take(payload))
              return delay === 0 ? taken : Effect.andThen(Effect.sleep(delay), taken)
            })
            yield* connection.request("produce", { streamId, ...wanted })
            yield* receiver.ended
            check.dropped += (yield* receiver.stats).dropped
          }).pipe(Effect.scoped, Effect.runPromise)
      }
      return consumer
    }).pipe(Scope.provide(Scope.makeUnsafe()))
  )

export const troupe = { serve, connect }
