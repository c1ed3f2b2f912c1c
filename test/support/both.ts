/**
 * Tests of what must hold in whichever order things happen.
 */
import { it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { explore } from "./schedules.ts"

/** Defines the test twice: on Effect's own scheduler, and under 1,000 explored schedules. */
export const both = <A, E>(name: string, program: () => Effect.Effect<A, E, Scope.Scope>): void => {
  it.effect(name, program)
  it.live(`${name}, in 1,000 schedules`, () => explore(Effect.scoped(Effect.suspend(program)), { schedules: 1000 }))
}
