import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Logger, Metric, Option, Scope } from "effect"
import { Channel, Process, Select, Timer } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const isEmpty = <A>(channel: Channel.Receiver<A>) => Effect.map(Channel.tryReceive(channel), Option.isNone)

/** Runs a program that can ask how many fibers it has. */
const counting = <A, E, R>(program: (alive: () => number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let alive = 0
    return Effect.provideService(
      program(() => alive),
      Metric.FiberRuntimeMetrics,
      { recordFiberStart: () => void alive++, recordFiberEnd: () => void alive-- }
    )
  })

/** Runs a program that can set its wall clock, and can be late: what sleeps wakes at its time, and finds more has passed. */
const onClock = <A, E, R>(
  program: (ahead: { wall: number; monotonic: number }) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Clock.clockWith((clock) => {
    const ahead = { wall: 0, monotonic: 0 }
    const millis = () => clock.currentTimeMillisUnsafe() + ahead.wall
    const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(ahead.wall) * 1_000_000n
    const monotonic = () => clock.monotonicTimeNanosUnsafe() + BigInt(ahead.monotonic) * 1_000_000n
    return Effect.provideService(program(ahead), Clock.Clock, {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => clock.sleep(duration)
    })
  })

/** At which monotonic time, in milliseconds, the source yields next. */
const next = (source: Channel.Receiver<number>) =>
  Effect.map(Effect.andThen(Channel.receive(source), Clock.monotonicTimeNanos), (time) => Number(time) / 1_000_000)

describe("Timer", () => {
  both("T1 stop answers the time that is left, and nothing after it fired or was stopped", () =>
    Effect.gen(function* () {
      const timer = yield* Timer.timer("10 seconds")
      yield* Effect.sleep("4 seconds")
      assert.deepStrictEqual(yield* timer.stop, Option.some(Duration.seconds(6)))
      assert.isTrue(Option.isNone(yield* timer.stop))
      yield* Effect.sleep("1 minute")
      assert.isTrue(yield* isEmpty(timer.fired))

      yield* timer.reset("1 second")
      assert.strictEqual(yield* Channel.receive(timer.fired), 65_000)
      assert.isTrue(Option.isNone(yield* timer.stop))
    })
  )

  both("T1 a timer that is stopped just when it fires has been stopped, or has fired, and never both", () =>
    Effect.gen(function* () {
      const timer = yield* Timer.timer("1 second")
      yield* Effect.sleep("1 second")
      const received = yield* Effect.forkChild(Channel.tryReceive(timer.fired))
      const left = yield* timer.stop
      yield* Effect.sleep("1 minute")
      assert.isTrue(yield* isEmpty(timer.fired))
      if (Option.isSome(yield* Fiber.join(received))) assert.isTrue(Option.isNone(left))
    })
  )

  both("T1 a timer that several fibers reset at once fires once", () =>
    Effect.gen(function* () {
      const timer = yield* Timer.timer("1 minute")
      yield* Effect.forEach(range(3), () => timer.reset("1 second"), { concurrency: "unbounded" })
      assert.strictEqual(yield* Channel.receive(timer.fired), 1000)
      yield* Effect.sleep("2 minutes")
      assert.isTrue(yield* isEmpty(timer.fired))
    })
  )

  both("resetting a timer that fired takes back what nobody received", () =>
    Effect.gen(function* () {
      const timer = yield* Timer.timer("1 second")
      yield* Effect.sleep("1001 millis")
      assert.isTrue(Option.isNone(yield* timer.reset("1 second")))
      assert.isTrue(yield* isEmpty(timer.fired))
      assert.strictEqual(yield* Channel.receive(timer.fired), 2001)
    })
  )

  both("T3 after yields once; missed ticks are one: after 300 ms of 50 ms ticks one is ready", () =>
    Effect.gen(function* () {
      const once = yield* Timer.after("50 millis")
      const ticks = yield* Timer.ticker("50 millis")
      yield* Effect.sleep("301 millis")
      assert.deepStrictEqual(yield* Channel.tryReceive(once), Option.some(50))
      assert.isTrue(yield* isEmpty(once))
      assert.isTrue(Option.isSome(yield* Channel.tryReceive(ticks)))
      assert.isTrue(yield* isEmpty(ticks))
      yield* Effect.sleep("48 millis")
      assert.isTrue(yield* isEmpty(ticks))
      assert.strictEqual(yield* Channel.receive(ticks), 350)
      assert.isTrue(yield* isEmpty(once))
    })
  )

  for (const [late, ticks] of [
    [299, [349, 350, 400]],
    [300, [350, 400, 450]]
  ] as const) {
    both(
      `T3 a tick that comes ${late} ms late stands for those that were missed, and the next comes at its own time`,
      () =>
        onClock(
          Effect.fnUntraced(function* (ahead) {
            const ticker = yield* Timer.ticker("50 millis")
            yield* Effect.sleep(1)
            ahead.monotonic = late
            assert.deepStrictEqual(yield* Effect.all(ticks.map(() => next(ticker))), [...ticks])
          })
        )
    )
  }

  both("T4 a timer that several wait for fires for one of them", () =>
    Effect.gen(function* () {
      const once = yield* Timer.after("1 second")
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Channel.receive(once)))
      yield* Effect.sleep("1 minute")
      const exits = waiting.flatMap((fiber) => fiber.pollUnsafe() ?? [])
      assert.deepStrictEqual(exits, [Exit.succeed(1000)])
    })
  )

  for (const [how, body, end] of [
    ["is terminated", Effect.never, Process.terminate],
    ["is killed", Effect.never, Process.kill],
    ["returns", Effect.sleep(2), Process.await],
    ["dies", Effect.andThen(Effect.sleep(2), Effect.die("broken")), Process.await]
  ] as const) {
    both(`T2 T6 the timers of a process that ${how} are gone with it: nothing comes to the dead`, () =>
      counting(
        Effect.fnUntraced(
          function* (alive) {
            const late: Array<number> = []
            const Timed = Process.make("test:timed")
            const TimedLive = Timed.toLayer(() =>
              Effect.gen(function* () {
                const [ticks, once] = [yield* Timer.ticker("1 second"), yield* Timer.after("1 second")]
                const timer = yield* Timer.timer("1 second")
                for (const one of [ticks, once, timer.fired]) {
                  yield* Process.fork(Effect.tap(Channel.receive(one), (time) => Effect.sync(() => late.push(time))))
                }
                yield* body
              })
            )
            const before = alive()
            const pid = yield* Effect.provide(Process.spawn(Timed), TimedLive)
            yield* Effect.sleep(1)
            assert.isAtLeast(alive() - before, 7)
            yield* end(pid)
            yield* Effect.sleep(1)
            assert.strictEqual(alive(), before)
            yield* Effect.sleep("1 minute")
            assert.deepStrictEqual(late, [])
          },
          Effect.provide([host, Logger.layer([])])
        )
      )
    )
  }

  both("T10 a timer that is stopped, has fired, or whose scope is closed leaves no fiber behind", () =>
    counting(
      Effect.fnUntraced(function* (alive) {
        const before = alive()
        const timers = yield* Effect.forEach(range(5), () => Timer.timer("1 second"))
        yield* Effect.sleep(1)
        assert.strictEqual(alive(), before + 5)
        for (const timer of timers) yield* timer.stop
        assert.strictEqual(alive(), before)

        for (const timer of timers) yield* timer.reset("1 second")
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(alive(), before)

        const scope = yield* Scope.make()
        const closed = yield* Scope.provide(Timer.timer("1 second"), scope)
        const sources = yield* Scope.provide(Effect.all([Timer.after("1 second"), Timer.ticker("1 second")]), scope)
        yield* Effect.sleep(1)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(alive(), before)
        assert.isTrue(Option.isNone(yield* closed.stop))
        yield* Effect.sleep("1 minute")
        for (const source of [closed.fired, ...sources]) assert.isTrue(yield* isEmpty(source))
      })
    )
  )

  for (const jump of [-3_600_000, 3_600_000]) {
    both(
      `T8 timers run on monotonic time: a wall clock that is set by ${jump} ms neither delays nor hastens them`,
      () =>
        onClock(
          Effect.fnUntraced(function* (ahead) {
            const timer = yield* Timer.timer("10 seconds")
            const [once, ticks] = [yield* Timer.after("1 second"), yield* Timer.ticker("1 second")]
            yield* Effect.sleep(1)
            ahead.wall = jump
            assert.strictEqual(yield* next(once), 1000)
            for (const tick of [1000, 2000, 3000]) assert.strictEqual(yield* next(ticks), tick)
            assert.deepStrictEqual(yield* timer.stop, Option.some(Duration.seconds(7)))
          })
        )
    )
  }

  it.live("T8 the same with the clock of the system", () =>
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

  both("L4 a timer's case wins at its time and not before; a ready case beats it", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<string>(1)
      const cases = { value: channel, timeout: yield* Timer.after("1 second") }
      yield* Channel.send(channel, "ready")
      assert.strictEqual((yield* Select.any(cases))._tag, "value")
      const waiting = yield* Effect.forkChild(Select.any(cases))
      yield* Effect.sleep("999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      assert.deepStrictEqual(yield* Fiber.join(waiting), { _tag: "timeout", value: 1000 })
    })
  )
})
