/**
 * Waits that have a time: each is an entry among the deadlines of its clock, where `Effect.timeoutOrElse` has two fibers, one of
 * them asleep.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { atHand, step } from "../../channel/internal/step.ts"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import { Deadline, deadlinesFor } from "../../process/internal/deadlines.ts"

/** One who waits for what another fiber comes to. */
class Waiting<A, E, E2> extends Wait {
  private readonly waiter: Fiber.Fiber<unknown, unknown>
  private readonly deadline: Deadline
  private readonly stopObserving: () => void
  private isLate = false
  private outcome: Effect.Effect<A, E | E2> | undefined

  constructor(
    waiter: Fiber.Fiber<unknown, unknown>,
    child: Fiber.Fiber<A, E>,
    milliseconds: number,
    late: Effect.Effect<A, E2>
  ) {
    super()
    this.waiter = waiter
    this.deadline = new Deadline(deadlinesFor(waiter), milliseconds, () => {
      this.isLate = true
      child.interruptUnsafe()
    })
    this.stopObserving = child.addObserver((exit) => {
      this.deadline.end(waiter.currentDispatcher)
      this.outcome = this.isLate && Exit.isFailure(exit) ? late : exit
      this.resume(this.outcome)
    })
  }

  // It may be over before it is waited for.
  protected override get known(): Effect.Effect<A, E | E2> | undefined {
    return this.outcome
  }

  protected onInterrupted(): void {
    this.deadline.end(this.waiter.currentDispatcher)
    this.stopObserving()
  }
}

/** What the effect comes to, or `late` where that takes longer than the duration: it is interrupted, and waited for, then. */
export const within = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  late: Effect.Effect<A, E2>
): Effect.Effect<A, E | E2, R> => step(() => atHand(effect) ?? inFiber(effect, duration, late))

const inFiber = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  late: Effect.Effect<A, E2>
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), (child) =>
    Effect.onInterrupt(
      step(
        (fiber) => child.pollUnsafe() ?? waitIn<A, E | E2>(new Waiting(fiber, child, Duration.toMillis(duration), late))
      ),
      () => Fiber.interrupt(child)
    )
  )
