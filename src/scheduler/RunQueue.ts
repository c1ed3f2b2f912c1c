/**
 * The run queue of a host: an Effect `Scheduler` that runs the steps of its fibers in order, for up to a time slice,
 * and then lets the event loop serve timers and sockets.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import { Deque } from "./internal/Deque.ts"
import { type Brood, Broods, type Newborn } from "./internal/Broods.ts"
import { Hosting } from "./internal/hosting.ts"
import { type Drainable, enlist } from "./internal/Turn.ts"

/**
 * A scheduler whose fibers share one queue; it can be provided wherever Effect takes a `Scheduler`.
 *
 * @category models
 */
export interface RunQueue extends Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  /** How many tasks wait to run. */
  readonly length: number
}

/**
 * How long a run queue runs, by default, before the event loop turns: 1 millisecond.
 *
 * @category constants
 */
export const defaultTimeSlice: Duration.Duration = Duration.millis(1)

/**
 * Makes a run queue that never keeps a timer or a socket waiting for more than its time slice, however busy it is, and
 * shares the slice with the other run queues of the program that are busy at the same time.
 *
 * **Details**
 *
 * Tasks of one priority run first in, first out; lower priority numbers run first, as with Effect's own scheduler. The
 * clock is read every few tasks, after each where they are long, and after one in which a fiber used up its budget of
 * operations. A single stretch of JavaScript that neither suspends nor yields can't be cut short.
 *
 * @param options.timeSlice how long to run before the event loop turns, 1 millisecond by default
 *
 * **Example** (Running a program on a run queue)
 *
 * ```ts import.meta.vitest
 * import { Effect, Scheduler } from "effect"
 * import { RunQueue } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   yield* Effect.yieldNow
 *   return "ran"
 * })
 *
 * await Effect.runPromise(Effect.provideService(program, Scheduler.Scheduler, RunQueue.make())) // => "ran"
 * ```
 *
 * @category constructors
 */
export const make = (options?: { readonly timeSlice?: Duration.Input | undefined }): RunQueue =>
  new RunQueueImpl(Duration.toMillis(Duration.fromInputUnsafe(options?.timeSlice ?? defaultTimeSlice)))

const TasksBetweenClockReads = 8

// Of so many picks one goes by the order in which all came, so that nothing starves, however many processes are started;
// where nothing else waits, this is of so many. Each branch of a tree that begins early is one more that has to be kept.
const PicksInTurn = 64
const PicksAmongBroods = 1024

interface Lane {
  readonly priority: number
  readonly tasks: Deque<() => void>
  /** How many were born before each of the tasks. */
  readonly births: Deque<number>
}

class RunQueueImpl implements RunQueue, Drainable, Hosting {
  readonly executionMode = "async"
  readonly [Hosting] = true
  readonly timeSlice: number
  // Nearly every task has priority 0, so that there is one lane and picking the next task is one step.
  private readonly lanes: Array<Lane> = [{ priority: 0, tasks: new Deque(), births: new Deque() }]
  private readonly broods = new Broods()
  private picks = 0
  private lookAtClock = false
  length = 0

  constructor(timeSlice: number) {
    this.timeSlice = timeSlice
  }

  get isEmpty(): boolean {
    return this.length === 0
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const spent = fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
    if (spent) this.lookAtClock = true
    return spent
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  scheduleTask(task: () => void, priority: number): void {
    const lane = this.lane(priority)
    lane.tasks.push(task)
    lane.births.push(this.broods.births)
    if (this.length++ === 0) enlist(this)
  }

  scheduleBirth(one: Newborn, brood: Brood): void {
    this.broods.push(one, brood)
    if (this.length++ === 0) enlist(this)
  }

  drain(milliseconds: number): void {
    let read = performance.now()
    const end = read + milliseconds
    let untilRead = TasksBetweenClockReads
    while (true) {
      if (!this.runNext()) return
      if (--untilRead > 0 && !this.lookAtClock) continue
      this.lookAtClock = false
      const now = performance.now()
      if (now >= end) return
      // Where tasks are long, a few of them could outlast the slice: then the clock is read after each.
      untilRead = (now - read) * TasksBetweenClockReads > milliseconds ? 1 : TasksBetweenClockReads
      read = now
    }
  }

  flush(): void {
    while (this.runNext());
  }

  private lane(priority: number): Lane {
    let index = 0
    for (; index < this.lanes.length; index++) {
      const lane = this.lanes[index] as Lane
      if (lane.priority === priority) return lane
      if (lane.priority > priority) break
    }
    const lane: Lane = { priority, tasks: new Deque(), births: new Deque() }
    this.lanes.splice(index, 0, lane)
    return lane
  }

  private runNext(): boolean {
    if (this.length === 0) return false
    this.length--
    const lane = this.firstLane()
    const newborn = this.broods.isEmpty ? undefined : this.nextBorn(lane)
    if (newborn !== undefined) {
      newborn.begin()
      return true
    }
    const task = lane?.tasks.shift()
    lane?.births.shift()
    task?.()
    return true
  }

  private firstLane(): Lane | undefined {
    for (let i = 0; i < this.lanes.length; i++) {
      const lane = this.lanes[i] as Lane
      if (lane.tasks.length > 0) return lane
    }
    return undefined
  }

  // Who begins before the next task of the lane. What is urgent goes first of all, and what is to wait for all others waits.
  private nextBorn(lane: Lane | undefined): Newborn | undefined {
    const { broods } = this
    if (lane !== undefined && lane.priority < 0) return undefined
    const picks = ++this.picks
    if (lane === undefined || lane.priority > 0) {
      return (picks % PicksAmongBroods === 0 ? broods.takeOldest(broods.births) : undefined) ?? broods.takeNewest()
    }
    return picks % PicksInTurn === 0 ? broods.takeOldest(lane.births.at(0) as number) : broods.takeNewest()
  }
}
