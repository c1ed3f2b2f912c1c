/**
 * Runtimes, whatever they run in: what they show, and how replicas are kept.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schedule, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type Instance, InstanceId, Memory, Runtime, RuntimeError, Strategy } from "troupe/net"
import { settle } from "../support/processes.ts"

/** Starts instances of nothing, as a test has them start and end. */
class Starts implements Runtime.Starter {
  readonly type = "worker"
  readonly started: Array<string> = []
  readonly running = new Map<string, Deferred.Deferred<Instance.Ended>>()
  /** How many starts fail from now on. */
  failing = 0
  /** How many starts die from now on. */
  dying = 0

  readonly start: Runtime.Starter["start"] = (name) =>
    Effect.acquireRelease(
      Effect.gen({ self: this }, function* () {
        this.started.push(name)
        if (this.dying-- > 0) return yield* Effect.die(new Error("a bug"))
        if (this.failing > 0) {
          this.failing--
          return yield* new RuntimeError.StartFailed({
            instance: name,
            program: "nothing",
            reason: "Refused",
            detail: "not now",
            stderr: []
          })
        }
        const ended = yield* Deferred.make<Instance.Ended>()
        this.running.set(name, ended)
        const id = yield* Effect.orDie(InstanceId.make({ runtime: "worker", namespace: "test", instance: name }))
        return { id, strategy: Strategy.of(Memory.make()), credentials: undefined, ended: Deferred.await(ended) }
      }),
      () => Effect.sync(() => this.running.delete(name))
    )

  end(name: string) {
    const ended: Instance.Ended = { how: "exited", detail: "its time had come" }
    return Deferred.succeed(this.running.get(name)!, ended)
  }
}

/** What is seen of a runtime, and how it ends. */
const watching = Effect.fnUntraced(function* (runtime: Runtime.Runtime) {
  const seen: Array<ReadonlyArray<Instance.Instance>> = []
  const fiber = yield* Effect.forkScoped(
    Stream.runForEach(runtime.instances, (now) => Effect.sync(() => void seen.push(now)))
  )
  yield* settle
  return { fiber, seen, names: () => seen.map((now) => now.map(({ id }) => id.instance).join()) }
})

const pass = (millis: number) => Effect.andThen(TestClock.adjust(millis), settle)

describe("runtimes", () => {
  it.effect("fixed ones show what they were given, once", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const instance = yield* Scope.provide(new Starts().start("1"), scope)
      const runtime = Runtime.fixed("worker", [instance])
      assert.isTrue(Runtime.isRuntime(runtime) && !Runtime.isRuntime({}))
      assert.deepStrictEqual([runtime.type, yield* Stream.runCollect(runtime.instances)], ["worker", [[instance]]])
    })
  )

  it.effect("a count of replicas that is no whole number from 1 on is InvalidArgument, and nothing is started", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      for (const count of [0, -1, 1.5, Number.NaN, Infinity]) {
        const error = yield* Effect.flip(Runtime.replicas(starts, count))
        assert.strictEqual(error._tag, "InvalidArgument")
        assert.strictEqual(error.message, `count is ${count}, and has to be a whole number from 1 on.`)
      }
      assert.isEmpty(starts.started)
    })
  )

  it.effect("replicas are there at once, in order, and gone with the scope, when the stream ends", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      const scope = yield* Scope.make()
      const runtime = yield* Scope.provide(Runtime.replicas(starts, 3), scope)
      const { fiber, names } = yield* watching(runtime)
      assert.deepStrictEqual(names(), ["1,2,3"])
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([names(), starts.running.size, starts.started.length], [["1,2,3", ""], 0, 3])
    })
  )

  it.effect("one that ends is started again after the backoff, in its place; who looks late sees the latest", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      const runtime = yield* Runtime.replicas(starts, 2, { restart: Schedule.exponential("1 second") })
      const { names, seen } = yield* watching(runtime)
      yield* starts.end("1")
      yield* settle
      assert.deepStrictEqual(names(), ["1,2", "2"])
      assert.isFalse(starts.running.has("1"))
      yield* pass(999)
      assert.strictEqual(starts.started.length, 2)
      // It can't, twice.
      starts.failing = 2
      yield* pass(1)
      yield* pass(2000)
      assert.strictEqual(starts.started.length, 4)
      yield* pass(4000)
      assert.deepStrictEqual(names(), ["1,2", "2", "1,2"])
      assert.isTrue(seen[2]![0] !== seen[0]![0] && seen[2]![1] === seen[0]![1])
      assert.deepStrictEqual((yield* watching(runtime)).names(), ["1,2"])
    })
  )

  it.effect("the backoff begins anew for one that has run for a minute, and not before", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      yield* Runtime.replicas(starts, 1, { restart: Schedule.exponential("1 second") })
      yield* starts.end("1")
      yield* settle
      yield* pass(1000)
      yield* pass(59_999)
      yield* starts.end("1")
      yield* settle
      yield* pass(1999)
      assert.strictEqual(starts.started.length, 2)
      yield* pass(1)
      yield* pass(60_000)
      yield* starts.end("1")
      yield* settle
      yield* pass(1000)
      assert.strictEqual(starts.started.length, 4)
    })
  )

  it.effect("when the schedule of each has ended the stream fails, and not before", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      const restart = Schedule.upTo(Schedule.spaced("1 second"), { times: 1 })
      const { fiber, names } = yield* watching(yield* Runtime.replicas(starts, 2, { restart }))
      for (const name of ["1", "1", "2"]) {
        yield* starts.end(name)
        yield* settle
        yield* pass(1000)
      }
      assert.deepStrictEqual(names(), ["1,2", "2", "1,2", "2", "", "2"])
      yield* starts.end("2")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error._tag, "GivenUp")
      assert.include(error.message, "The last was worker/test/2: its time had come")
      assert.strictEqual(names().at(-1), "")
    })
  )

  it.effect("a starter that dies has failed to start, and its place is tried again, or given up", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      const restart = Schedule.upTo(Schedule.spaced("1 second"), { times: 2 })
      const { fiber, names } = yield* watching(yield* Runtime.replicas(starts, 1, { restart }))
      starts.dying = 1
      yield* starts.end("1")
      yield* settle
      yield* pass(2000)
      assert.deepStrictEqual([names(), starts.started.length], [["1", "", "1"], 3])
      yield* pass(60_000)
      starts.dying = 2
      yield* starts.end("1")
      yield* settle
      yield* pass(2000)
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.include(error.message, "to start it again died: Error: a bug")
    })
  )

  it.effect("a place whose instance dies as it is cleaned up is given up, and says so", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      const start: Runtime.Starter["start"] = (name) =>
        Effect.tap(starts.start(name), () => Effect.addFinalizer(() => Effect.die(new Error("a bug"))))
      const scope = yield* Scope.make()
      const runtime = yield* Scope.provide(Runtime.replicas({ type: "worker", start }, 1), scope)
      const { fiber } = yield* watching(runtime)
      yield* starts.end("1")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.include(error.message, "to keep it died: Error: a bug")
      yield* Effect.exit(Scope.close(scope, Exit.void))
    })
  )

  it.effect("replicas of which one can't be started at first are none, and nothing of them is left", () =>
    Effect.gen(function* () {
      const starts = new Starts()
      const third: Runtime.Starter = {
        type: "worker",
        start: (name) => {
          if (name === "3") starts.failing = 1
          return starts.start(name)
        }
      }
      const error = yield* Effect.flip(Runtime.replicas(third, 3))
      assert.include(error.message, "3 (nothing) was not started: not now")
      assert.deepStrictEqual([starts.started, starts.running.size], [["1", "2", "3"], 0])
    })
  )
})
