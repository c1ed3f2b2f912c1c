/**
 * Whether those who are woken may run on the stack of who wakes them. A scheduler that decides about the order of all
 * steps, as the explorer of `testing/` does, does not let them: it has the same orders, and more, when it runs those who
 * are woken next.
 */
import type { SchedulerDispatcher } from "effect/Scheduler"

export const Nests = "~troupe/scheduler/Nests"

/** A dispatcher that lets them. */
export interface Nesting {
  readonly [Nests]: true
}

/** Whether the dispatcher lets them. */
export const nests = (dispatcher: SchedulerDispatcher): boolean => (dispatcher as Partial<Nesting>)[Nests] === true
