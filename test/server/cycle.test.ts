/** Servers that wait for each other: the call that times out says so, and handling calls side by side removes it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Server } from "troupe"
import { Explore } from "troupe/testing"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const Ask = Rpc.make("ask", { payload: Schema.Array(Schema.String), success: Schema.String })
const Asker = Server.make("test:asker", { protocol: [Ask] })

/** Asks the first of the names for what the others say; who asks first waits least. */
const asking = (concurrency: number, patience: "short" | "Infinity") =>
  Asker.toLayer(() =>
    Effect.succeed(
      Asker.of({
        concurrency,
        handlers: {
          ask: ([next, ...rest]) =>
            next === undefined
              ? Effect.succeed("answered")
              : Process.call(Asker.named(next), "ask", rest, {
                  timeout: patience === "short" ? 1000 * (5 - rest.length) : "Infinity"
                }).pipe(
                  Effect.catchTag("CallTimeout", ({ cycle, message }) =>
                    Effect.succeed(cycle === undefined ? "late" : message)
                  ),
                  Effect.orDie
                )
        }
      })
    )
  ).pipe(Layer.provideMerge(host))

const start = Effect.gen(function* () {
  const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (name) => Process.spawn(Asker, undefined, { name }))
  return { a: String(a), b: String(b), c: String(c) }
})

describe("servers that wait for each other", () => {
  both("I18 the call that times out names them, from the one that called on and round", () =>
    Effect.gen(function* () {
      const { a, b, c } = yield* start
      assert.strictEqual(
        yield* Process.call(Asker.named("a"), "ask", ["b", "c", "a"], { timeout: "1 minute" }),
        `${b} did not answer "ask" within 3000 ms, since they wait for each other: ` +
          `${a} called ${b} called ${c} called ${a}. Send on the way back instead, or have a server handle calls side by side.`
      )
    }).pipe(Effect.provide(asking(1, "short")))
  )

  both("I18 two that call each other at once are named, and one that waits for them is told of no cycle", () =>
    Effect.gen(function* () {
      const { a, b } = yield* start
      const asks = [
        ["a", "b"],
        ["b", "a"],
        ["c", "a"]
      ] as const
      const [byA, byB, byC] = yield* Effect.forEach(
        asks,
        ([from, to]) => Process.call(Asker.named(from), "ask", [to], { timeout: "1 minute" }),
        { concurrency: "unbounded" }
      )
      // Which of the two gives up first is up to the order; in some, one is answered before the other asks.
      const told = `they wait for each other: ${a} called ${b} called ${a}`
      const other = `they wait for each other: ${b} called ${a} called ${b}`
      const isTold = byA!.includes(told) || byB!.includes(other)
      assert.isTrue(isTold || [byA, byB].includes("answered"), `${byA}, ${byB}`)
      assert.notInclude(byC!, "each other")
    }).pipe(Effect.provide(asking(1, "short")))
  )

  both("I18 servers that handle two calls at once answer", () =>
    Effect.gen(function* () {
      yield* start
      assert.strictEqual(
        yield* Process.call(Asker.named("a"), "ask", ["b", "c", "a"], { timeout: "1 minute" }),
        "answered"
      )
    }).pipe(Effect.provide(asking(2, "short")))
  )

  it.live("I18 without a deadline the explorer finds it, and says who waits for whom", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        yield* start
        yield* Process.call(Asker.named("a"), "ask", ["b", "a"], { timeout: "Infinity" })
      }).pipe(Effect.provide(asking(1, "Infinity")))
      const failed = yield* Effect.flip(Explore.check(program, { schedules: 10 }))
      assert.deepInclude(failed, { _tag: "ExplorationFailed", verdict: "Deadlock" })
      assert.match(failed.message, /waits for the answer of .*0x00001.* to "ask"/)
      assert.match(failed.message, /waits for the answer of .*0x00002.* to "ask"/)
    })
  )
})
