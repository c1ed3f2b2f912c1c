import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Incoming } from "../../src/net/transport/internal/Incoming.ts"
import { within } from "../../src/net/internal/within.ts"
import { explore } from "../support/schedules.ts"

const second = Duration.seconds(1)
const late = Effect.fail("late")

describe("within a time", () => {
  it.effect("what the effect comes to, where it is in time", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* within(Effect.succeed(1), second, late), 1)
      assert.strictEqual(yield* Effect.flip(within(Effect.fail("failed"), second, late)), "failed")
      const waiting = yield* Effect.forkChild(within(Effect.as(Effect.sleep("999 millis"), 2), second, late))
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* Fiber.join(waiting), 2)
    })
  )

  it.effect("what is late is interrupted, and waited for", () =>
    Effect.gen(function* () {
      const cleaned = yield* Ref.make(false)
      const slow = Effect.onInterrupt(Effect.never, () =>
        Effect.andThen(Effect.sleep("1 second"), Ref.set(cleaned, true))
      )
      const waiting = yield* Effect.forkChild(Effect.exit(within(slow, second, late)))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Exit.fail("late"))
      assert.isTrue(yield* Ref.get(cleaned))
    })
  )

  it.effect("whoever is interrupted has the effect interrupted", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<void>()
      const slow = Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, undefined))
      const waiting = yield* Effect.forkChild(within(slow, second, late), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      yield* Deferred.await(ended)
    })
  )

  it.effect("no time at all, and all the time there is", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(within(Effect.never, Duration.zero, late)), "late")
      const waiting = yield* Effect.forkChild(within(Effect.as(Effect.sleep("1000 days"), 3), Duration.infinity, late))
      yield* TestClock.adjust("1000 days")
      assert.strictEqual(yield* Fiber.join(waiting), 3)
    })
  )

  it.effect("what is at hand is delivered or left where it is, in 1,000 schedules of an interruption", () =>
    explore(
      Effect.gen(function* () {
        const incoming = new Incoming(
          "at once",
          () => 1,
          () => {}
        )
        incoming.push([Uint8Array.of(1)])
        let taken = 0
        const receiving = yield* Effect.forkChild(
          Effect.map(within(incoming.receive, second, late), (frames) => (taken += frames.length))
        )
        yield* Effect.yieldNow
        yield* Fiber.interrupt(receiving)
        assert.strictEqual(taken + incoming.waiting, 1)
      }),
      { schedules: 1_000 }
    )
  )

  it.effect("in time, late or interrupted, in 1,000 schedules: nobody hears both, and nothing is left", () =>
    explore(
      Effect.gen(function* () {
        const done = Effect.as(Effect.sleep("1 second"), "in time")
        const one = yield* Effect.forkChild(within(done, second, Effect.succeed("late")))
        const other = yield* Effect.forkChild(within(done, Duration.millis(500), Effect.succeed("late")))
        const gone = yield* Effect.forkChild(within(Effect.never, second, Effect.never))
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(gone)
        assert.include(["in time", "late"], yield* Fiber.join(one))
        assert.strictEqual(yield* Fiber.join(other), "late")
      }),
      { schedules: 1_000 }
    )
  )
})
