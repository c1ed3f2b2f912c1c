/**
 * How much memory is in use, for tests of what is left behind.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"

/** The heap in use, once all garbage is gone. */
export const heapUsed = Effect.gen(function* () {
  const { gc } = globalThis
  assert.isFunction(gc, "the test needs node --expose-gc")
  // Weak references are cleared in a turn of the event loop after the collection.
  for (let i = 0; i < 3; i++) {
    yield* Effect.sync(() => gc?.())
    yield* Effect.sleep("10 millis")
  }
  return process.memoryUsage().heapUsed
})
