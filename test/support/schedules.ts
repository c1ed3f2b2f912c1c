/**
 * Runs a program under many orders of its steps: a seeded scheduler picks the next task at random and has fibers yield
 * at random, so that each seed is one interleaving that can be run again.
 */
import type { Fiber } from "effect"
import { Context, Effect, Exit, Scheduler } from "effect"

const random = (seed: number): (() => number) => {
  let state = Math.imul(seed, 2654435761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 4294967296
  }
}

class SeededScheduler implements Scheduler.Scheduler {
  readonly executionMode = "sync"
  private readonly lanes: Array<Array<() => void>> = []
  private readonly next: () => number
  private readonly preemption: number

  constructor(seed: number, preemption: number) {
    this.next = random(seed)
    this.preemption = preemption
  }

  // Not at the first operation: effect's own schedulers never do that, and a fiber that was interrupted before it began
  // would begin all the same.
  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount > 1 && this.next() < this.preemption
  }

  // Tasks of one dispatcher stay in order, those of different ones do not.
  makeDispatcher(): Scheduler.SchedulerDispatcher {
    const lane: Array<() => void> = []
    this.lanes.push(lane)
    return { scheduleTask: (task) => void lane.push(task), flush: () => {} }
  }

  run(maxSteps: number): boolean {
    for (let step = 0; step < maxSteps; step++) {
      const ready = this.lanes.filter((lane) => lane.length > 0)
      const lane = ready[Math.floor(this.next() * ready.length)]
      if (lane === undefined) return true
      lane.shift()?.()
    }
    return false
  }
}

/** Runs the program once for each seed and answers the first failure, with its seed. */
export const explore = <A, E>(
  program: Effect.Effect<A, E>,
  options: { readonly schedules: number; readonly preemption?: number }
): Effect.Effect<void> =>
  Effect.sync(() => {
    for (let seed = 1; seed <= options.schedules; seed++) {
      const scheduler = new SeededScheduler(seed, options.preemption ?? 0.2)
      const fiber: Fiber.Fiber<A, E> = Effect.runForkWith(Context.make(Scheduler.Scheduler, scheduler))(program)
      const quiet = scheduler.run(100_000)
      const exit = fiber.pollUnsafe()
      if (exit === undefined) throw new Error(`seed ${seed}: ${quiet ? "deadlock" : "no end after 100,000 steps"}`)
      if (Exit.isFailure(exit)) throw new Error(`seed ${seed}: ${String(exit.cause)}`, { cause: exit.cause })
    }
  })
