import { Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { Channel, Select, Timer } from "troupe"

// #region after
export const patient = Effect.scoped(
  Effect.gen(function* () {
    const words = yield* Channel.unbounded<string>()
    yield* Channel.send(words, "one")
    // One limit for the whole loop.
    const limit = yield* Timer.after("1 second")
    const heard: Array<string> = []
    while (true) {
      const next = yield* Select.priority({ limit, word: words })
      if (next._tag === "limit") return heard // ["one"]
      heard.push(next.value)
    }
  })
)
// #endregion after

// #region timer
export const stopped = Effect.scoped(
  Effect.gen(function* () {
    const timer = yield* Timer.timer("1 hour")
    const left = yield* timer.reset("1 second") // the rest of the hour
    const firedAt = yield* Channel.receive(timer.fired)
    const nothing = yield* timer.stop // it has fired
    return [Option.isSome(left), firedAt > 0, Option.isNone(nothing)]
  })
)
// #endregion timer

// #region ticker
export const ticking = Effect.scoped(
  Effect.gen(function* () {
    const ticks = yield* Timer.ticker("50 millis")
    yield* Effect.sleep("320 millis") // six periods pass
    const late = yield* Channel.receive(ticks)
    const next = yield* Channel.receive(ticks)
    return next - late // 50
  })
)
// #endregion ticker

// #region test
export const tested = Effect.gen(function* () {
  const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  const waiting = yield* Timer.after("1 hour")
  yield* Effect.yieldNow // the timer begins to sleep
  yield* TestClock.adjust("1 hour")
  const firedAt = yield* Channel.receive(waiting)
  return Duration.format(Duration.millis(firedAt - start)) // "1h"
})
// #endregion test
