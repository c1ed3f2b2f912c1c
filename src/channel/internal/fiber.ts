/**
 * What effect's fibers and operations have beside what effect shows of them: the uses of internal names of effect outside
 * of `testing/` are here, and tests hold each of them (`test/channel/wait.test.ts`, `test/channel/step.test.ts`).
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** The method by which a fiber evaluates an operation, which effect's own `Queue.take` calls for the same purpose. */
export const evaluate = "~effect/Effect/evaluate"

export interface Operation {
  readonly [evaluate]: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

interface Inner {
  /** How many operations it has done since it last went on: by this it knows when to yield. */
  currentOpCount: number
  /** Whether it was interrupted while it ran: it ends at the next operation. */
  readonly _deferredInterrupt: boolean
  /** What it calls first of all when it goes on, or is interrupted. */
  _yielded: (() => void) | undefined
  /** Suspends the fiber, with what it is to call. */
  yieldWith(yielded: () => void): Effect.Effect<never>
  /** Has it go on, on this stack. */
  evaluate(effect: Effect.Effect<unknown, unknown, unknown>): void
}

/** What a handler of exits answers that has nothing to do: the fiber goes on with the exit itself, without two operations. */
export const nothingToDo = undefined as unknown as Effect.Effect<void>

export const innerOf = (fiber: Fiber.Fiber<unknown, unknown>): Inner => fiber as unknown as Inner
