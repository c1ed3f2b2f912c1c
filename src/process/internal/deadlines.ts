/**
 * The deadlines of calls, however many: one fiber sleeps to the earliest, and is there only while calls are outstanding.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { Heap } from "../../scheduler/internal/Heap.ts"

/** What has a deadline. */
export interface Timed {
  readonly deadline: number
  /** Whether it needs its deadline no more. */
  readonly isOver: boolean
  /** The deadline has passed. */
  expire(): void
}

// Nearly all calls are answered in time: what is over stays in the heap until it is the greater part of so many.
const Kept = 64

// Behind all that a run queue has to do: whoever makes one call after the other finds the sleeper still there.
const WhenIdle = 1000

export class Deadlines {
  readonly clock: Clock.Clock
  private readonly context: Context.Context<never>
  private readonly timed = new Heap<Timed>((left, right) => left.deadline < right.deadline)
  private outstanding = 0
  private sleeper: Fiber.Fiber<void> | undefined = undefined
  private sleepsUntil = Infinity
  private leaving = false

  constructor(clock: Clock.Clock, scheduler: Scheduler.Scheduler) {
    this.clock = clock
    this.context = Context.make(Clock.Clock, clock).pipe(Context.add(Scheduler.Scheduler, scheduler))
  }

  /** The deadline at the end of a time: monotonic, and in whole microseconds, so that what is left of it is exact. */
  after(milliseconds: number): number {
    return this.now() + Math.round(milliseconds * 1000)
  }

  add(one: Timed): void {
    this.outstanding++
    this.timed.push(one)
    if (one.deadline >= this.sleepsUntil) return
    this.sleeper?.interruptUnsafe()
    this.sleeper = Effect.runForkWith(this.context)(this.sleep)
  }

  /**
   * To be called when one that was added is over; `dispatcher`: that of whoever waited, where the sleeper is to go once
   * nothing is outstanding.
   */
  onOver(dispatcher: Scheduler.SchedulerDispatcher | undefined): void {
    this.outstanding--
    if (this.timed.length > Kept && this.outstanding < this.timed.length / 2) this.timed.retain((one) => !one.isOver)
    if (this.outstanding > 0 || this.leaving || dispatcher === undefined) return
    this.leaving = true
    dispatcher.scheduleTask(() => this.leave(), WhenIdle)
  }

  /** Nothing that was added needs its deadline any more. */
  end(): void {
    this.outstanding = 0
    this.leave()
  }

  private leave(): void {
    this.leaving = false
    if (this.outstanding > 0) return
    this.timed.retain(() => false)
    this.sleepsUntil = Infinity
    this.sleeper?.interruptUnsafe()
    this.sleeper = undefined
  }

  private readonly sleep: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.now()
    let next = this.timed.first
    while (next !== undefined && (next.isOver || next.deadline <= now)) {
      this.timed.shift()
      if (!next.isOver) next.expire()
      next = this.timed.first
    }
    this.sleepsUntil = next?.deadline ?? Infinity
    return next === undefined
      ? Effect.void
      : Effect.andThen(this.clock.sleep(Duration.millis((next.deadline - now) / 1000)), this.sleep)
  })

  private now(): number {
    return Math.floor(Number(this.clock.monotonicTimeNanosUnsafe()) / 1000)
  }
}
