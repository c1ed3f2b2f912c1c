import { assert, describe } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { type Pid, Process, ProcessHost, Server } from "troupe"
import { both } from "../support/both.ts"
import { collect, type Logged } from "../support/logs.ts"
import { host } from "../support/processes.ts"

const Job = Schema.Struct({ key: Schema.String, name: Schema.String })
const Work = Rpc.make("work", { payload: Job, success: Schema.String, error: Schema.String })
const Pool = Server.make("test:pool", { protocol: [Work] })

interface Log {
  readonly done: Array<readonly [string, number]>
  running: number
  most: number
}

/** A job takes 100 ms, unless its name says how it fails. */
const pool = (log: Log, concurrency: Server.Concurrency<typeof Work>) =>
  Pool.toLayer(
    Effect.fnUntraced(function* () {
      const begin = yield* Clock.currentTimeMillis
      return Pool.of({
        concurrency,
        handlers: {
          work: Effect.fnUntraced(
            function* ({ name }) {
              log.most = Math.max(log.most, ++log.running)
              yield* Effect.sleep(100)
              if (name === "die") return yield* Effect.die(new Error("broken"))
              if (name === "interrupt") return yield* Effect.interrupt
              if (name === "fail") return yield* Effect.fail("typed")
              log.done.push([name, (yield* Clock.currentTimeMillis) - begin])
              return name
            },
            Effect.ensuring(Effect.sync(() => log.running--))
          )
        }
      })
    })
  )

const inPool = <A, E>(
  concurrency: Server.Concurrency<typeof Work>,
  program: (
    work: (name: string, key?: string) => Effect.Effect<Fiber.Fiber<string, unknown>>,
    log: Log,
    pid: Pid.Pid<typeof Work>
  ) => Effect.Effect<A, E, ProcessHost.ProcessHost>,
  logs: Array<Logged> = []
) => {
  const log: Log = { done: [], running: 0, most: 0 }
  return Effect.gen(function* () {
    const pid = yield* Process.start(Pool)
    const context = yield* Effect.context<ProcessHost.ProcessHost>()
    // In order: each has sent its message before the next one begins.
    const work = (name: string, key = name) =>
      Effect.tap(Effect.forkDetach(Effect.provideContext(Process.call(pid, "work", { key, name }), context)), () =>
        Effect.sleep(1)
      )
    return yield* program(work, log, pid)
  }).pipe(Effect.provide(pool(log, concurrency)), Effect.provide(Layer.provideMerge(host, collect(logs))))
}

const names = (log: Log) => log.done.map(([name]) => name)

describe("Server concurrency", () => {
  both("so many handlers run at once, and no more", () =>
    inPool(2, (work, log) =>
      Effect.gen(function* () {
        const calls = yield* Effect.forEach(["1", "2", "3", "4", "5"], (name) => work(name))
        assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["1", "2", "3", "4", "5"])
        assert.strictEqual(log.most, 2)
        assert.deepStrictEqual(names(log), ["1", "2", "3", "4", "5"])
        assert.isBelow(log.done[4]![1], 310)
      })
    )
  )

  both("without a limit all run at once", () =>
    inPool("unbounded", (work, log) =>
      Effect.gen(function* () {
        const calls = yield* Effect.forEach(["1", "2", "3", "4", "5"], (name) => work(name))
        yield* Effect.forEach(calls, Fiber.join)
        assert.strictEqual(log.most, 5)
      })
    )
  )

  both("messages of one key are handled in order, and different keys at once", () =>
    inPool({ by: ({ payload }) => payload.key }, (work, log) =>
      Effect.gen(function* () {
        const calls = [
          yield* work("a1", "a"),
          yield* work("a2", "a"),
          yield* work("b1", "b"),
          yield* work("a3", "a"),
          yield* work("b2", "b")
        ]
        yield* Effect.forEach(calls, Fiber.join)
        assert.deepStrictEqual(names(log), ["a1", "b1", "a2", "b2", "a3"])
        assert.strictEqual(log.most, 2)
      })
    )
  )

  both("a typed error goes to its caller; a defect, or an interruption of its own, ends the server", () => {
    const logs: Array<Logged> = []
    const ends = (how: string) =>
      inPool(
        "unbounded",
        (work, _log, pid) =>
          Effect.gen(function* () {
            const typed = yield* Effect.flip(Fiber.join(yield* work("fail")))
            assert.strictEqual(typed, "typed")
            const other = yield* work("other")
            yield* Effect.sleep(10)
            const error = yield* Effect.flip(Fiber.join(yield* work(how)))
            assert.strictEqual((error as { readonly _tag: string })._tag, "CalleeExited")
            // It came earlier, and has its answer.
            assert.strictEqual(yield* Fiber.join(other), "other")
            yield* Effect.sleep(1)
            return yield* Process.await(pid)
          }),
        logs
      )
    return Effect.gen(function* () {
      const died = yield* ends("die")
      assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
      const interrupted = yield* ends("interrupt")
      assert.isTrue(Exit.isFailure(interrupted) && Cause.hasInterruptsOnly(interrupted.cause))
      assert.deepStrictEqual(
        logs.map(({ level }) => level),
        ["Error"]
      )
    })
  })

  both("a stop waits for the handlers that run, and for what waits", () =>
    inPool(2, (work, log, pid) =>
      Effect.gen(function* () {
        const calls = yield* Effect.forEach(["1", "2", "3"], (name) => work(name))
        yield* Server.stop(pid)
        assert.deepStrictEqual(names(log), ["1", "2", "3"])
        assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["1", "2", "3"])
      })
    )
  )

  both("a cancel waits for the handlers that run, and a terminate interrupts them", () =>
    Effect.gen(function* () {
      yield* inPool(2, (work, log, pid) =>
        Effect.gen(function* () {
          yield* Effect.forEach(["1", "2", "3"], (name) => work(name))
          yield* Process.cancel(pid)
          assert.deepStrictEqual(yield* Process.await(pid), Exit.void)
          assert.deepStrictEqual(names(log), ["1", "2"])
        })
      )
      yield* inPool(2, (work, log, pid) =>
        Effect.gen(function* () {
          const calls = yield* Effect.forEach(["1", "2", "3"], (name) => work(name))
          yield* Process.terminate(pid)
          assert.strictEqual(log.running, 0)
          assert.deepStrictEqual(names(log), [])
          for (const call of calls) {
            const error = yield* Effect.flip(Fiber.join(call))
            assert.strictEqual((error as { readonly _tag: string })._tag, "CalleeExited")
          }
        })
      )
    })
  )

  both("what waits for its key counts as queued, and is a dead letter when the server ends, however it ends", () =>
    Effect.forEach([Process.kill, Process.terminate], (end) =>
      inPool({ by: ({ payload }) => payload.key }, (work, _log, pid) =>
        Effect.gen(function* () {
          const calls = yield* Effect.forEach(["1", "2", "3"], (name) => work(name, "same"))
          assert.strictEqual((yield* Process.info(pid)).queued, 2)
          yield* end(pid)
          for (const call of calls) {
            const error = yield* Effect.flip(Fiber.join(call))
            assert.strictEqual((error as { readonly _tag: string })._tag, "CalleeExited")
          }
          const { deadLetters, received, sent } = yield* ProcessHost.stats()
          assert.deepStrictEqual([sent, received, deadLetters], [3, 1, 2])
        })
      )
    )
  )

  both("a stop handles what waits for its key, in order", () =>
    inPool({ by: ({ payload }) => payload.key }, (work, log, pid) =>
      Effect.gen(function* () {
        const calls = yield* Effect.forEach(["1", "2", "3"], (name) => work(name, "same"))
        yield* Server.stop(pid)
        assert.deepStrictEqual(names(log), ["1", "2", "3"])
        assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["1", "2", "3"])
      })
    )
  )

  both("what waits for its key is in the inbox of the body that takes over", () =>
    Effect.gen(function* () {
      const Next = Process.make("test:next", { protocol: [Work], success: Schema.Array(Schema.String) })
      const NextLive = Next.toLayer(() =>
        Effect.map(Effect.all([Next.receive(), Next.receive()]), (messages) =>
          messages.map(({ payload }) => payload.name)
        )
      )
      const Before = Server.make("test:before", { protocol: [Work] })
      const BeforeLive = Before.toLayer(() =>
        Effect.map(Effect.context<Process.Implementation<"test:next">>(), (context) =>
          Before.of({
            concurrency: { by: () => "same" },
            handlers: {
              work: () => Effect.andThen(Effect.sleep(100), Effect.provideContext(Process.upgrade(Next), context))
            }
          })
        )
      ).pipe(Layer.provide(NextLive))
      const pid = yield* Effect.provide(Process.start(Before), BeforeLive)
      for (const name of ["1", "2", "3"]) yield* Process.send(pid, "work", { key: "same", name })
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(["2", "3"]))
    }).pipe(Effect.provide(host))
  )

  both("a number that is none is a typed error of the start", () =>
    Effect.gen(function* () {
      const log: Log = { done: [], running: 0, most: 0 }
      const error = yield* Effect.flip(Effect.provide(Process.start(Pool), pool(log, 0)))
      assert.strictEqual(error._tag, "StartFailed")
      assert.include(error.message, "concurrency")
    }).pipe(Effect.provide(Layer.provideMerge(host, collect([]))))
  )
})
