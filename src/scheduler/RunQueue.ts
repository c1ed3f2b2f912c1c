/**
 * The run queue of a host: an Effect `Scheduler` that runs the steps of its fibers in order, for up to a time slice,
 * and then lets the event loop serve timers and sockets.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import { Deque } from "./internal/Deque.ts"
import { type Brood, Hosting, type Newborn } from "./internal/hosting.ts"
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
 * How long a run queue runs, by default, before the event loop turns: 5 milliseconds.
 *
 * @category constants
 */
export const defaultTimeSlice: Duration.Duration = Duration.millis(5)

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
 * @param options.timeSlice how long to run before the event loop turns, 5 milliseconds by default
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

// Of so many picks one goes to what waits in the lanes, and of so many one to the brood that waits longest, so that neither
// starves however many processes are started. Each branch of a tree that begins early is one more that has to be kept.
const PicksBetweenLanes = 64
const PicksBetweenOldest = 1024

interface Lane {
  readonly priority: number
  readonly tasks: Deque<() => void>
}

class RunQueueImpl implements RunQueue, Drainable, Hosting {
  readonly executionMode = "async"
  readonly [Hosting] = true
  readonly timeSlice: number
  // Nearly every task has priority 0, so that there is one lane and picking the next task is one step.
  private readonly lanes: Array<Lane> = [{ priority: 0, tasks: new Deque() }]
  // The broods that have yet to begin, the newest last. It goes first: a tree of processes is run branch by branch, and
  // needs the memory of a branch.
  private readonly broods = new Deque<Brood>()
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
    this.lane(priority).push(task)
    if (this.length++ === 0) enlist(this)
  }

  scheduleBirth(one: Newborn, brood: Brood): void {
    if (brood.isEmpty) this.broods.push(brood)
    brood.push(one)
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

  private lane(priority: number): Deque<() => void> {
    let index = 0
    for (; index < this.lanes.length; index++) {
      const lane = this.lanes[index] as Lane
      if (lane.priority === priority) return lane.tasks
      if (lane.priority > priority) break
    }
    const tasks = new Deque<() => void>()
    this.lanes.splice(index, 0, { priority, tasks })
    return tasks
  }

  private runNext(): boolean {
    if (this.length === 0) return false
    this.length--
    const newborn = this.broods.length === 0 ? undefined : this.nextBorn()
    if (newborn === undefined) this.nextInLanes()?.()
    else newborn.begin()
    return true
  }

  private nextBorn(): Newborn | undefined {
    const picks = ++this.picks
    // What is urgent runs first.
    const isForLanes = picks % PicksBetweenLanes === 0 || (this.lanes[0] as Lane).priority < 0
    if (isForLanes && this.lanes.some(({ tasks }) => tasks.length > 0)) return undefined
    const { broods } = this
    const oldest = picks % PicksBetweenOldest === 1
    const brood = broods.at(oldest ? 0 : broods.length - 1) as Brood
    const newborn = brood.shift()
    if (brood.isEmpty) {
      if (oldest) broods.shift()
      else broods.pop()
    }
    return newborn
  }

  private nextInLanes(): (() => void) | undefined {
    for (let i = 0; i < this.lanes.length; i++) {
      const task = (this.lanes[i] as Lane).tasks.shift()
      if (task !== undefined) return task
    }
    return undefined
  }
}
