/**
 * Tests of what happens when time passes, in whichever order things happen.
 */
import { it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { settle } from "./processes.ts"
import { explore } from "./schedules.ts"

/** Lets time pass, a millisecond at a time and only when nothing else can run, until the program has ended. */
const passing = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const running = yield* Effect.forkChild(program)
    yield* settle
    while (running.pollUnsafe() === undefined) yield* Effect.andThen(TestClock.adjust(1), settle)
    return yield* Fiber.join(running)
  })

/** As `both`, for a program that sleeps: on the test clock, and on the virtual clock of 1,000 explored schedules. */
export const timed = <A, E>(name: string, program: () => Effect.Effect<A, E, Scope.Scope>): void => {
  it.effect(name, () => passing(program()))
  it.live(`${name}, in 1,000 schedules`, () => explore(Effect.scoped(Effect.suspend(program)), { schedules: 1000 }))
}
