/**
 * What the run queue of a host does for processes, beside what effect asks of a scheduler: those who are woken may run on
 * the stack of who wakes them, and those who were just started begin soon. A scheduler that decides about the order of
 * all steps, as the explorer of `testing/` does, does neither: it has the same orders, and more, among its own.
 */
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { Brood, Newborn } from "./Broods.ts"

export const Hosting = "~troupe/scheduler/Hosting"

/** A dispatcher that does it. */
export interface Hosting extends SchedulerDispatcher {
  readonly [Hosting]: true
  /** Has one begin ahead of most that waits, behind those of the same brood. */
  scheduleBirth(one: Newborn, brood: Brood): void
}

/** Whether a dispatcher, or a scheduler that is its own, does it. */
export const isHosting = (dispatcher: object): dispatcher is Hosting =>
  (dispatcher as Partial<Hosting>)[Hosting] === true
