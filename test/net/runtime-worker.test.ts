/**
 * Instances that are worker threads.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Scope, Stream } from "effect"
import { Connection, type Instance, Runtime } from "troupe/net"
import * as WorkerRuntime from "troupe/net/worker-runtime"
import { Kept } from "./program/kept.ts"
import { until } from "./sockets.ts"

const starter = (does: string, options?: Partial<WorkerRuntime.Options>) =>
  WorkerRuntime.make({
    namespace: "kept",
    program: new URL("./program/worker-instance.ts", import.meta.url),
    args: [does],
    execArgv: ["-C", "source"],
    ...options
  })

const Serving = starter("serves")

const dial = ({ credentials, id, strategy }: Instance.Instance) =>
  Connection.connect(strategy, Kept, { credentials, instanceId: id })

describe("threads as instances", () => {
  it.live("is reached by its port; what is underway is answered when it is stopped", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const instance = yield* Scope.provide(Serving.start("1"), scope)
      const connection = yield* dial(instance)
      assert.notStrictEqual(yield* connection.request("pid"), 0)
      assert.strictEqual(yield* connection.request("ask", { to: "worker/kept/1", n: 1 }), "worker/kept/1 1")
      const slow = yield* Effect.forkChild(connection.request("slow", 300), { startImmediately: true })
      yield* connection.request("heard")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Fiber.join(slow), "done")
      assert.deepStrictEqual(yield* instance.ended, { how: "stopped", detail: "its thread ended with code 0" })
      const error = yield* Effect.flip(dial(instance))
      assert.deepStrictEqual(
        error.attempts.map(({ error }) => error._tag === "TransportError" && error.reason),
        ["NotListening"]
      )
    })
  )

  it.live("K43 two threads: what is said to one is heard by that one alone", () =>
    Effect.gen(function* () {
      const instances = yield* Effect.all([Serving.start("1"), Serving.start("2")], { concurrency: 2 })
      const connections = yield* Effect.forEach(instances, dial)
      yield* Effect.forEach(
        Array.from({ length: 10_000 }, (_, n) => n + 1),
        (n) => connections[n % 2]!.tell("note", { to: String(instances[n % 2]!.id), n }),
        { discard: true }
      )
      for (const connection of connections) {
        yield* Effect.repeat(connection.request("heard"), {
          schedule: Schedule.spaced("10 millis"),
          until: ({ mine }) => mine === 5000
        })
        assert.deepStrictEqual(yield* connection.request("heard"), { mine: 5000, others: 0, unordered: 0 })
      }
    })
  )

  it.live("one that exits, and one that fails, have ended", () =>
    Effect.gen(function* () {
      const [exits, fails] = yield* Effect.all([Serving.start("1"), Serving.start("2")], { concurrency: 2 })
      const pending = yield* Effect.flip((yield* dial(exits)).request("exit", 4))
      assert.strictEqual(pending._tag, "Unavailable")
      assert.deepStrictEqual(yield* exits.ended, { how: "exited", detail: "its thread ended with code 4" })
      yield* Effect.exit((yield* dial(fails)).request("throw"))
      const { detail, how } = yield* fails.ended
      assert.strictEqual(how, "exited")
      assert.include(detail, "uncaught in the instance")
    })
  )

  it.live("a thread that fails, is silent, or is not there, is not started", () =>
    Effect.gen(function* () {
      const fails = yield* Effect.flip(starter("throws").start("1"))
      assert.strictEqual(fails.reason, "Ended")
      assert.include(fails.message, "not today")
      const silent = yield* Effect.flip(starter("is silent", { startTimeout: "50 millis" }).start("1"))
      assert.strictEqual(silent.reason, "NotReady")
      const absent = yield* Effect.flip(starter("serves", { program: "/nowhere/x.js" }).start("1"))
      assert.strictEqual(absent.reason, "NotFound")
    })
  )

  it.live("one that does not end when it is asked to is ended after the grace", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const instance = yield* Scope.provide(starter("serves on", { stopTimeout: "50 millis" }).start("1"), scope)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* instance.ended, { how: "stopped", detail: "its thread ended with code 1" })
    })
  )

  it.live("replicas: one that has ended is another one when it is there again", () =>
    Effect.gen(function* () {
      const seen: Array<ReadonlyArray<Instance.Instance>> = []
      const runtime = yield* Runtime.replicas(Serving, 2, { restart: Schedule.spaced("1 millis") })
      yield* Effect.forkScoped(Stream.runForEach(runtime.instances, (now) => Effect.sync(() => void seen.push(now))))
      yield* until(() => seen.length === 1)
      const [first, second] = seen[0]!
      yield* Effect.exit((yield* dial(first!)).request("exit", 1))
      yield* until(() => seen.length === 3)
      assert.deepStrictEqual(
        seen[1]!.map(({ id }) => String(id)),
        ["worker/kept/2"]
      )
      assert.isTrue(seen[2]![0] !== first && seen[2]![1] === second)
      assert.strictEqual(String(seen[2]![0]!.id), "worker/kept/1")
    })
  )
})
