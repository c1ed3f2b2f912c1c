/**
 * The deadlines of those who wait, however many: one fiber sleeps to the earliest, and is there only while some are outstanding.
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

// Nearly all end in time: what is over stays in the heap until it is the greater part of so many.
const Kept = 64

// Behind all that a run queue has to do: whoever makes one call after the other finds the sleeper still there.
const WhenIdle = 1000

// In nanoseconds.
const Millisecond = 1_000_000

// In nanoseconds. A clock that adds up fractions of milliseconds may come out above the sum: where there are any, so much less is
// slept, and so much before its time a deadline has passed.
const Slack = 1

export class Deadlines {
  readonly clock: Clock.Clock
  private readonly scheduler: Scheduler.Scheduler
  private readonly context: Context.Context<never>
  private readonly timed = new Heap<Timed>((left, right) => left.deadline < right.deadline)
  private outstanding = 0
  private sleeper: Fiber.Fiber<void> | undefined = undefined
  private sleepsUntil = Infinity
  private leaving = false

  constructor(clock: Clock.Clock, scheduler: Scheduler.Scheduler) {
    this.clock = clock
    this.scheduler = scheduler
    this.context = Context.make(Clock.Clock, clock).pipe(Context.add(Scheduler.Scheduler, scheduler))
  }

  /** The time: monotonic, and in whole nanoseconds, so that what is left of it is exact. */
  now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe())
  }

  /** The deadline at the end of a time. */
  after(milliseconds: number, from: number = this.now()): number {
    return from + Math.round(milliseconds * Millisecond)
  }

  add(one: Timed): void {
    this.outstanding++
    if (one.deadline === Infinity) return
    this.timed.push(one)
    if (one.deadline >= this.sleepsUntil) return
    this.sleeper?.interruptUnsafe()
    this.sleeper = Effect.runForkWith(this.context)(this.sleep)
  }

  /**
   * To be called when one that was added is over; `dispatcher`: that of whoever waited, where the sleeper is to go once
   * nothing is outstanding and the other tasks there are done.
   */
  onOver(dispatcher?: Scheduler.SchedulerDispatcher): void {
    this.outstanding--
    if (this.timed.length > Kept && this.outstanding < this.timed.length / 2) this.timed.retain((one) => !one.isOver)
    if (this.outstanding > 0 || this.leaving) return
    this.leaving = true
    const there = dispatcher ?? this.scheduler.makeDispatcher()
    there.scheduleTask(() => this.leave(), WhenIdle)
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
    while (next !== undefined && (next.isOver || next.deadline - now <= Slack)) {
      this.timed.shift()
      if (!next.isOver) next.expire()
      next = this.timed.first
    }
    this.sleepsUntil = next?.deadline ?? Infinity
    if (next === undefined) return Effect.void
    const left = next.deadline - now
    const slept = left % Millisecond === 0 ? left : left - Slack
    return Effect.andThen(this.clock.sleep(Duration.millis(slept / Millisecond)), this.sleep)
  })
}

/** What happens at the end of a time, unless that is over before. */
export class Deadline implements Timed {
  readonly deadline: number
  isOver = false
  private readonly deadlines: Deadlines
  private readonly onExpired: () => void

  constructor(deadlines: Deadlines, milliseconds: number, onExpired: () => void) {
    this.deadlines = deadlines
    this.deadline = deadlines.after(milliseconds)
    this.onExpired = onExpired
    deadlines.add(this)
  }

  expire(): void {
    this.isOver = true
    this.onExpired()
    this.deadlines.onOver()
  }

  /** It is needed no more; `dispatcher`: that of whoever waited. */
  end(dispatcher?: Scheduler.SchedulerDispatcher): void {
    if (this.isOver) return
    this.isOver = true
    this.deadlines.onOver(dispatcher)
  }
}

const known = new WeakMap<Clock.Clock, WeakMap<Scheduler.Scheduler, Deadlines>>()

/** Those that all share who go by the clock and run by the scheduler: a program has one of each, and so has a test. */
export const deadlinesOf = (clock: Clock.Clock, scheduler: Scheduler.Scheduler): Deadlines => {
  const byScheduler = known.get(clock) ?? new WeakMap<Scheduler.Scheduler, Deadlines>()
  known.set(clock, byScheduler)
  const deadlines = byScheduler.get(scheduler) ?? new Deadlines(clock, scheduler)
  byScheduler.set(scheduler, deadlines)
  return deadlines
}

/** Those that a fiber goes by. */
export const deadlinesFor = (fiber: Fiber.Fiber<unknown, unknown>): Deadlines =>
  deadlinesOf(fiber.getRef(Clock.Clock), fiber.getRef(Scheduler.Scheduler))
