/**
 * Interruptions at every operation of an effect, one after the other.
 */
import { Effect, type Exit, Fiber, Scheduler } from "effect"

/** Interrupts the first fiber that runs on it, when that comes to its operation number `at`. */
class Interrupting extends Scheduler.MixedScheduler {
  private readonly at: number
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private operations = 0

  constructor(at: number) {
    super()
    this.at = at
  }

  get hasInterrupted(): boolean {
    return this.operations >= this.at
  }

  override shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    this.fiber ??= fiber
    if (this.fiber !== fiber || ++this.operations !== this.at) return false
    // It yields, and is interrupted before its turn comes.
    queueMicrotask(() => fiber.interruptUnsafe())
    return true
  }
}

/**
 * Runs an effect as often as it has operations, and interrupts it at the first, the second and so on; answers at which of
 * them something was lost, as `isLost` tells of each run.
 */
export const lossesOf = <A, E, R, E2, R2>(
  effect: Effect.Effect<A, E, R>,
  isLost: (exit: Exit.Exit<A, E>) => Effect.Effect<boolean, E2, R2>
): Effect.Effect<ReadonlyArray<number>, E2, R | R2> =>
  Effect.gen(function* () {
    const losses: Array<number> = []
    for (let at = 1; ; at++) {
      const scheduler = new Interrupting(at)
      const running = Effect.provideService(effect, Scheduler.Scheduler, scheduler)
      const exit = yield* Effect.flatMap(Effect.forkDetach(running, { startImmediately: true }), Fiber.await)
      if (yield* isLost(exit)) losses.push(at)
      if (!scheduler.hasInterrupted) return losses
    }
  })
