/**
 * The answer of a handler that completes its yield later.
 */
import type * as Effect from "effect/Effect"

const TypeId = "~troupe/dispatch/Later"

export class LaterImpl {
  readonly [TypeId] = TypeId
  readonly onInterrupt: Effect.Effect<void> | undefined

  constructor(onInterrupt: Effect.Effect<void> | undefined) {
    this.onInterrupt = onInterrupt
  }
}
