/**
 * What every source has: waiters that are woken in order, in a later step, while something is there.
 */
import type * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Deque } from "../../scheduler/internal/Deque.ts"
import { isHosting } from "../../scheduler/internal/hosting.ts"
import { announce, type Waited, type WaitReport } from "../../scheduler/internal/Waited.ts"
import { type Selectable, TypeId, type Waiter } from "../Selectable.ts"
import { isShallow, type Told, tellAfterwards } from "./telling.ts"

export abstract class Source<A, E = never> implements Selectable<A, E>, Waited, Told {
  readonly [TypeId]: TypeId = TypeId
  protected readonly parked = new Deque<Waiter>()
  private waking = false
  protected readonly dispatcher: SchedulerDispatcher

  /** Waiters are woken in steps of `dispatcher`. */
  constructor(dispatcher: SchedulerDispatcher) {
    this.dispatcher = dispatcher
    announce(dispatcher, this)
  }

  abstract isReadyUnsafe(): boolean
  abstract pollUnsafe(): Exit.Exit<A, E> | undefined

  parkUnsafe(waiter: Waiter): Exit.Exit<never, E> | undefined {
    this.parked.push(waiter)
    return undefined
  }

  unparkUnsafe(waiter: Waiter): void {
    this.parked.remove(waiter)
  }

  waitReport(): WaitReport {
    return { what: "source of events", isKind: true, waiting: [["to receive from", this.parked]] }
  }

  protected get hasParked(): boolean {
    return this.parked.length > 0
  }

  /** Whether somebody waits who has not been woken: the next value will. */
  get wouldWake(): boolean {
    return !this.waking && this.parked.length > 0
  }

  protected wakeSoon(): void {
    if (!this.wouldWake) return
    this.waking = true
    this.dispatcher.scheduleTask(() => this.tell(), 0)
  }

  /** To be called in a step: as {@link wakeSoon}, but right behind the step, on its stack, where that can be. */
  protected wakeNext(): void {
    if (isShallow() && isHosting(this.dispatcher)) this.wakeBehind()
    else this.wakeSoon()
  }

  /** To be called in a step: as {@link wakeSoon}, but right behind the step, on its stack, however deep that is. */
  protected wakeBehind(): void {
    if (!this.wouldWake) return
    this.waking = true
    tellAfterwards(this)
  }

  /** Wakes those who were to be woken. */
  tell(): void {
    this.waking = false
    this.wakeNow()
  }

  // One pass over the waiters that are parked now, while something is there. A waiter that takes nothing (it was
  // interrupted, or selects other values) has used up nobody's wake-up, since the pass goes on to the next one.
  protected wakeNow(): void {
    for (let n = this.parked.length; n > 0 && this.isReadyUnsafe(); n--) {
      const waiter = this.parked.shift()
      if (waiter === undefined) return
      if (this.isReadyFor(waiter)) waiter.wake()
      else this.parked.push(waiter)
    }
  }

  // Whether what is there is for this waiter: what it offers itself is not.
  protected isReadyFor(_waiter: Waiter): boolean {
    return true
  }
}
