/**
 * Runs a program under many orders of its steps.
 */
import { Effect } from "effect"
import { Explore } from "troupe/testing"

/** Runs the program under so many schedules; the first failure is shown with its trace. */
export const explore = <A, E>(
  program: Effect.Effect<A, E>,
  options: { readonly schedules: number; readonly preemption?: number }
): Effect.Effect<void> =>
  Effect.asVoid(
    Effect.orDie(
      Explore.check(program, {
        schedules: options.schedules,
        strategy: { random: { preemption: options.preemption ?? 0.2 } },
        maxSteps: 100_000
      })
    )
  )
