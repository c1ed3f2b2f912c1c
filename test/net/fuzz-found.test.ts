/**
 * What fuzzing has found: sides that say what no side of ours says, and would have another one keep things for ever.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema, Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
import { encode, Flag, Kind } from "../../src/net/internal/session/packet.ts"
import type { Wire } from "../../src/net/Transport.ts"
import { watched } from "./fuzzing.ts"

const Slow = Protocol.make("test:slow", {
  server: [
    Rpc.make("wait"),
    Rpc.make("next", { payload: Schema.Int, success: Schema.Int }),
    Rpc.make("count", { success: Schema.Int, stream: true })
  ]
})

/** A server whose handlers end when the test has them, and a wire to it on which both sides know each other. */
const start = Effect.gen(function* () {
  const running = { wait: 0, count: 0, most: 0 }
  const during = <A, E>(what: "wait" | "count", effect: Effect.Effect<A, E>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        running[what]++
        running.most = Math.max(running.most, running[what])
      }),
      () => effect,
      () => Effect.sync(() => running[what]--)
    )
  const acceptor = yield* Acceptor.make(Memory.make(), Slow, {
    authenticator: Authentication.open,
    limits: { pending: 4 },
    handlers: {
      wait: () => during("wait", Effect.never),
      next: (n) => Effect.succeed(n + 1),
      count: () =>
        Stream.unwrap(
          Effect.as(
            Effect.acquireRelease(
              Effect.sync(() => running.count++),
              () => Effect.sync(() => running.count--)
            ),
            Stream.range(1, 10)
          )
        )
    }
  })
  const scope = yield* Scope.make()
  let wire: Wire | undefined
  const connection = yield* Connection.connect(watched(acceptor.transport, { onWire: (made) => (wire = made) }), Slow, {
    reconnect: "never"
  }).pipe(Scope.provide(scope))
  const stats = Effect.map(acceptor.connections, ([one]) => one!)
  return {
    connection,
    wire: wire!,
    running,
    server: yield* stats,
    gone: Effect.andThen(
      Scope.close(scope, Exit.void),
      Effect.repeat(Effect.delay(acceptor.stats, "1 millis"), { until: ({ connections }) => connections === 0 })
    )
  }
})

const requests = (route: string, numbers: ReadonlyArray<number>, flags = 0) =>
  numbers.map((number) => encode(Kind.Request, number, "", route, flags)) as [Uint8Array, ...Array<Uint8Array>]

const thousand = Array.from({ length: 1000 }, (_, i) => 1000 + i)

describe("what fuzzing has found", () => {
  it.live.each([
    ["wait", 0],
    ["wait", Flag.Once],
    ["count", 0]
  ] as const)("a request whose number is being handled is no other one: %s, flags %i", ([route, flags]) =>
    Effect.gen(function* () {
      const { connection, gone, running, server, wire } = yield* start
      yield* wire.sendAll(
        requests(
          route,
          thousand.map(() => 1000),
          flags
        )
      )
      yield* wire.sendAll(requests(route, [1000], flags))
      assert.strictEqual(yield* connection.request("next", 1), 2)
      assert.strictEqual(running[route], 1)
      assert.strictEqual((yield* server.stats).dropped.duplicates, 1000)
      if (flags === Flag.Once) yield* wire.send(encode(Kind.Interrupt, 1000, ""))
      yield* gone
      assert.strictEqual(running[route], 0)
    })
  )

  it.live.each([0, Flag.Once])(
    "K38 no more requests than may be pending are handled, however many come at once: flags %i",
    (flags) =>
      Effect.gen(function* () {
        const { gone, running, server, wire } = yield* start
        yield* wire.sendAll(requests("wait", thousand, flags))
        yield* Effect.repeat(Effect.delay(server.stats, "1 millis"), { until: ({ handled }) => handled.failed === 996 })
        assert.strictEqual(running.most, 4)
        if (flags === Flag.Once) for (const number of thousand) yield* wire.send(encode(Kind.Interrupt, number, ""))
        yield* gone
        assert.strictEqual(running.wait, 0)
      })
  )
})
