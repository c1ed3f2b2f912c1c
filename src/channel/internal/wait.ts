/**
 * What one fiber waits in, for a step to answer. It does what `Effect.callback` does, as one object instead of six; and it
 * knows in the very step of an interruption, under every scheduler, that nobody waits any more.
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { evaluate, innerOf, type Operation } from "./fiber.ts"
import { spend } from "./telling.ts"

export abstract class Wait {
  /** Who waits. */
  protected fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private readonly left = (): void => {
    this.fiber = undefined
    this.onInterrupted()
  };

  [evaluate](fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> {
    const { known } = this
    if (known !== undefined) return (known as unknown as Operation)[evaluate](fiber)
    this.fiber = fiber
    return innerOf(fiber).yieldWith(this.left)
  }

  /** Has the fiber go on with `effect`, on this stack; nothing happens when it does not wait any more. */
  resume(effect: Effect.Effect<unknown, unknown, unknown>): void {
    const { fiber } = this
    if (fiber === undefined) return
    this.fiber = undefined
    const inner = innerOf(fiber)
    // Only who is interrupted leaves by itself: what there would be to call lies elsewhere in memory for each that waits.
    inner._yielded = undefined
    inner.evaluate(effect)
    spend(inner.currentOpCount)
  }

  /** How the fiber goes on where it need not wait; to be known by one that is not answered by a step. */
  protected get known(): Effect.Effect<unknown, unknown, unknown> | undefined {
    return undefined
  }

  /** The fiber was interrupted. */
  protected abstract onInterrupted(): void
}

/** To be answered by a step: waits until it is resumed. */
export const waitIn = <A, E = never, R = never>(wait: Wait): Effect.Effect<A, E, R> =>
  wait as unknown as Effect.Effect<A, E, R>
