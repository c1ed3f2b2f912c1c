import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Select, type Selectable, Timer } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const Poke = Rpc.make("poke", { payload: Schema.Finite })
const Mixed = Process.make("test:mixed", { protocol: [Poke] })

/** A process that selects until each of six sources has won, and what makes one of them after the other ready. */
const mixed = Effect.gen(function* () {
  const [deferred, ended] = [yield* Deferred.make<string>(), yield* Deferred.make<string>()]
  const queue = yield* Queue.unbounded<number>()
  const MixedLive = Mixed.toLayer(() =>
    Effect.gen(function* () {
      const open: Record<string, Selectable.Selectable<unknown, unknown> | Select.Case<unknown>> = {
        message: yield* Mixed.inbox,
        event: yield* Mixed.events,
        timer: yield* Timer.after("1 second"),
        fiber: Select.fiber(yield* Process.fork(Deferred.await(ended))),
        deferred: Select.deferred(deferred),
        queue: Select.queue(queue)
      }
      const seen: Array<string> = []
      while (Object.keys(open).length > 0) {
        const { _tag } = yield* Select.any(open)
        seen.push(_tag)
        delete open[_tag]
      }
      return seen
    })
  )
  const pid = yield* Effect.provide(Process.spawn(Mixed), MixedLive)
  yield* Effect.sleep(1)
  const becomesReady = {
    message: Process.send(pid, "poke", 1),
    queue: Queue.offer(queue, 1),
    timer: Effect.sleep("999 millis"),
    event: Process.cancel(pid),
    fiber: Deferred.succeed(ended, "done"),
    deferred: Deferred.succeed(deferred, "done")
  }
  return { becomesReady, seen: Process.await(pid) }
})

describe("a select over inbox, events, timer, fiber, deferred and queue", () => {
  both("L32 sees each when it is ready", () =>
    Effect.gen(function* () {
      const { becomesReady, seen } = yield* mixed
      yield* Effect.forEach(Object.values(becomesReady), (one) => Effect.andThen(one, Effect.sleep(1)))
      assert.deepStrictEqual(yield* seen, Exit.succeed(Object.keys(becomesReady)))
    }).pipe(Effect.provide(host))
  )

  both("L32 sees each once when all are ready at once, and loses none", () =>
    Effect.gen(function* () {
      const { becomesReady, seen } = yield* mixed
      yield* Effect.forEach(Object.values(becomesReady), (one) => one, { concurrency: "unbounded" })
      const sorted = Effect.map(
        seen,
        Exit.map((tags) => (tags as ReadonlyArray<string>).toSorted())
      )
      assert.deepStrictEqual(yield* sorted, Exit.succeed(Object.keys(becomesReady).toSorted()))
    }).pipe(Effect.provide(host))
  )
})
