/** The subject: connections, and those who accept them. */
import { Effect, Schema, Scope } from "effect"
import { Rpc } from "effect/rpc"
import { Acceptor, Authentication, Connection, Protocol, type Transport } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"
import { type Calls, clientOf } from "./effectful.ts"
import type { Address, Serve } from "./peer.ts"

const Bench = Protocol.make("bench:numbers", {
  server: [
    Rpc.make("request", { payload: Schema.Int, success: Schema.Int }),
    Rpc.make("tell", { payload: Schema.Int }),
    Rpc.make("settled", { payload: Schema.Int })
  ]
})

const transport = (address: Address): Transport.Transport =>
  address.kind === "unix" ? Unix.make({ path: address.path }) : Tcp.make({ host: "127.0.0.1", port: address.port })

const serve: Serve = (address, tally) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const acceptor = yield* Acceptor.make(transport(address), Bench, {
        authenticator: Authentication.open,
        handlers: {
          request: (n) => Effect.sync(() => tally.requested(n)),
          tell: (n) => Effect.sync(() => tally.told(n)),
          settled: (n) => Effect.callback<void>((resume) => tally.settled(n, () => resume(Effect.void)))
        }
      })
      const port = Number(acceptor.transport.address.split(":").at(-1))
      return address.kind === "unix" ? address : ({ kind: "tcp", port } as const)
    }).pipe(Scope.provide(Scope.makeUnsafe()))
  )

const connect = (address: Address) =>
  Effect.map(Connection.connect(transport(address), Bench), (connection): Calls => ({
    request: (n) => connection.request("request", n),
    tell: (n) => connection.tell("tell", n),
    settled: (n) => connection.request("settled", n, { timeout: "1 minute" })
  }))

export const troupe = { serve, connect: clientOf(connect, Effect.runPromise) }
