/**
 * An unbounded queue that can be selected over: what was offered is taken in order, by the waiters in order.
 */
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Deque } from "../../scheduler/internal/Deque.ts"
import { type Selectable, TypeId } from "../Selectable.ts"

export class Mailbox<A> implements Selectable<A> {
  readonly [TypeId]: TypeId = TypeId
  protected readonly items = new Deque<A>()
  private readonly waiters = new Deque<() => void>()
  private waking = false
  protected readonly dispatcher: SchedulerDispatcher

  /** Waiters are woken in steps of `dispatcher`. */
  constructor(dispatcher: SchedulerDispatcher) {
    this.dispatcher = dispatcher
  }

  get length(): number {
    return this.items.length
  }

  offerUnsafe(value: A): void {
    this.items.push(value)
    this.wakeSoon()
  }

  isReadyUnsafe(): boolean {
    return this.items.length > 0
  }

  pollUnsafe(): Exit.Exit<A> | undefined {
    return this.items.length === 0 ? undefined : Exit.succeed(this.items.shift() as A)
  }

  /** The position of the first value that `matches`, or -1. */
  findUnsafe(matches: (value: A) => boolean): number {
    for (let i = 0; i < this.items.length; i++) {
      if (matches(this.items.at(i) as A)) return i
    }
    return -1
  }

  /** Takes the first value that `matches`; the order of the others stays. */
  pollWhereUnsafe(matches: (value: A) => boolean): Exit.Exit<A> | undefined {
    const index = this.findUnsafe(matches)
    return index < 0 ? undefined : Exit.succeed(this.items.removeAt(index) as A)
  }

  /** Removes what `matches` and keeps the rest in order. */
  removeWhereUnsafe(matches: (value: A) => boolean): void {
    for (const value of this.items.drain()) {
      if (!matches(value)) this.items.push(value)
    }
  }

  parkUnsafe(wake: () => void): void {
    this.waiters.push(wake)
  }

  unparkUnsafe(wake: () => void): void {
    this.waiters.remove(wake)
  }

  protected wakeSoon(): void {
    if (this.waking || this.waiters.length === 0) return
    this.waking = true
    this.dispatcher.scheduleTask(() => this.wake(), 0)
  }

  // One pass over the waiters that are parked now, while something is there. A waiter that takes nothing (it was
  // interrupted, or selects other values) has used up nobody's wake-up, since the pass goes on to the next one.
  private wake(): void {
    this.waking = false
    for (let n = this.waiters.length; n > 0 && this.items.length > 0; n--) {
      const waiter = this.waiters.shift()
      if (waiter === undefined) return
      waiter()
    }
  }
}
