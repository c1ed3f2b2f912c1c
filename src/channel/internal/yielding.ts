/**
 * A step that is yielded inside of a generator. Where its outcome is at hand, the generator goes on with it at once: nothing
 * of effect's interpreter runs, which takes as long as the step itself.
 *
 * It is an operation all the same: it counts as one, so that a loop yields to others; it is none for a fiber that is to
 * yield or was interrupted; and where somebody sees the operations, a tracer or a scheduler that decides about their order,
 * each goes the usual way.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { isHosting } from "../../scheduler/internal/hosting.ts"
import { innerOf } from "./fiber.ts"
import { tellLater } from "./telling.ts"

/** What may be done at once. */
export interface Immediate {
  /**
   * Answers the outcome, where it is at hand; else changes nothing, and answers nothing, or the operation that is to be done
   * instead.
   */
  now(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> | undefined
}

/** An iterator, and its own result: as effect's for its operations. */
export class Yielding implements Iterator<unknown> {
  value: unknown
  done = false
  private hasBegun = false

  constructor(step: Immediate) {
    this.value = step
  }

  next(value?: unknown): this {
    if (this.hasBegun) {
      this.value = value
      this.done = true
      return this
    }
    this.hasBegun = true
    const fiber = Fiber.getCurrent()
    if (fiber === undefined || !goesOn(fiber)) return this
    const effect = (this.value as Immediate).now(fiber)
    if (effect === undefined) return this
    tellLater(fiber)
    // No other operation has the tag.
    const exit = effect as Exit.Exit<unknown, unknown>
    this.done = exit._tag === "Success"
    this.value = exit._tag === "Success" ? exit.value : effect
    return this
  }
}

// Whether the next operation of the fiber would be done without anything before it, and seen by nobody.
const goesOn = (fiber: Fiber.Fiber<unknown, unknown>): boolean => {
  const { cache } = fiber
  const inner = innerOf(fiber)
  if (inner._deferredInterrupt || cache.tracerContext !== undefined || !isHosting(cache.scheduler)) return false
  return ++inner.currentOpCount < cache.maxOpsBeforeYield
}
