import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Schema } from "effect"
import { Command, Dispatcher, Process, ProcessHost } from "troupe"
import { Clock } from "troupe/command"

const Text = Command.module("text", {
  upper: Command.make(300, { payload: Schema.String, success: Schema.String }),
  fail: Command.make(301, { error: Schema.String })
})
const TextLive = Dispatcher.layer(Text, {
  upper: (text) => Effect.succeed(text.toUpperCase()),
  fail: () => Effect.fail("no")
})
const Body = Process.make("app:body")
const run = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Process.spawn(Body), Process.await).pipe(
    Effect.provide([Body.toLayer(() => body), ProcessHost.layer("app:h")])
  )

describe("yielding", () => {
  it.live("smoke", () =>
    Effect.gen(function* () {
      const exit = yield* run(
        Effect.gen(function* () {
          const a = yield* Process.yield(Text.upper, "x")
          const e = yield* Effect.flip(Process.yield(Text.fail))
          yield* Clock.sleep("10 millis")
          return [a, e]
        })
      ).pipe(Effect.provide(Layer.mergeAll(TextLive, Clock.layer)))
      assert.deepStrictEqual(exit, Exit.succeed(["X", "no"]))
    })
  )
})
