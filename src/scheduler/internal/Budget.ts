/**
 * Whether a fiber that is interrupted while it waits has its clean-up run in the very step of the interruption.
 */
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"

/** A scheduler with this property lets each fiber go on until its budget of operations is used up. */
export const KeepsToBudget = "~troupe/scheduler/KeepsToBudget"

// What effect does between an interruption and the clean-up of the wait takes four operations.
const AmpleBudget = 16

/**
 * Whether what waits for `fiber` may rely on its clean-up to tell of an interruption: a fiber that waits begins anew with
 * its whole budget when it is interrupted, so that nobody else comes between. Any other scheduler may preempt it there,
 * as the explorer does.
 */
export const cleansUpAtOnce = (fiber: Fiber.Fiber<unknown, unknown>): boolean => {
  const { maxOpsBeforeYield, scheduler } = fiber.cache
  return maxOpsBeforeYield >= AmpleBudget && (KeepsToBudget in scheduler || isEffects(scheduler))
}

const isEffects = (scheduler: Scheduler.Scheduler): boolean =>
  scheduler.shouldYield === Scheduler.MixedScheduler.prototype.shouldYield
