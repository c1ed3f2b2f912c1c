import { assert, describe } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Backoff, Selectable, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { actor, stage } from "../support/supervised.ts"

/** What fails so many times, and then no more. */
const failing = (times: number) => {
  let left = times
  return Effect.suspend(() => (left-- > 0 ? Effect.fail("no disk") : Effect.void))
}

const backoff = Backoff.exponential({ min: "1 second" }).pipe(Schedule.upTo({ times: 2 }))

describe("a child whose first start is tried again", () => {
  both("its supervisor goes on without it and starts it as if it had ended", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const late = actor("late", log, { init: failing(2), startFailure: "retry", backoff })
      const Tree = Supervisor.make("test:tree", { children: [late, actor("next", log)] })
      const tree = yield* Supervisor.start(Tree)
      const states = Effect.map(Supervisor.list(tree), (children) => children.map(({ state }) => state))
      assert.deepStrictEqual(yield* states, ["restarting", "running"])
      yield* Effect.sleep("1500 millis")
      assert.deepStrictEqual(yield* states, ["restarting", "running"])
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(yield* states, ["running", "running"])
    }).pipe(Effect.provide(stage))
  )

  both("a child that is added is refused and kept, and given up in the end", () =>
    Effect.gen(function* () {
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", {}))
      const events = yield* Supervisor.events(tree)
      const child = actor("late", [], { init: failing(9), startFailure: "retry", backoff })
      assert.strictEqual((yield* Effect.flip(Supervisor.startChild(tree, child)))._tag, "ChildStartFailed")
      assert.strictEqual((yield* Supervisor.find(tree, "late")).state, "restarting")
      yield* Effect.sleep("4 seconds")
      const told = []
      for (let n = 0; n < 6; n++) told.push((yield* Selectable.take(events))._tag.slice("Child".length))
      assert.deepStrictEqual(told, ["StartFailed", "Restarting", "StartFailed", "Restarting", "StartFailed", "GivenUp"])
      assert.strictEqual((yield* Supervisor.find(tree, "late")).state, "stopped")
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("one that is terminated meanwhile is not", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const late = actor("late", log, { init: failing(1), startFailure: "retry", backoff })
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [late] }))
      yield* Supervisor.terminateChild(tree, "late")
      yield* Effect.sleep("3 seconds")
      assert.deepStrictEqual(log, ["late begins", "late ends"])
    }).pipe(Effect.provide(stage))
  )
})
