/**
 * What the run queue of a host does for processes, beside what effect asks of a scheduler: those who are woken may run on
 * the stack of who wakes them, and those who were just started begin soon. A scheduler that decides about the order of
 * all steps, as the explorer of `testing/` does, does neither: it has the same orders, and more, among its own.
 */
import type { SchedulerDispatcher } from "effect/Scheduler"

export const Hosting = "~troupe/scheduler/Hosting"

/** One that was started and has yet to begin. */
export interface Newborn {
  begin(): void
  /** Who begins after it, of the same brood. */
  next: Newborn | undefined
}

/** Those whom one process has started, and who have yet to begin: a list through themselves, since they are many. */
export class Brood {
  private first: Newborn | undefined = undefined
  private last: Newborn | undefined = undefined

  get isEmpty(): boolean {
    return this.first === undefined
  }

  push(one: Newborn): void {
    if (this.last === undefined) this.first = one
    else this.last.next = one
    this.last = one
  }

  shift(): Newborn | undefined {
    const { first } = this
    this.first = first?.next
    if (this.first === undefined) this.last = undefined
    return first
  }
}

/** A dispatcher that does it. */
export interface Hosting extends SchedulerDispatcher {
  readonly [Hosting]: true
  /** Has one begin ahead of most that waits, behind those of the same brood. */
  scheduleBirth(one: Newborn, brood: Brood): void
}

/** Whether a dispatcher, or a scheduler that is its own, does it. */
export const isHosting = (dispatcher: object): dispatcher is Hosting =>
  (dispatcher as Partial<Hosting>)[Hosting] === true
