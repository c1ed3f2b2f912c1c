import { assert, describe } from "@effect/vitest"
import { Effect, Fiber, Ref, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Server, Sys } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const Add = Rpc.make("add", { payload: Schema.Int, success: Schema.Int })
const Counter = Server.make("test:counter", {
  args: Schema.Literals(["one", "lanes"]),
  protocol: [Add],
  state: Schema.Int
})

/** An addition takes a second. */
const counter = (log: Array<string>) =>
  Counter.toLayer(
    Effect.fnUntraced(function* (how) {
      const total = yield* Counter.state(0)
      yield* Server.after(
        "10 seconds",
        Effect.sync(() => void log.push("alarm"))
      )
      return Counter.of({
        handlers: {
          add: (n) =>
            Effect.andThen(
              Effect.sleep("1 second"),
              Ref.updateAndGet(total, (sum) => sum + n)
            )
        },
        idle: { after: "5 seconds", run: Effect.sync(() => void log.push("idle")) },
        ...(how === "lanes" ? { concurrency: { by: () => "same" } } : {})
      })
    })
  )

describe("Sys with servers", () => {
  both("P19 a suspended server handles nothing, neither messages nor what has become due, until it is resumed", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Counter, "one")
      yield* Sys.suspend(pid)
      const call = yield* Effect.forkChild(Process.call(pid, "add", 3, { timeout: "Infinity" }))
      yield* Effect.sleep("20 seconds")
      assert.strictEqual(yield* Sys.getState(Counter, pid), 0)
      assert.isUndefined(call.pollUnsafe())
      assert.deepStrictEqual(log, [])
      yield* Sys.resume(pid)
      assert.strictEqual(yield* Fiber.join(call), 3)
      assert.deepStrictEqual(log, ["alarm"])
      yield* Effect.sleep("6 seconds")
      assert.deepStrictEqual(log, ["alarm", "idle"])
    }).pipe(Effect.provide(counter(log)), Effect.provide(host))
  })

  both("P19 what waits for its key is held as well", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter, "lanes")
      const calls = yield* Effect.forEach([1, 2], (n) =>
        Effect.forkChild(Process.call(pid, "add", n, { timeout: "Infinity" }))
      )
      yield* Effect.sleep("1 milli")
      yield* Sys.suspend(pid)
      yield* Effect.sleep("20 seconds")
      // One was at work.
      assert.include([1, 2], yield* Sys.getState(Counter, pid))
      yield* Sys.resume(pid)
      yield* Effect.forEach(calls, Fiber.join)
      assert.strictEqual(yield* Sys.getState(Counter, pid), 3)
    }).pipe(Effect.provide(counter([])), Effect.provide(host))
  )

  both("P20 the state of a server can be replaced", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter, "one")
      yield* Sys.replaceState(Counter, pid, (n) => n + 10)
      assert.strictEqual(yield* Process.call(pid, "add", 1), 11)
    }).pipe(Effect.provide(counter([])), Effect.provide(host))
  )

  both("P22 what a server answers is counted", () =>
    Effect.gen(function* () {
      for (const how of ["one", "lanes"] as const) {
        const pid = yield* Process.start(Counter, how)
        yield* Sys.statistics(pid, "on")
        yield* Process.call(pid, "add", 1)
        const statistics = yield* Sys.getStatistics(pid)
        assert.deepStrictEqual([statistics.messagesIn, statistics.messagesOut], [1, 1])
      }
    }).pipe(Effect.provide(counter([])), Effect.provide(host))
  )
})
