/** Invocations over each transport that there is, in time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { join } from "node:path"
import { Invocation, Strategy } from "troupe/net"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { because } from "./absent.ts"
import { countOf, idOf, invoke, serve, serveApart, statesOf, Work } from "./invoked.ts"
import { transports } from "./transports.ts"

const quick: Invocation.HealthOptions = {
  interval: "50 millis",
  timeout: "1 second",
  failures: 1,
  backoff: Schedule.spaced("50 millis")
}

const until = <E>(holds: Effect.Effect<boolean, E>) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), holds), { until: (held) => held })

for (const { absent, make, name } of transports) {
  describe.skipIf(absent !== undefined)(`invocations over ${name}${because(absent)}`, () => {
    it.live("K43 K48 K49 are shared out, survive the stop of an instance, and come back to it", () =>
      Effect.gen(function* () {
        const stable = yield* serve("stable", yield* make)
        const first = yield* serveApart("other", yield* make)
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

        yield* serve("other", first.acceptor.transport)
        yield* until(Effect.map(statesOf(work), ({ other }) => other === "Available"))
        assert.deepStrictEqual(countOf(yield* many), { stable: 100, other: 100 })
      })
    )

    it.live("I9 jobs whose worker dies go to another; those that were confirmed are never sent again", () =>
      Effect.gen(function* () {
        const dying = yield* serveApart("dying", yield* make, { stopTimeout: 0 })
        const others = [yield* serve("second", yield* make), yield* serve("third", yield* make)]
        const work = yield* invoke([dying.instance, ...others.map(({ instance }) => instance)])
        const jobs = Array.from({ length: 60 }, (_, at) => `job ${at}`)
        const confirmed = new Set<string>()
        const working = yield* Effect.forkChild(
          Effect.forEach(
            jobs,
            (id, at) =>
              Effect.tap(
                work.invoke("mark", { id, ms: 20 * Math.floor(at / 6) }, { timeout: "1 hour", idempotent: true }),
                () => Effect.sync(() => confirmed.add(id))
              ),
            { concurrency: "unbounded" }
          )
        )
        yield* until(Effect.sync(() => confirmed.size >= 20))
        const before = new Set(confirmed)
        yield* dying.stop
        assert.deepStrictEqual(yield* Fiber.join(working), jobs)
        const begun = [dying, ...others].flatMap(({ executed }) => executed.begun)
        assert.deepStrictEqual(new Set(begun), new Set(jobs))
        const again = begun.filter((id, at) => begun.indexOf(id) !== at)
        assert.isAbove(again.length, 0)
        assert.isEmpty(again.filter((id) => before.has(id)))
      })
    )
  })
}

describe("invocations over several transports", () => {
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
