import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { step } from "../../src/channel/internal/step.ts"
import { Bell } from "../../src/net/transport/internal/Bell.ts"
import { explore } from "../support/schedules.ts"

/** One who waits from now on. */
const waiterAt = (bell: Bell, isDue: () => boolean) => Effect.forkChild(bell.until(isDue), { startImmediately: true })

describe("a bell", () => {
  it.effect("has those go on for whom it holds, and nobody else, in 1,000 schedules", () =>
    explore(
      Effect.gen(function* () {
        const bell = new Bell()
        let count = 0
        const waitFor = (least: number) =>
          Effect.forkChild(
            Effect.map(
              bell.until(() => count >= least),
              () => count
            )
          )
        const [one, two, three] = [yield* waitFor(1), yield* waitFor(2), yield* waitFor(3)]
        const gone = yield* waitFor(1)
        const ringing = yield* Effect.forkChild(
          Effect.forEach([1, 2], () =>
            Effect.andThen(
              Effect.sync(() => {
                count++
                bell.ring()
              }),
              Effect.yieldNow
            )
          )
        )
        yield* Fiber.interrupt(gone)
        assert.isAtLeast(yield* Fiber.join(one), 1)
        assert.isAtLeast(yield* Fiber.join(two), 2)
        yield* Fiber.join(ringing)
        assert.isUndefined(three.pollUnsafe())
        yield* Fiber.interrupt(three)
      }),
      { schedules: 1_000 }
    )
  )

  it.effect("has one wait on that finds it changed back", () =>
    Effect.gen(function* () {
      const bell = new Bell()
      let isDue = false
      const waiting = yield* waiterAt(bell, () => isDue)
      isDue = true
      bell.ring()
      isDue = false
      yield* Effect.yieldNow
      assert.isUndefined(waiting.pollUnsafe())
      isDue = true
      bell.ring()
      yield* Fiber.join(waiting)
    })
  )

  it.effect("asks nobody who has gone on, or was interrupted", () =>
    Effect.gen(function* () {
      const bell = new Bell()
      let asked = 0
      let isDue = false
      const wait = waiterAt(bell, () => {
        asked++
        return isDue
      })
      const [one, other] = [yield* wait, yield* wait]
      yield* Fiber.interrupt(one)
      asked = 0
      bell.ring()
      assert.strictEqual(asked, 1)
      isDue = true
      bell.ring()
      yield* Fiber.join(other)
      asked = 0
      bell.ring()
      assert.strictEqual(asked, 0)
    })
  )

  it.effect("rung behind a step, has look for what the step does after it", () =>
    Effect.gen(function* () {
      const bell = new Bell()
      let isDue = false
      const waiting = yield* waiterAt(bell, () => isDue)
      yield* step(() => {
        bell.ringBehind()
        isDue = true
        return Exit.void
      })
      yield* Fiber.join(waiting)
    })
  )

  it.effect("makes no chain on the stack of those who ring for each other", () =>
    Effect.gen(function* () {
      const length = 50_000
      const bells = Array.from({ length: length + 1 }, () => new Bell())
      const rung = new Set<number>()
      const ring = (at: number) => {
        rung.add(at)
        bells[at]!.ring()
      }
      for (let at = 0; at < length; at++) {
        yield* Effect.forkChild(
          Effect.map(
            bells[at]!.until(() => rung.has(at)),
            () => ring(at + 1)
          ),
          { startImmediately: true }
        )
      }
      ring(0)
      yield* bells[length]!.until(() => rung.has(length))
      assert.strictEqual(rung.size, length + 1)
    })
  )
})
