import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Deadline, deadlinesFor } from "../../src/process/internal/deadlines.ts"

describe("deadlines", () => {
  it.effect("come at their time, also where the clock stands between two milliseconds", () =>
    Effect.gen(function* () {
      const deadlines = deadlinesFor(yield* Effect.fiber)
      for (const fraction of [0.803_4, 0.1, 0.000_001, 0.999_999, 0.5]) {
        yield* TestClock.adjust(Duration.millis(fraction))
        let expired = 0
        const all = [723.196_6, 10_000, 10_000.25].map((millis) => new Deadline(deadlines, millis, () => expired++))
        yield* TestClock.adjust(Duration.millis(723.19))
        assert.strictEqual(expired, 0)
        yield* TestClock.adjust(Duration.millis(0.006_6))
        assert.strictEqual(expired, 1)
        yield* TestClock.adjust(Duration.millis(10_000 - 723.196_6))
        assert.strictEqual(expired, 2)
        all[2]!.end()
        yield* TestClock.adjust("1 second")
        assert.strictEqual(expired, 2)
      }
    })
  )
})
