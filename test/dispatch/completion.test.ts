import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Random, Schema } from "effect"
import { Command, Dispatcher, Process } from "troupe"
import type { Yielded } from "troupe"
import { both, sized } from "../support/both.ts"
import { allEnded, inProcessWith } from "../support/dispatched.ts"
import { host, settle } from "../support/processes.ts"

type Under = Yielded.Yielded<string, string>

/** A module whose handlers leave their yields to the test. */
const deferring = () => {
  const Later = Command.module("later", {
    run: Command.make(310, { payload: Schema.String, success: Schema.String, error: Schema.String })
  })
  const under = new Map<string, Under>()
  const LaterLive = Dispatcher.layer(Later, {
    run: (name, yielded) => {
      under.set(name, yielded)
      return Effect.succeed(Dispatcher.later())
    }
  })
  const of = (name: string): Under => {
    const found = under.get(name)
    if (found === undefined) throw new Error(`${name} is not under way`)
    return found
  }
  return { Later, LaterLive, of }
}

/** The ways to complete the yield `name`, in which each must do the same. */
const ways: ReadonlyArray<
  readonly [string, (under: Under, exit: Exit.Exit<string, string>) => Effect.Effect<boolean>]
> = [
  ["complete", (under, exit) => under.complete(exit)],
  ["completeUnsafe", (under, exit) => Effect.sync(() => under.completeUnsafe(exit))],
  ["completeTag", (under, exit) => under.completeTag(under.tag, exit)]
]

const dropped = Effect.map(Dispatcher.statistics, ({ dropped }) => dropped)

describe("D9 completions that nobody waits for", () => {
  both("D9 for a tag that the process never gave: dropped and counted, and no yield sees it", () =>
    Effect.gen(function* () {
      const { Later, LaterLive, of } = deferring()
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Later.run, "one")
        const wrong = [0, -1, 2, 1000, 1.5, Number.NaN, Infinity]
        for (const tag of wrong) assert.isFalse(yield* of("one").completeTag(tag, Exit.succeed("wrong")))
        assert.deepStrictEqual(yield* dropped, { unknown: wrong.length, late: 0 })
        yield* settle
        assert.isFalse(one.isReadyUnsafe())
        assert.isTrue(yield* of("one").complete(Exit.succeed("right")))
        assert.strictEqual(yield* one.await, "right")
        yield* allEnded
      })
      yield* inProcessWith(body, LaterLive)
    }).pipe(Effect.provide(host))
  )

  const pairs = ways.flatMap((first) => ways.map((second) => [first, second] as const))

  sized(
    "D9 a second completion, in whichever way after the first: dropped and counted",
    { full: Effect.succeed(pairs), explored: Effect.map(Random.choice(pairs), (pair) => [pair]) },
    (pairs) =>
      Effect.flatMap(
        pairs,
        Effect.forEach(([[, completeFirst], [, completeSecond]]) =>
          Effect.gen(function* () {
            const { Later, LaterLive, of } = deferring()
            const body = Effect.gen(function* () {
              const other = yield* Process.yieldAsync(Later.run, "other")
              const one = yield* Process.yieldAsync(Later.run, "one")
              assert.isTrue(yield* completeFirst(of("one"), Exit.succeed("first")))
              assert.isFalse(yield* completeSecond(of("one"), Exit.succeed("second")))
              assert.strictEqual(yield* one.await, "first")
              assert.isFalse(yield* completeSecond(of("one"), Exit.fail("third")))
              assert.strictEqual(yield* one.await, "first")
              assert.isFalse(other.isReadyUnsafe())
              yield* other.cancel
              const counts = yield* allEnded
              assert.deepStrictEqual(counts.dropped, { unknown: 0, late: 2 })
            })
            yield* inProcessWith(body, LaterLive)
          }).pipe(Effect.provide(host))
        )
      )
  )

  both("D9 of completions that race, one is taken, and all who wait see that one", () =>
    Effect.gen(function* () {
      const { Later, LaterLive, of } = deferring()
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Later.run, "one")
        const completing = yield* Effect.forEach(ways, ([name, complete]) =>
          Process.fork(Effect.map(complete(of("one"), Exit.succeed(name)), (taken) => (taken ? name : undefined)))
        )
        const seen = yield* Effect.all([one.await, one.await], { concurrency: 2 })
        const taken = (yield* Effect.forEach(completing, Fiber.join)).filter((name) => name !== undefined)
        assert.strictEqual(taken.length, 1)
        assert.deepStrictEqual(seen, [taken[0], taken[0]])
        assert.deepStrictEqual((yield* allEnded).dropped, { unknown: 0, late: 2 })
      })
      yield* inProcessWith(body, LaterLive)
    }).pipe(Effect.provide(host))
  )

  for (const [name, complete] of ways) {
    both(
      `D9 ${name} after the yield was given up: dropped and counted, and the next one under way is not touched`,
      () =>
        Effect.gen(function* () {
          const { Later, LaterLive, of } = deferring()
          const body = Effect.gen(function* () {
            const waiting = yield* Process.fork(Effect.exit(Process.yield(Later.run, "interrupted")))
            yield* Effect.sleep(1)
            yield* Fiber.interrupt(waiting)
            const cancelled = yield* Process.yieldAsync(Later.run, "cancelled")
            yield* Effect.sleep(1)
            yield* cancelled.cancel
            yield* Effect.exit(Process.yield(Later.run, "too late", { timeout: 1 }))
            const next = yield* Process.yieldAsync(Later.run, "next")
            yield* Effect.sleep(1)
            for (const one of ["interrupted", "cancelled", "too late"]) {
              assert.isFalse(yield* complete(of(one), Exit.succeed("wrong")))
            }
            assert.deepStrictEqual(yield* dropped, { unknown: 0, late: 3 })
            assert.isFalse(next.isReadyUnsafe())
            assert.isTrue(yield* complete(of("next"), Exit.fail("right")))
            assert.strictEqual(yield* Effect.flip(next.await), "right")
            const { completions, interruptions, timeouts } = yield* allEnded
            assert.deepStrictEqual([completions, interruptions, timeouts], [2, 2, 1])
          })
          yield* inProcessWith(body, LaterLive)
        }).pipe(Effect.provide(host))
    )

    for (const [way, end] of [
      ["kill", Process.kill],
      ["terminate", Process.terminate]
    ] as const) {
      both(`D9 ${name} after the process ended (${way}): dropped and counted; its namesakes in others go on`, () =>
        Effect.gen(function* () {
          const { Later, LaterLive, of } = deferring()
          const Victim = Process.make("test:victim")
          const VictimLive = Victim.toLayer(() =>
            Effect.andThen(Process.yieldAsync(Later.run, "async"), Process.yield(Later.run, "victim"))
          )
          const body = Effect.gen(function* () {
            // Under the tags of the victim's.
            const first = yield* Process.yieldAsync(Later.run, "first")
            const second = yield* Process.yieldAsync(Later.run, "second")
            const victim = yield* Effect.provide(Process.spawn(Victim), VictimLive)
            yield* Effect.sleep(1)
            yield* end(victim)
            assert.isFalse(yield* complete(of("victim"), Exit.succeed("wrong")))
            assert.isFalse(yield* complete(of("async"), Exit.succeed("wrong")))
            assert.isFalse(yield* of("victim").completeTag(77, Exit.succeed("wrong")))
            assert.deepStrictEqual(yield* dropped, { unknown: 1, late: 2 })
            assert.isFalse(first.isReadyUnsafe() || second.isReadyUnsafe())
            assert.isTrue(yield* complete(of("second"), Exit.succeed("2")))
            assert.isTrue(yield* complete(of("first"), Exit.succeed("1")))
            assert.deepStrictEqual([yield* first.await, yield* second.await], ["1", "2"])
            yield* Effect.sleep(1)
            yield* allEnded
          })
          yield* inProcessWith(body, LaterLive)
        }).pipe(Effect.provide(host))
      )
    }
  }

  both("D9 a handler that completes its yield and answers as well: the completion, and its answer is dropped", () =>
    Effect.gen(function* () {
      const Both = Command.module("both", {
        succeed: Command.make(310, { success: Schema.String, error: Schema.String }),
        fail: Command.make(311, { success: Schema.String, error: Schema.String }),
        atOnce: Command.make(312, { success: Schema.String, error: Schema.String }),
        throws: Command.make(313, { success: Schema.String, error: Schema.String })
      })
      const BothLive = Dispatcher.layer(Both, {
        succeed: (_, { complete }) => Effect.andThen(complete(Exit.succeed("first")), Effect.succeed("second")),
        fail: (_, { complete }) => Effect.andThen(complete(Exit.succeed("first")), Effect.fail("second")),
        atOnce: (_, { completeUnsafe }) => {
          completeUnsafe(Exit.succeed("first"))
          return Effect.succeed("second")
        },
        throws: (_, { completeUnsafe }): Effect.Effect<string> => {
          completeUnsafe(Exit.succeed("first"))
          throw new Error("second")
        }
      })
      const body = Effect.gen(function* () {
        const commands = [Both.succeed, Both.fail, Both.atOnce, Both.throws]
        for (const command of commands) {
          assert.strictEqual(yield* Process.yield(command), "first")
          const going = yield* Process.yieldAsync(command)
          assert.strictEqual(yield* going.await, "first")
        }
        yield* Effect.sleep(1)
        const { completions, dropped } = yield* allEnded
        assert.deepStrictEqual([completions, dropped], [8, { unknown: 0, late: 8 }])
      })
      yield* inProcessWith(body, BothLive)
    }).pipe(Effect.provide(host))
  )

  both("D9 a handler that keeps tags completes yields of its process alone", () =>
    Effect.gen(function* () {
      const { Later, LaterLive, of } = deferring()
      const Other = Process.make("test:other")
      const OtherLive = Other.toLayer(() => Process.yield(Later.run, "other"))
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Later.run, "one")
        const two = yield* Process.yieldAsync(Later.run, "two")
        const other = yield* Effect.provide(Process.spawn(Other), OtherLive)
        yield* Effect.sleep(1)
        // By the handler of another yield of the same process.
        assert.isTrue(yield* of("one").completeTag(two.tag, Exit.succeed("2")))
        assert.strictEqual(yield* two.await, "2")
        assert.isFalse(one.isReadyUnsafe())
        assert.isTrue(yield* of("other").completeTag(1, Exit.succeed("o")))
        assert.deepStrictEqual(yield* Process.await(other), Exit.succeed("o"))
        assert.isFalse(one.isReadyUnsafe())
        assert.isTrue(yield* of("two").completeTag(1, Exit.succeed("1")))
        assert.strictEqual(yield* one.await, "1")
      })
      yield* inProcessWith(body, LaterLive)
    }).pipe(Effect.provide(host))
  )
})
