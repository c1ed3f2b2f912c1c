/**
 * Tests of what must hold in whichever order things happen.
 *
 * Their programs wait with `Effect.sleep`: virtual time passes when nothing else can run, so that after a sleep of a
 * millisecond everybody is where they have to wait for something.
 */
import { it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { ownClock, settle } from "./processes.ts"
import { explore } from "./schedules.ts"

/** Runs the program on the test clock and lets time pass while it waits. */
export const inTime = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    yield* ownClock
    const running = yield* Effect.forkChild(program)
    yield* settle
    while (running.pollUnsafe() === undefined) {
      yield* TestClock.adjust("1 second")
      yield* settle
    }
    return yield* Fiber.join(running)
  })

/** Defines the test twice: on Effect's own scheduler, and under 1,000 explored schedules. */
export const both = <A, E>(name: string, program: () => Effect.Effect<A, E, Scope.Scope>): void =>
  sized(name, { full: undefined, explored: undefined }, program)

/** As `both`, for a program that would be too long to explore at its full size. */
export const sized = <S, A, E>(
  name: string,
  sizes: { readonly full: S; readonly explored: S },
  program: (size: S) => Effect.Effect<A, E, Scope.Scope>,
  schedules = 1000
): void => {
  it.effect(name, () => inTime(Effect.suspend(() => program(sizes.full))))
  it.live(`${name}, in ${schedules.toLocaleString("en")} schedules`, () =>
    explore(Effect.scoped(Effect.suspend(() => program(sizes.explored))), { schedules })
  )
}

/** As `both`, in 10,000 schedules at three rates of preemption: for what an interruption at the wrong place would break. */
export const thoroughly = <A, E>(name: string, program: () => Effect.Effect<A, E, Scope.Scope>): void => {
  it.effect(name, () => inTime(Effect.suspend(program)))
  it.live(`${name}, in 10,000 schedules`, () =>
    Effect.forEach([0.05, 0.15, 0.3], (preemption) =>
      explore(Effect.scoped(Effect.suspend(program)), { schedules: 3500, preemption })
    )
  )
}
