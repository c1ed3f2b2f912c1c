import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Channel, Process, Select, Timer } from "troupe"
import { host, ownClock, settle } from "../support/processes.ts"

describe("Timer", () => {
  it.effect("T1 stop answers the time that is left, and nothing after it fired or was stopped", () =>
    Effect.gen(function* () {
      const timer = yield* Timer.timer("10 seconds")
      yield* settle
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(yield* timer.stop, Option.some(Duration.seconds(6)))
      assert.isTrue(Option.isNone(yield* timer.stop))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(timer.fired)))

      yield* timer.reset("1 second")
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Channel.receive(timer.fired), 65_000)
      assert.isTrue(Option.isNone(yield* timer.stop))
    })
  )

  it.effect("resetting a timer that fired takes back what nobody received", () =>
    Effect.gen(function* () {
      const timer = yield* Timer.timer("1 second")
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* timer.reset("1 second")))
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(timer.fired)))
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Channel.receive(timer.fired), 2000)
    })
  )

  it.effect("T3 after yields once; missed ticks are one: after 300 ms of 50 ms ticks one is ready", () =>
    Effect.gen(function* () {
      const once = yield* Timer.after("50 millis")
      const ticks = yield* Timer.ticker("50 millis")
      yield* settle
      yield* TestClock.adjust("300 millis")
      yield* settle
      assert.deepStrictEqual(yield* Channel.tryReceive(once), Option.some(50))
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(once)))
      assert.isTrue(Option.isSome(yield* Channel.tryReceive(ticks)))
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(ticks)))
      yield* TestClock.adjust("49 millis")
      yield* settle
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(ticks)))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Channel.receive(ticks), 350)
    })
  )

  it.effect("T4 a timer that several wait for fires for one of them", () =>
    Effect.gen(function* () {
      const once = yield* Timer.after("1 second")
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Channel.receive(once)))
      yield* settle
      yield* TestClock.adjust("1 hour")
      yield* settle
      assert.deepStrictEqual(
        waiting.map((fiber) => fiber.pollUnsafe()),
        [Exit.succeed(1000), undefined, undefined]
      )
      yield* Effect.forEach(waiting, Fiber.interrupt)
    })
  )

  it.effect("T2 T6 T10 the timers of a process end with it, however it ends, and leave no fiber sleeping", () =>
    Effect.gen(function* () {
      yield* ownClock
      const late: Array<string> = []
      const Timed = Process.make("test:timed")
      const TimedLive = Timed.toLayer(() =>
        Effect.gen(function* () {
          const ticks = yield* Timer.ticker("1 second")
          for (let i = 0; i < 100; i++) yield* Timer.after("1 second")
          yield* Process.fork(
            Effect.forever(Effect.tap(Channel.receive(ticks), () => Effect.sync(() => late.push("tick"))))
          )
          yield* Effect.never
        })
      )
      for (const end of [Process.terminate, Process.kill]) {
        const pid = yield* Effect.provide(Process.spawn(Timed), TimedLive)
        yield* settle
        yield* end(pid)
        yield* TestClock.adjust("1 minute")
        yield* settle
      }
      assert.deepStrictEqual(late, [])
      const scope = yield* Scope.make()
      const timer = yield* Scope.provide(Timer.timer("1 second"), scope)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(timer.fired)))
    }).pipe(Effect.provide(host))
  )

  it.live("T8 timers run on monotonic time: a wall clock that jumps does not delay them", () =>
    Effect.gen(function* () {
      const jumped = Date.now() - 3_600_000
      const once = yield* Timer.after("5 millis")
      const original = Date.now
      Date.now = () => jumped
      const exit = yield* Effect.exit(Effect.timeout(Channel.receive(once), "2 seconds"))
      Date.now = original
      assert.isTrue(Exit.isSuccess(exit))
    })
  )

  for (const period of [0, -1, "Infinity"] as const) {
    it.effect(`a period of ${period} is refused with InvalidPeriod`, () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(Timer.ticker(period)))._tag, "InvalidPeriod")
      })
    )
  }

  it.effect("L4 a timer's case wins at its time and not before; a ready case beats it", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<string>(1)
      const cases = { value: channel, timeout: yield* Timer.after("1 second") }
      yield* Channel.send(channel, "ready")
      assert.strictEqual((yield* Select.any(cases))._tag, "value")
      const waiting = yield* Effect.forkChild(Select.any(cases))
      yield* settle
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "timeout")
    })
  )
})
