/**
 * What fibers wait in tells a scheduler that asks of it, so that it can say who waits on what. Effect's own schedulers
 * do not ask; the explorer of `testing/` does.
 */
import type { SchedulerDispatcher } from "effect/Scheduler"

/** Who waits in an object at present, and how to speak of it. */
export interface WaitReport {
  /** What the object is: a name of its own, or of its kind, which gets a number: `Channel 2`. */
  readonly what: string
  readonly isKind: boolean
  /** By what they wait for: those who wait, each wait of a fiber as one object that no other wait has. */
  readonly waiting: ReadonlyArray<readonly [doing: string, waiters: Iterable<object>]>
}

/** An object that fibers wait in. */
export interface Waited {
  waitReport(): WaitReport
}

export const Announce = "~troupe/scheduler/Announce"

/** A dispatcher that wants to know of what is made for its steps. */
export interface Announced {
  [Announce](waited: Waited): void
}

/** Tells the dispatcher of an object in which fibers will wait, if it wants to know. */
export const announce = (dispatcher: SchedulerDispatcher, waited: Waited): void =>
  (dispatcher as Partial<Announced>)[Announce]?.(waited)
