/**
 * Waits that have a time. Each is an entry among the deadlines of its clock: `Effect.timeoutOrElse` has two fibers for each,
 * one of them asleep, which is most of what making a link would cost.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { step } from "../../channel/internal/step.ts"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import { type Deadlines, deadlinesOf, type Timed } from "../../process/internal/deadlines.ts"

/** What happens at the end of a time, unless it is over before. */
export class Limit implements Timed {
  readonly deadline: number
  private readonly deadlines: Deadlines
  private readonly onExpired: () => void
  private hasEnded = false

  constructor(deadlines: Deadlines, duration: Duration.Duration, onExpired: () => void) {
    this.deadlines = deadlines
    this.deadline = deadlines.after(Duration.toMillis(duration))
    this.onExpired = onExpired
    deadlines.add(this)
  }

  get isOver(): boolean {
    return this.hasEnded
  }

  expire(): void {
    this.hasEnded = true
    this.onExpired()
    this.deadlines.onOver()
  }

  /** It is needed no more. `fiber`: whoever waited. */
  end({ currentDispatcher }: Fiber.Fiber<unknown, unknown>): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.deadlines.onOver(currentDispatcher)
  }
}

/** The deadlines that a fiber goes by. */
export const deadlinesFor = (fiber: Fiber.Fiber<unknown, unknown>): Deadlines =>
  deadlinesOf(fiber.getRef(Clock.Clock), fiber.getRef(Scheduler.Scheduler))

/** One who waits for what another fiber comes to. */
class Waiting<A, E, E2> extends Wait {
  private readonly waiter: Fiber.Fiber<unknown, unknown>
  private readonly limit: Limit
  private readonly stopObserving: () => void
  private isLate = false
  private outcome: Effect.Effect<A, E | E2> | undefined

  constructor(
    waiter: Fiber.Fiber<unknown, unknown>,
    child: Fiber.Fiber<A, E>,
    duration: Duration.Duration,
    late: Effect.Effect<A, E2>
  ) {
    super()
    this.waiter = waiter
    this.limit = new Limit(deadlinesFor(waiter), duration, () => {
      this.isLate = true
      child.interruptUnsafe()
    })
    this.stopObserving = child.addObserver((exit) => {
      this.limit.end(waiter)
      this.outcome = this.isLate && Exit.isFailure(exit) ? late : exit
      this.resume(this.outcome)
    })
  }

  // It may be over before it is waited for.
  protected override get known(): Effect.Effect<A, E | E2> | undefined {
    return this.outcome
  }

  protected onInterrupted(): void {
    this.limit.end(this.waiter)
    this.stopObserving()
  }
}

/** What the effect comes to, or `late` where that takes longer than the duration: it is interrupted, and waited for, then. */
export const within = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  late: Effect.Effect<A, E2>
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), (child) =>
    Effect.onInterrupt(
      step((fiber) => child.pollUnsafe() ?? waitIn<A, E | E2>(new Waiting(fiber, child, duration, late))),
      () => Fiber.interrupt(child)
    )
  )
