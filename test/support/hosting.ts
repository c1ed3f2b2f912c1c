/**
 * What a host's run queue does beside what effect asks of a scheduler, under orders that are drawn: those who are woken run on
 * the stack of who wakes them, and what is done at once takes no operation. An explorer does neither, since it watches every
 * operation.
 */
import { Effect, Exit, Fiber, Scheduler } from "effect"
import type { Newborn } from "../../src/scheduler/internal/Broods.ts"
import { Deque } from "../../src/scheduler/internal/Deque.ts"
import { Hosting } from "../../src/scheduler/internal/hosting.ts"
import { Prng } from "../../src/testing/internal/prng.ts"

type Lane = Deque<() => void>

// Of the lanes of all fibers any may be next, and a fiber may yield before any operation but its first.
class DrawnQueue implements Scheduler.Scheduler {
  readonly executionMode = "async"
  readonly [Hosting] = true
  private readonly draw: Prng
  private readonly ready: Array<Lane> = []
  private isTurning = false

  constructor(seed: number) {
    this.draw = new Prng(seed)
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount > 1 && this.draw.next() < 0.2
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    const lane: Lane = new Deque()
    const scheduleTask = (task: () => void): void => {
      if (lane.length === 0) this.ready.push(lane)
      lane.push(task)
      if (this.isTurning) return
      this.isTurning = true
      setImmediate(() => this.turn())
    }
    return {
      [Hosting]: true,
      scheduleTask,
      scheduleBirth: (one: Newborn) => scheduleTask(() => one.begin()),
      flush: () => this.turn()
    } as Scheduler.SchedulerDispatcher
  }

  private turn(): void {
    while (this.ready.length > 0) {
      const [lane] = this.ready.splice(this.draw.below(this.ready.length), 1) as [Lane]
      const task = lane.shift()
      if (lane.length > 0) this.ready.push(lane)
      task?.()
    }
    this.isTurning = false
  }
}

/** Runs the program in so many orders; the first failure names its seed. */
export const inDrawnOrders = Effect.fnUntraced(function* <A, E>(orders: number, program: Effect.Effect<A, E>) {
  for (let seed = 0; seed < orders; seed++) {
    const fiber = yield* Effect.forkChild(Effect.provideService(program, Scheduler.Scheduler, new DrawnQueue(seed)))
    const exit = yield* Fiber.await(fiber)
    if (Exit.isFailure(exit)) return yield* Effect.die(new Error(`with the seed ${seed}`, { cause: exit.cause }))
  }
})
