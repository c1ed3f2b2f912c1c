import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Metric, Schema, Scope, Tracer } from "effect"
import { Command, Dispatcher, Interceptor, Process, Select } from "troupe"
import type { Yielded } from "troupe"
import { both } from "../support/both.ts"
import { allEnded, inProcessWith } from "../support/dispatched.ts"
import { host, inProcess } from "../support/processes.ts"

const Job = Command.module("job", {
  double: Command.make(300, { payload: Schema.Int, success: Schema.Int, error: Schema.String }),
  later: Command.make(301, { payload: Schema.Int, success: Schema.Int, error: Schema.String }),
  other: Command.make(302, { success: Schema.String })
})

/** Fails so many times, at once or from elsewhere, and then no more. */
const failing = (times: number) => {
  let left = times
  const exit = (n: number): Exit.Exit<number, string> => (left-- > 0 ? Exit.fail(`${left} left`) : Exit.succeed(2 * n))
  return Dispatcher.layer(Job, {
    double: (n) => Effect.suspend(() => exit(n)),
    later: (n, { complete }) =>
      Effect.as(
        Effect.forkDetach(
          Effect.andThen(
            Effect.sleep(5),
            Effect.suspend(() => complete(exit(n)))
          )
        ),
        Dispatcher.later()
      ),
    other: () => Effect.succeed("other")
  })
}

const noting = (log: Array<string>, name: string) =>
  Interceptor.make(({ command, tag }, work) =>
    Effect.onExit(
      Effect.andThen(
        Effect.sync(() => log.push(`${name}> ${tag} ${command._tag}`)),
        work
      ),
      (exit) => Effect.sync(() => log.push(`${name}< ${exit._tag}`))
    )
  )

describe("interceptors", () => {
  both("stand around each other: the first one outermost, one that is built later further inside", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const layer = Interceptor.layer(noting(log, "c")).pipe(
        Layer.provideMerge(Interceptor.layer(noting(log, "a"), noting(log, "b"))),
        Layer.provideMerge(failing(0))
      )
      assert.strictEqual(yield* inProcessWith(Process.yield(Job.double, 2), layer), 4)
      assert.deepStrictEqual(log, [
        ...["a", "b", "c"].map((name) => `${name}> 1 job.double`),
        ...["c", "b", "a"].map((name) => `${name}< Success`)
      ])
    }).pipe(Effect.provide(host))
  )

  it.effect("see no command that was refused, and those that fail or die as they are", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const layer = Layer.mergeAll(failing(1), Interceptor.layer(noting(log, "a")))
      const Unhandled = Command.module("unhandled", { run: Command.make(400) })
      const body = Effect.gen(function* () {
        yield* Effect.exit(Process.yield(Unhandled.run))
        assert.deepStrictEqual(log, [])
        assert.strictEqual(yield* Effect.flip(Process.yield(Job.double, 1)), "0 left")
        assert.deepStrictEqual(log, ["a> 2 job.double", "a< Failure"])
      })
      yield* inProcessWith(body as never as Effect.Effect<void>, layer)
    }).pipe(Effect.provide(host))
  )

  for (const name of ["double", "later"] as const) {
    for (const how of ["yield", "yieldAsync"] as const) {
      both(`retry a handler that fails twice (${name}, ${how}): the yield sees the third answer alone`, () =>
        Effect.gen(function* () {
          const layer = Layer.mergeAll(
            failing(2),
            Interceptor.layer(Interceptor.make((_, work) => Effect.retry(work, { times: 2 })))
          )
          const body = Effect.gen(function* () {
            if (how === "yield") return yield* Process.yield(Job[name], 21)
            const one = yield* Process.yieldAsync(Job[name], 21)
            const { value } = yield* Select.any({ one })
            return value
          })
          yield* Effect.gen(function* () {
            assert.strictEqual(yield* inProcess(body), 42)
            const { completions, dropped } = yield* allEnded
            assert.deepStrictEqual([completions, dropped], [1, { unknown: 0, late: 0 }])
          }).pipe(Effect.provide(layer))
        }).pipe(Effect.provide(host))
      )
    }

    both(`change the answer, and the error, of a handler (${name})`, () =>
      Effect.gen(function* () {
        const layer = Layer.mergeAll(
          failing(1),
          Interceptor.layer(
            Interceptor.of(Job[name], (payload, work, { tag }) =>
              work.pipe(
                Effect.map((answer) => answer + payload + tag),
                Effect.mapError((error) => `${error}!`)
              )
            )
          )
        )
        const body = Effect.gen(function* () {
          assert.strictEqual(yield* Effect.flip(Process.yield(Job[name], 100)), "0 left!")
          assert.strictEqual(yield* Process.yield(Job[name], 100), 302)
          const going = yield* Process.yieldAsync(Job[name], 100)
          assert.strictEqual(yield* going.await, 303)
          assert.strictEqual(yield* Process.yield(Job.other), "other")
        })
        yield* inProcessWith(body, layer)
      }).pipe(Effect.provide(host))
    )
  }

  both("fake a command, and leave the others to their handlers", () =>
    Effect.gen(function* () {
      const layer = Layer.mergeAll(
        failing(9),
        Interceptor.layer(Interceptor.of(Job.double, (n) => (n === 0 ? Effect.fail("faked") : Effect.succeed(7))))
      )
      const body = Effect.gen(function* () {
        assert.strictEqual(yield* Process.yield(Job.double, 1), 7)
        assert.strictEqual(yield* Effect.flip(Process.yield(Job.double, 0)), "faked")
        assert.strictEqual(yield* Effect.flip(Process.yield(Job.later, 1)), "8 left")
        assert.strictEqual(yield* Process.yield(Job.other), "other")
        yield* allEnded
      })
      yield* inProcessWith(body, layer)
    }).pipe(Effect.provide(host))
  )

  both("are within the time of the yield, with all that they do", () =>
    Effect.gen(function* () {
      const layer = Layer.mergeAll(
        failing(1000),
        Interceptor.layer(Interceptor.make((_, work) => Effect.eventually(Effect.delay(work, "30 millis"))))
      )
      const body = Effect.gen(function* () {
        const error = yield* Effect.flip(Process.yield(Job.later, 1, { timeout: "100 millis" }))
        assert.strictEqual((error as { readonly _tag: string })._tag, "YieldTimeout")
        yield* allEnded
        // The last completion is still on its way.
        yield* Effect.sleep(5)
      })
      yield* inProcessWith(body, layer)
    }).pipe(Effect.provide(host))
  )

  both("are interrupted with the process, and with the yield that is cancelled", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Never = Command.module("never", { run: Command.make(310), later: Command.make(311) })
      const NeverLive = Dispatcher.layer(Never, {
        run: () => Effect.never,
        later: () => Effect.succeed(Dispatcher.later(Effect.sync(() => void log.push("later"))))
      })
      const watching = Interceptor.make((_, work) =>
        Effect.onInterrupt(work, () => Effect.sync(() => log.push("interceptor")))
      )
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Never.run)
        const other = yield* Process.yieldAsync(Never.later)
        yield* Effect.sleep(1)
        yield* one.cancel
        yield* other.cancel
        assert.deepStrictEqual(log, ["interceptor", "later", "interceptor"])
        const coroutine = yield* Process.fork(Process.yield(Never.later))
        yield* Effect.sleep(1)
        yield* Fiber.interrupt(coroutine)
        assert.deepStrictEqual(log.slice(3), ["later", "interceptor"])
        yield* allEnded
      })
      yield* inProcessWith(body, Layer.mergeAll(NeverLive, Interceptor.layer(watching)))
    }).pipe(Effect.provide(host))
  )

  both("what completes an attempt that was given up does not reach the next one's yield twice", () =>
    Effect.gen(function* () {
      const completions: Array<(exit: Exit.Exit<number, string>) => Effect.Effect<boolean>> = []
      const Late = Command.module("late", { run: Command.make(310, { success: Schema.Int, error: Schema.String }) })
      const LateLive = Dispatcher.layer(Late, {
        run: (_, { complete }) => {
          completions.push(complete)
          return Effect.succeed(Dispatcher.later())
        }
      })
      const retrying = Interceptor.make((_, work) => Effect.retry(work, { times: 1 }))
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Late.run)
        yield* Effect.sleep(1)
        assert.isTrue(yield* completions[0]?.(Exit.fail("first")) ?? Effect.succeed(false))
        // The attempt has been answered: a second answer to it is dropped.
        yield* Effect.sleep(1)
        assert.strictEqual(completions.length, 2)
        assert.isFalse(one.isReadyUnsafe())
        assert.isTrue(yield* completions[1]?.(Exit.succeed(2)) ?? Effect.succeed(false))
        assert.strictEqual(yield* one.await, 2)
        assert.isFalse(yield* completions[1]?.(Exit.succeed(3)) ?? Effect.succeed(true))
        assert.strictEqual((yield* allEnded).dropped.late, 1)
      })
      yield* inProcessWith(body, Layer.mergeAll(LateLive, Interceptor.layer(retrying)))
    }).pipe(Effect.provide(host))
  )

  for (const way of ["complete", "completeUnsafe"] as const) {
    both(
      `what completes an attempt that is over is dropped, whatever became of it, and reaches no other (${way})`,
      () =>
        Effect.gen(function* () {
          const runs: Array<Yielded.Yielded<string, string>> = []
          const Late = Command.module("late", {
            run: Command.make(310, { success: Schema.String, error: Schema.String })
          })
          const LateLive = Dispatcher.layer(Late, {
            run: (_, yielded) => (runs.push(yielded) === 1 ? Effect.fail("failed") : Effect.succeed(Dispatcher.later()))
          })
          // Each attempt has 10 milliseconds, and between two of them there are 10 more.
          const retrying = Interceptor.make((_, work) =>
            Effect.eventually(Effect.delay(Effect.timeout(work, "10 millis"), "10 millis"))
          )
          const completed = (run: number, exit: Exit.Exit<string, string>): Effect.Effect<boolean> => {
            const yielded = runs[run] as Yielded.Yielded<string, string>
            return way === "complete" ? yielded.complete(exit) : Effect.sync(() => yielded.completeUnsafe(exit))
          }
          const body = Effect.gen(function* () {
            const one = yield* Process.yieldAsync(Late.run)
            yield* Effect.sleep(15)
            // The first one has failed, and no other has begun.
            assert.strictEqual(runs.length, 1)
            assert.isFalse(yield* completed(0, Exit.succeed("stale")))
            yield* Effect.sleep(10)
            assert.strictEqual(runs.length, 2)
            assert.isFalse(yield* completed(0, Exit.succeed("stale")))
            yield* Effect.sleep(10)
            // The second one has taken too long.
            assert.isFalse(yield* completed(1, Exit.succeed("stale")))
            yield* Effect.sleep(10)
            assert.strictEqual(runs.length, 3)
            assert.isFalse(yield* completed(1, Exit.succeed("stale")))
            assert.isTrue(yield* completed(2, Exit.fail("third")))
            yield* Effect.sleep(15)
            assert.strictEqual(runs.length, 4)
            for (const run of [0, 1, 2]) assert.isFalse(yield* completed(run, Exit.succeed("stale")))
            assert.isTrue(yield* completed(3, Exit.succeed("fourth")))
            assert.strictEqual(yield* one.await, "fourth")
            assert.deepStrictEqual((yield* allEnded).dropped, { unknown: 0, late: 7 })
          })
          yield* inProcessWith(body, Layer.mergeAll(LateLive, Interceptor.layer(retrying)))
        }).pipe(Effect.provide(host))
    )
  }

  both("attempts that run at once are completed each for itself", () =>
    Effect.gen(function* () {
      const runs: Array<Yielded.Yielded<string, never>> = []
      const Hedged = Command.module("hedged", { run: Command.make(310, { success: Schema.String }) })
      const HedgedLive = Dispatcher.layer(Hedged, {
        run: (_, yielded) => {
          runs.push(yielded)
          return Effect.succeed(Dispatcher.later())
        }
      })
      const hedging = Interceptor.make((_, work) => Effect.raceFirst(work, work))
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Hedged.run)
        yield* Effect.sleep(1)
        assert.strictEqual(runs.length, 2)
        assert.isTrue(yield* runs[0]?.complete(Exit.succeed("first")) ?? Effect.succeed(false))
        assert.strictEqual(yield* one.await, "first")
        assert.isFalse(yield* runs[1]?.complete(Exit.succeed("second")) ?? Effect.succeed(true))
        yield* allEnded
      })
      yield* inProcessWith(body, Layer.mergeAll(HedgedLive, Interceptor.layer(hedging)))
    }).pipe(Effect.provide(host))
  )

  both("a completion by tag before the handler has begun is dropped: nobody would see it", () =>
    Effect.gen(function* () {
      const Early = Command.module("early", {
        run: Command.make(310, { success: Schema.String }),
        meddle: Command.make(311, { payload: Schema.Int, success: Schema.Boolean })
      })
      const EarlyLive = Dispatcher.layer(Early, {
        run: () => Effect.succeed("its own"),
        meddle: (tag, { completeTag }) => completeTag(tag, Exit.succeed("another's"))
      })
      const slow = Interceptor.of(Early.run, (_, work) => Effect.delay(work, "10 millis"))
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Early.run)
        assert.isFalse(yield* Process.yield(Early.meddle, one.tag))
        assert.strictEqual(yield* one.await, "its own")
        assert.deepStrictEqual((yield* allEnded).dropped, { unknown: 0, late: 1 })
      })
      yield* inProcessWith(body, Layer.mergeAll(EarlyLive, Interceptor.layer(slow)))
    }).pipe(Effect.provide(host))
  )

  it.effect("are gone when their layer is closed, each for itself: one that stands there twice stands there once", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const once = noting(log, "a")
      const scope = yield* Scope.make()
      const yielded = inProcess(Process.yield(Job.other))
      yield* Effect.gen(function* () {
        yield* Layer.buildWithScope(Interceptor.layer(once), scope)
        yield* yielded
        assert.strictEqual(log.splice(0).length, 4)
        yield* Scope.close(scope, Exit.void)
        yield* yielded
        assert.strictEqual(log.splice(0).length, 2)
      }).pipe(Effect.provide(Interceptor.layer(once)))
      yield* yielded
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.provide(Layer.mergeAll(failing(0), host)))
  )

  it.effect("an interceptor that throws, or answers what is no effect, is a defect of the yield", () =>
    Effect.gen(function* () {
      for (const bad of [
        Interceptor.make(() => {
          throw new Error("thrown")
        }),
        Interceptor.make(() => "no effect" as never)
      ]) {
        const finalized: Array<string> = []
        const body = Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => finalized.push("finalized")))
          const one = yield* Effect.exit(Process.yield(Job.double, 1))
          const other = yield* Effect.flatMap(Process.yieldAsync(Job.double, 1), ({ await: answer }) =>
            Effect.exit(answer)
          )
          assert.isTrue(Exit.hasDies(one) && Exit.hasDies(other))
        })
        yield* Effect.gen(function* () {
          yield* inProcess(body)
          yield* allEnded
        }).pipe(Effect.provide(Layer.merge(failing(0), Interceptor.layer(bad))))
        assert.deepStrictEqual(finalized, ["finalized"])
      }
    }).pipe(Effect.provide(host))
  )
})

describe("interceptors that come along", () => {
  it.effect("spans: one for each command, within the span that yields, with its id, its tag and the process", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const body = Effect.gen(function* () {
        yield* Process.yield(Job.double, 1)
        yield* Process.yield(Job.other)
        return String(yield* Process.self)
      }).pipe(Effect.withSpan("body"))
      const layer = Layer.mergeAll(failing(0), Interceptor.layer(Interceptor.spans))
      const pid = yield* inProcessWith(body, layer).pipe(Effect.provideService(Tracer.Tracer, tracer))
      const own = spans.filter(({ name }) => name.startsWith("job."))
      assert.deepStrictEqual(
        own.map(({ kind, name }) => [name, kind]),
        [
          ["job.double", "client"],
          ["job.other", "client"]
        ]
      )
      const outer = spans.find(({ name }) => name === "body")
      for (const [i, span] of own.entries()) {
        assert.strictEqual(span.status._tag, "Ended")
        assert.strictEqual(span.parent._tag === "Some" && span.parent.value.spanId, outer?.spanId)
        assert.deepStrictEqual(Object.fromEntries(span.attributes), {
          "troupe.command.id": 300 + 2 * i,
          "troupe.process": pid,
          "troupe.tag": i + 1
        })
      }
    }).pipe(Effect.provide(host), (program) => Effect.scoped(program))
  )

  it.effect("metrics: counts by command and outcome, and how long each took", () =>
    Effect.gen(function* () {
      const Timed = Command.module("timed", {
        run: Command.make(320, { payload: Schema.String, error: Schema.String })
      })
      const TimedLive = Dispatcher.layer(Timed, {
        run: (how): Effect.Effect<void, string> =>
          how === "success"
            ? Effect.void
            : how === "failure"
              ? Effect.fail("failed")
              : how === "defect"
                ? Effect.die("died")
                : Effect.never
      })
      const body = Effect.gen(function* () {
        yield* Process.yield(Timed.run, "success")
        yield* Process.yield(Timed.run, "success")
        for (const how of ["failure", "defect"]) yield* Effect.exit(Process.yield(Timed.run, how))
        const going = yield* Process.yieldAsync(Timed.run, "interruption")
        yield* going.cancel
      })
      yield* inProcessWith(body, Layer.mergeAll(TimedLive, Interceptor.layer(Interceptor.metrics)))
      const mine = (yield* Metric.snapshot).filter(({ attributes }) => attributes?.["command"] === "timed.run")
      const counts = mine.flatMap((metric) =>
        metric.type === "Counter" ? [[metric.id, metric.attributes?.["outcome"], Number(metric.state.count)]] : []
      )
      assert.sameDeepMembers(counts, [
        ["troupe_commands_total", "success", 2],
        ["troupe_commands_total", "failure", 1],
        ["troupe_commands_total", "defect", 1],
        ["troupe_commands_total", "interruption", 1]
      ])
      const seconds = mine.flatMap((metric) => (metric.type === "Histogram" ? [[metric.id, metric.state.count]] : []))
      assert.deepStrictEqual(seconds, [["troupe_command_seconds", 5]])
    }).pipe(Effect.provide(host))
  )
})
