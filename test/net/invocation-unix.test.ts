/** Invocations over unix sockets, in time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { join } from "node:path"
import { Invocation, Strategy } from "troupe/net"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { countOf, idOf, serve, serveApart, statesOf, Work } from "./invoked.ts"

const quick: Invocation.HealthOptions = {
  interval: "50 millis",
  timeout: "1 second",
  failures: 1,
  backoff: Schedule.spaced("50 millis")
}

const until = <E>(holds: Effect.Effect<boolean, E>) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), holds), { until: (held) => held })

describe("invocations over unix sockets", () => {
  it.live("K43 K48 K49 are shared out, survive the stop of an instance, and come back to it", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const socket = (name: string) => Unix.make({ path: join(folder, `${name}.sock`) })
      const stable = yield* serve("stable", socket("stable"))
      const first = yield* serveApart("other", socket("other"))
      const work = yield* Invocation.make({ instances: Stream.make([stable.instance, first.instance]) }, Work, {
        health: quick
      })
      const many = Effect.forEach(Array.from({ length: 200 }), () => work.invoke("who"), { concurrency: 20 })
      assert.deepStrictEqual(countOf(yield* many), { stable: 100, other: 100 })
      for (const { acceptor } of [stable, first]) assert.strictEqual((yield* acceptor.stats).accepted, 1)

      const slow = yield* Effect.forEach([1, 2], () => Effect.forkChild(work.invoke("take", 300)))
      yield* until(Effect.sync(() => first.executed.begun.length === 101))
      const stopping = yield* Effect.forkChild(first.stop)
      yield* until(Effect.map(statesOf(work), ({ other }) => other !== "Available"))
      assert.deepStrictEqual(countOf(yield* many), { stable: 200 })
      assert.deepStrictEqual(countOf(yield* Fiber.joinAll(slow)), { stable: 1, other: 1 })
      yield* Fiber.join(stopping)

      yield* serve("other", socket("other"))
      yield* until(Effect.map(statesOf(work), ({ other }) => other === "Available"))
      assert.deepStrictEqual(countOf(yield* many), { stable: 100, other: 100 })
    })
  )

  it.live("K39 an instance is reached over the next of its transports, when the first leads nowhere", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const { acceptor } = yield* serve("a", Tcp.make({ host: "127.0.0.1", port: 0 }))
      const strategy = Strategy.of(Unix.make({ path: join(folder, "nobody.sock") }), acceptor.transport)
      const instance = { id: idOf("a"), strategy, credentials: undefined, ended: Effect.never }
      const work = yield* Invocation.make({ instances: Stream.make([instance]) }, Work)
      assert.strictEqual(yield* work.invoke("who"), "a")
      assert.strictEqual((yield* work.instances)[0]!.failures, 0)
    })
  )
})
