import { assert, describe } from "@effect/vitest"
import { Effect, Ref, Scope } from "effect"
import { it } from "troupe/testing/vitest"

describe("it.explore", () => {
  let runs = 0
  it.explore(
    "runs the program under so many schedules",
    Effect.sync(() => void runs++),
    { schedules: 50 }
  )
  it("runs more often than there are schedules, since it compares repetitions", () => {
    assert.isAtLeast(runs, 50)
  })

  let closed = 0
  it.explore("gives each run a scope of its own", () => Effect.addFinalizer(() => Effect.sync(() => void closed++)), {
    schedules: 50,
    strategy: "uniform"
  })
  it("has closed them", () => {
    assert.isAtLeast(closed, 50)
  })

  it.explore(
    "has the scope in the context",
    Effect.gen(function* () {
      const ref = yield* Ref.make(0)
      yield* Scope.addFinalizer(yield* Effect.scope, Ref.set(ref, 1))
    }),
    { schedules: 10 }
  )

  it.effect("is the it of @effect/vitest as well", () => Effect.void)
  it.each([1, 2])("with all that it has: %i", (n) => assert.isAbove(n, 0))
})
