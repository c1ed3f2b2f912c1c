import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, Schema } from "effect"
import { KeyValueStore } from "effect/persistence"
import { Process, ProcessHost } from "troupe"
import { Workflows } from "../../src/command/index.ts"
import { host, inProcess, settle } from "../support/processes.ts"
import { crossing } from "./crossing.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { card: Schema.String, at: Schema.Date }) {}

const quiet = Layer.merge(host, Logger.layer([]))
const live = Layer.mergeAll(Workflows.layer([]), crossing).pipe(
  Layer.provideMerge(Layer.merge(Workflows.layerMemory, quiet))
)

/** A process that runs the body as an execution. */
const Runner = Process.make("test:runner")
const start = <A, E, R>(execution: string, body: Effect.Effect<A, E, R>) =>
  Effect.provide(
    Process.spawn(Runner),
    Runner.toLayer(() => Workflows.run(execution)(body))
  )
const finish = <A, E, R>(execution: string, body: Effect.Effect<A, E, R>) =>
  Effect.flatMap(start(execution, body), Process.await)

/** A side effect that counts how often it has run. */
const counted = (name: string, runs: Array<string>) =>
  Workflows.sideEffect(name, { success: Schema.String, execute: Effect.sync(() => `${name} ${runs.push(name)}`) })

describe("workflow", () => {
  it.effect(
    "D18 workflow: killed after its first side effect and run again, it has run it once, with the same answer",
    () =>
      Effect.gen(function* () {
        const runs: Array<string> = []
        const reached = yield* Deferred.make<unknown>()
        const go = yield* Deferred.make<void>()
        const body = Effect.gen(function* () {
          const first = yield* Workflows.sideEffect("reserve", {
            success: Schema.Date,
            execute: Effect.sync(() => new Date(runs.push("reserve") * 1000))
          })
          yield* Deferred.succeed(reached, first)
          yield* Deferred.await(go)
          return [first, yield* counted("charge", runs)]
        })
        const pid = yield* start("order-7", body)
        const first = yield* Deferred.await(reached)
        yield* Process.kill(pid)
        yield* Deferred.succeed(go, undefined)
        assert.deepStrictEqual(yield* finish("order-7", body), Exit.succeed([first, "charge 2"]))
        assert.deepStrictEqual(first, new Date(1000))
        assert.deepStrictEqual(runs, ["reserve", "charge"])
        // When it has ended it is answered from its history, and another execution has its own.
        assert.deepStrictEqual(yield* finish("order-7", body), Exit.succeed([first, "charge 2"]))
        assert.deepStrictEqual(yield* finish("order-8", body), Exit.succeed([new Date(3000), "charge 4"]))
      }).pipe(Effect.provide(live))
  )

  it.effect("D18 workflow: cut short after each of its steps, it ends as if it had never been", () =>
    Effect.gen(function* () {
      const runs: Array<string> = []
      const names = ["a", "b", "a", "c", "b"]
      // Each run comes one step further than the one before.
      const body = (reached: Deferred.Deferred<void>, steps: number) =>
        Effect.gen(function* () {
          const answers: Array<string> = []
          for (const name of names) {
            if (answers.length === steps) {
              yield* Deferred.succeed(reached, undefined)
              return yield* Effect.never
            }
            answers.push(yield* counted(name, runs))
          }
          return answers
        })
      for (let steps = 0; steps < names.length; steps++) {
        const reached = yield* Deferred.make<void>()
        const pid = yield* start("order", body(reached, steps))
        yield* Deferred.await(reached)
        assert.strictEqual(runs.length, steps)
        yield* steps % 2 === 0 ? Process.kill(pid) : Process.terminate(pid)
      }
      const whole = yield* finish("order", body(yield* Deferred.make<void>(), Infinity))
      assert.deepStrictEqual(whole, Exit.succeed(["a 1", "b 2", "a 3", "c 4", "b 5"]))
      assert.deepStrictEqual(runs, names)
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 workflow: a typed error is recorded; what was interrupted or died is not, and runs again", () =>
    Effect.gen(function* () {
      const runs: Array<string> = []
      const failing = Workflows.sideEffect("pay", {
        error: Declined,
        execute: Effect.suspend(() => Effect.fail(new Declined({ card: `${runs.push("pay")}`, at: new Date(5) })))
      })
      for (let times = 0; times < 2; times++) {
        const exit = yield* finish("failing", Effect.flip(failing))
        assert.deepStrictEqual(exit, Exit.succeed(new Declined({ card: "1", at: new Date(5) })))
      }
      const dying = Workflows.sideEffect("die", { execute: Effect.suspend(() => Effect.die(runs.push("die"))) })
      for (const n of [2, 3]) assert.deepStrictEqual(yield* finish("dying", dying), Exit.die(n))

      const begun = yield* Deferred.make<void>()
      const endless = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      const pid = yield* start("cut", Workflows.sideEffect("wait", { execute: endless }))
      yield* Deferred.await(begun)
      yield* Process.kill(pid)
      const again = Workflows.sideEffect("wait", { success: Schema.String, execute: Effect.succeed("done") })
      assert.deepStrictEqual(yield* finish("cut", again), Exit.succeed("done"))
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 workflow: steps of one name are told apart by their order, also after a retry", () =>
    Effect.gen(function* () {
      const runs: Array<string> = []
      let fails = true
      const body = Effect.gen(function* () {
        const first = yield* counted("item", runs)
        const flaky = Workflows.sideEffect("flaky", {
          success: Schema.String,
          execute: Effect.suspend(() => (fails ? Effect.die("down") : Effect.succeed(`up ${runs.push("flaky")}`)))
        })
        const retried = yield* Effect.catchDefect(flaky, () => {
          fails = false
          return flaky
        })
        return [first, retried, yield* counted("item", runs)]
      })
      const exit = yield* finish("loop", body)
      assert.deepStrictEqual(exit, Exit.succeed(["item 1", "up 2", "item 3"]))
      fails = true
      assert.deepStrictEqual(yield* finish("loop", body), exit)
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 workflow: a call is recorded, its workflow is ended with the caller, and goes on with it", () => {
    const runs: Array<string> = []
    const reached = Deferred.makeUnsafe<void>()
    const go = Deferred.makeUnsafe<void>()
    const Bill = Process.make("test:bill", { args: Schema.Date, success: Schema.Date })
    const BillLive = Bill.toLayer((day) =>
      Effect.gen(function* () {
        yield* counted("draw up", runs)
        yield* Deferred.succeed(reached, undefined)
        yield* Deferred.await(go)
        return day
      }).pipe(
        Effect.onInterrupt(() => Effect.sync(() => runs.push("ended"))),
        Workflows.run(`bill of ${day.toISOString()}`)
      )
    )
    return Effect.gen(function* () {
      const body = Workflows.call(Bill, new Date(1000))
      const pid = yield* start("order", body)
      yield* Deferred.await(reached)
      yield* Process.terminate(pid)
      assert.deepStrictEqual(runs, ["draw up", "ended"])
      assert.strictEqual((yield* ProcessHost.stats()).live, 0)

      yield* Deferred.succeed(go, undefined)
      assert.deepStrictEqual(yield* finish("order", body), Exit.succeed(new Date(1000)))
      const { spawned } = yield* ProcessHost.stats()
      assert.deepStrictEqual(yield* finish("order", body), Exit.succeed(new Date(1000)))
      assert.strictEqual((yield* ProcessHost.stats()).spawned, spawned + 1)
      assert.deepStrictEqual(runs, ["draw up", "ended"])
    }).pipe(
      Effect.provide(
        Workflows.layer([Bill], BillLive).pipe(Layer.provideMerge(Layer.merge(Workflows.layerMemory, quiet)))
      )
    )
  })

  it.effect(
    "D18 workflow: a workflow that fails, dies, is unknown, has wrong arguments, or would wait for itself",
    () => {
      let dies = true
      const Picky = Process.make("test:picky", { args: Schema.Int, success: Schema.Int })
      const PickyLive = Picky.toLayer((n) =>
        Effect.suspend(() => {
          if (n < 0) return Effect.fail(new Declined({ card: String(n), at: new Date(0) }))
          return dies ? Effect.die("bang") : Effect.succeed(n)
        })
      )
      const Selfish = Process.make("test:selfish", { args: Schema.String })
      const SelfishLive = Selfish.toLayer((id) =>
        Workflows.sideEffect("mine", { execute: Effect.void }).pipe(Workflows.run(id), Effect.orDie)
      )
      const Nobody = Process.make("test:nobody")
      return Effect.gen(function* () {
        const failed = Effect.flip(Workflows.call(Picky, -1))
        const first = yield* finish("failing", failed)
        assert.deepStrictEqual(
          first,
          Exit.succeed(
            new Workflows.WorkflowFailed({
              workflow: "test:picky",
              error: { _tag: "Declined", card: "-1", at: new Date(0).toISOString() }
            })
          )
        )
        const { spawned } = yield* ProcessHost.stats()
        assert.deepStrictEqual(yield* finish("failing", failed), first)
        assert.strictEqual((yield* ProcessHost.stats()).spawned, spawned + 1)

        const crash = yield* finish("dying", Effect.flip(Workflows.call(Picky, 4)))
        assert.deepInclude(Exit.isSuccess(crash) && crash.value, { _tag: "WorkflowCrashed", workflow: "test:picky" })
        dies = false
        assert.deepStrictEqual(yield* finish("dying", Workflows.call(Picky, 4)), Exit.succeed(4))

        const unknown = yield* finish("wrong", Effect.flip(Workflows.call(Nobody)))
        assert.include(String(Exit.isSuccess(unknown) && unknown.value), "test:picky, test:selfish")
        const args = yield* finish(
          "wrong",
          Effect.flip(Process.yield(Workflows.commands.call, { execution: "wrong", workflow: "test:picky", args: "x" }))
        )
        assert.deepInclude(Exit.isSuccess(args) && args.value, { _tag: "InvalidWorkflowArguments" })
        const self = yield* finish("self", Effect.flip(Workflows.call(Selfish, "self")))
        assert.include(String(Exit.isSuccess(self) && self.value), "would wait for ever")
        assert.deepStrictEqual(yield* finish("self", Workflows.call(Selfish, "other")), Exit.succeed(null))
      }).pipe(
        Effect.provide(
          Workflows.layer([Picky, Selfish], Layer.merge(PickyLive, SelfishLive)).pipe(
            Layer.provideMerge(Layer.merge(Workflows.layerMemory, quiet))
          )
        )
      )
    }
  )

  it.effect("D18 workflow: an execution keeps the version that it began with", () =>
    Effect.gen(function* () {
      const runs: Array<string> = []
      const reached = yield* Deferred.make<void>()
      // Before the change there were two steps.
      const old = Effect.gen(function* () {
        yield* counted("reserve", runs)
        yield* counted("charge", runs)
        yield* Deferred.succeed(reached, undefined)
        return yield* Effect.never
      })
      const changed = (max: number, min?: number) =>
        Effect.gen(function* () {
          yield* counted("reserve", runs)
          const version = yield* Workflows.version("discount", { min, max })
          if (version > 0) yield* counted("discount", runs)
          yield* counted("charge", runs)
          return [version, yield* Workflows.version("discount", { min, max })]
        })
      const pid = yield* start("old", old)
      yield* Deferred.await(reached)
      yield* Process.kill(pid)
      assert.deepStrictEqual(yield* finish("old", changed(1)), Exit.succeed([0, 0]))
      assert.deepStrictEqual(yield* finish("new", changed(1)), Exit.succeed([1, 1]))
      // The code goes on to version 2: both keep theirs, while they are supported.
      assert.deepStrictEqual(yield* finish("old", changed(2)), Exit.succeed([0, 0]))
      assert.deepStrictEqual(yield* finish("new", changed(2, 1)), Exit.succeed([1, 1]))
      assert.deepStrictEqual(runs, ["reserve", "charge", "reserve", "discount", "charge"])
      const unsupported = yield* finish("old", Effect.flip(changed(2, 1)))
      assert.deepInclude(Exit.isSuccess(unsupported) && unsupported.value, { _tag: "UnsupportedVersion", version: 0 })
      // One that was cut short before the change has not come to it.
      const early = yield* Deferred.make<void>()
      const first = yield* start(
        "early",
        counted("reserve", runs).pipe(Effect.andThen(Deferred.succeed(early, undefined)), Effect.andThen(Effect.never))
      )
      yield* Deferred.await(early)
      yield* Process.kill(first)
      assert.deepStrictEqual(yield* finish("early", changed(1)), Exit.succeed([1, 1]))
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 workflow: executions are found by their attributes, which a replay does not turn back", () =>
    Effect.gen(function* () {
      const found = (attributes: Workflows.Attributes) =>
        Effect.map(Workflows.search(attributes), (all) => all.map(({ execution }) => execution).toSorted())
      const seen: Array<ReadonlyArray<string>> = []
      const body = (customer: string) =>
        Effect.gen(function* () {
          yield* Workflows.upsertAttributes({ customer, lines: [1, 2], state: "open" })
          seen.push(yield* found({ state: "paid" }))
          yield* Workflows.upsertAttributes({ state: "paid" })
          return yield* Workflows.search({ customer, lines: [1, 2] })
        })
      const paid = { customer: "Ada", lines: [1, 2], state: "paid" }
      assert.deepStrictEqual(yield* finish("a/1", body("Ada")), Exit.succeed([{ execution: "a/1", attributes: paid }]))
      yield* finish("b", body("Bob"))
      yield* finish("a/1", body("Ada"))
      assert.deepStrictEqual(seen, [[], ["a/1"], ["a/1", "b"]])
      const history = yield* Workflows.WorkflowHistory
      yield* history.forget("a/1")
      assert.deepStrictEqual(yield* inProcess(found({ state: "paid" })), ["b"])
      assert.strictEqual((yield* history.load("a/1")).size, 0)
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "D18 workflow: one process runs an execution at a time; another one waits, and has what the first has done",
    () =>
      Effect.gen(function* () {
        const runs: Array<string> = []
        const go = yield* Deferred.make<void>()
        const body = Effect.gen(function* () {
          const first = yield* counted("first", runs)
          yield* Deferred.await(go)
          return first
        })
        const one = yield* start("same", body)
        const two = yield* start("same", body)
        const three = yield* start("same", body)
        yield* settle
        yield* Process.kill(two)
        assert.deepStrictEqual(runs, ["first"])
        yield* Deferred.succeed(go, undefined)
        assert.deepStrictEqual(yield* Process.await(one), Exit.succeed("first 1"))
        assert.deepStrictEqual(yield* Process.await(three), Exit.succeed("first 1"))
      }).pipe(Effect.provide(live))
  )

  it.live("D18 workflow: a history in files outlives the application, and a damaged record is a typed error", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const runs: Array<string> = []
      const store = KeyValueStore.layerFileSystem(directory).pipe(Layer.provide([NodeFileSystem.layer, NodePath.layer]))
      const application = Workflows.layer([]).pipe(
        Layer.provide(Workflows.layerKeyValueStore),
        Layer.provide(store),
        Layer.provideMerge(quiet)
      )
      const inApplication = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.provide(effect, Layer.fresh(application), { local: true })
      const body = counted("reserve/a room", runs)
      const first = yield* inApplication(finish("order 7", body))
      assert.deepStrictEqual(yield* inApplication(finish("order 7", body)), first)
      assert.deepStrictEqual(runs, ["reserve/a room"])

      const [record, ...others] = readdirSync(directory)
      assert.deepStrictEqual(others, [])
      writeFileSync(join(directory, record ?? ""), '{"_tag":"Succ')
      const damaged = yield* inApplication(finish("order 7", Effect.flip(body)))
      assert.include(String(Exit.isSuccess(damaged) && damaged.value), "cut short")
      assert.deepStrictEqual(runs, ["reserve/a room"])
    })
  )

  it.effect("D18 workflow: a store that fails is a typed error of the step, which runs again", () => {
    let fails = false
    const runs: Array<string> = []
    const failing = Layer.effect(
      KeyValueStore.KeyValueStore,
      Effect.map(KeyValueStore.KeyValueStore, (store) => ({
        ...store,
        set: (key: string, value: string | Uint8Array) =>
          fails
            ? Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "set", message: "disk full" }))
            : store.set(key, value)
      }))
    ).pipe(Layer.provide(KeyValueStore.layerMemory))
    return Effect.gen(function* () {
      fails = true
      const error = yield* finish("order", Effect.flip(counted("first", runs)))
      assert.include(String(Exit.isSuccess(error) && error.value), "disk full")
      fails = false
      assert.deepStrictEqual(yield* finish("order", counted("first", runs)), Exit.succeed("first 2"))
    }).pipe(
      Effect.provide(
        Workflows.layer([]).pipe(
          Layer.provide(Workflows.layerKeyValueStore),
          Layer.provide(failing),
          Layer.provideMerge(quiet)
        )
      )
    )
  })

  it.effect("D18 workflow: what brings nothing to run, or does not fit its schema, is a typed error", () =>
    Effect.gen(function* () {
      const { sideEffect } = Workflows.commands
      const missing = yield* inProcess(Effect.flip(Process.yield(sideEffect, { execution: "order", name: "first" })))
      assert.strictEqual(missing._tag, "SideEffectMissing")
      const wrong = Workflows.sideEffect("first", { success: Schema.Int, execute: Effect.succeed("x" as never) })
      const invalid = yield* finish("order", Effect.flip(wrong))
      assert.deepInclude(Exit.isSuccess(invalid) && invalid.value, { _tag: "InvalidSideEffect", name: "first" })
      // Nothing was recorded, so that it is asked for again.
      assert.deepStrictEqual(yield* finish("order", counted("first", [])), Exit.succeed("first 1"))
    }).pipe(Effect.provide(live))
  )
})
