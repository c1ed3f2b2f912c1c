import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Logger, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Process, ProcessHost, Registry } from "troupe"
import { both } from "../support/both.ts"
import { host, settle } from "../support/processes.ts"
import { explore } from "../support/schedules.ts"

const Slow = Process.make("test:slow", {
  args: Schema.Literals(["ready", "ignore", "fail", "return", "sleep"]),
  start: "acknowledged"
})
const SlowLive = Slow.toLayer(
  Effect.fn(function* (how) {
    yield* Effect.yieldNow
    up.delete(String(yield* Process.self))
    if (how === "ignore") return yield* Process.ignore
    if (how === "fail") return yield* Effect.fail("no disk")
    if (how === "return") return
    if (how === "sleep") yield* Effect.sleep("100 millis")
    up.add(String(yield* Process.self))
    yield* Process.ready
    return yield* Effect.never
  })
)

const Plain = Process.make("test:plain")
const PlainLive = Plain.toLayer(() => Effect.never)

const Becoming = Process.make("test:becoming", {
  args: Schema.Literals(["plain", "ignore", "fail", "return", "sleep"]),
  start: "acknowledged"
})
const BecomingLive = Becoming.toLayer(
  Effect.fnUntraced(function* (how) {
    if (how === "plain") return yield* Process.upgrade(Plain)
    return yield* Process.upgrade(Slow, how)
  })
)

const up = new Set<string>()

const quiet = Logger.layer([])

describe("Process.start", () => {
  both("P2 each way in which an init ends is typed, and after a failure the name is free", () =>
    Effect.gen(function* () {
      const start = (how: typeof Slow.args.Type) => Process.start(Slow, how, { name: "slow" })
      const ignored = yield* Effect.flip(start("ignore"))
      const failed = yield* Effect.flip(start("fail"))
      const returned = yield* Effect.flip(start("return"))
      assert.deepStrictEqual([ignored._tag, failed._tag, returned._tag], ["StartIgnored", "StartFailed", "StartFailed"])
      assert.include(failed.message, "no disk")
      assert.isTrue(Option.isNone(yield* Registry.whereis("slow")))
      const pid = yield* start("ready")
      assert.deepStrictEqual(yield* Registry.whereis("slow"), Option.some(pid))
      assert.strictEqual((yield* ProcessHost.list()).length, 1)
    }).pipe(Effect.provide([SlowLive, host, quiet]))
  )

  it.effect("P1 an init that takes too long is killed, and nothing of it is left", () =>
    Effect.gen(function* () {
      const starting = yield* Effect.forkChild(
        Effect.flip(Process.start(Slow, "sleep", { name: "s", timeout: "1 milli" }))
      )
      yield* settle
      yield* TestClock.adjust("1 milli")
      const error = yield* Fiber.join(starting)
      assert.strictEqual(error._tag, "StartTimeout")
      assert.include(error.message, "test:slow")
      assert.deepStrictEqual(yield* ProcessHost.list(), [])
      assert.isTrue(Option.isNone(yield* Registry.whereis("s")))
    }).pipe(Effect.provide([SlowLive, host]))
  )

  it.live(
    "P1 of a start and its time limit one wins, and the process is there or gone accordingly, in 1,000 schedules",
    () =>
      explore(
        Effect.gen(function* () {
          const outcome = yield* Effect.result(Process.start(Slow, "sleep", { timeout: "100 millis" }))
          assert.strictEqual((yield* ProcessHost.list()).length, outcome._tag === "Success" ? 1 : 0)
        }).pipe(Effect.provide([SlowLive, host])),
        { schedules: 1000 }
      )
  )

  both("P3 a second start under a name is told the pid of the first, and the name is free at its end", () =>
    Effect.gen(function* () {
      const first = yield* Process.start(Slow, "ready", { name: "slow" })
      const refusal = yield* Effect.flip(Process.start(Slow, "ready", { name: "slow" }))
      assert.deepStrictEqual(refusal._tag === "AlreadyStarted" ? refusal.pid : undefined, first)
      assert.strictEqual((yield* ProcessHost.list()).length, 1)
      yield* Process.kill(first)
      const second = yield* Process.start(Slow, "ready", { name: "slow" })
      assert.notDeepEqual(second, first)
    }).pipe(Effect.provide([SlowLive, host]))
  )

  both("a process that becomes another before it has started has started when the other one has", () =>
    Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis
      const slow = yield* Process.start(Becoming, "sleep")
      assert.strictEqual((yield* Clock.currentTimeMillis) - before, 100)
      const atOnce = yield* Process.start(Becoming, "plain")
      assert.deepStrictEqual(yield* ProcessHost.list(), [slow, atOnce])
      const outcomes = []
      for (const how of ["ignore", "fail", "return"] as const)
        outcomes.push((yield* Effect.flip(Process.start(Becoming, how)))._tag)
      assert.deepStrictEqual(outcomes, ["StartIgnored", "StartFailed", "StartFailed"])
      const late = yield* Effect.flip(Process.start(Becoming, "sleep", { timeout: "50 millis" }))
      assert.strictEqual(late._tag, "StartTimeout")
      assert.strictEqual((yield* ProcessHost.list()).length, 2)
    }).pipe(Effect.provide([BecomingLive.pipe(Layer.provide([SlowLive, PlainLive])), host, quiet]))
  )

  both("an interrupted start kills the process, unless it was up by then", () =>
    Effect.gen(function* () {
      const starting = yield* Effect.forkChild(Process.start(Slow, "ready"))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(starting)
      for (const left of yield* ProcessHost.list()) assert.isTrue(up.has(String(left)))
    }).pipe(Effect.provide([SlowLive, host]))
  )
})
