import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber } from "effect"
import { Process, ProcessEvent, ProcessHost, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { actor, pidOf, stage, takeAll } from "../support/supervised.ts"

/** How many milliseconds of virtual time an effect takes. */
const timed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const before = yield* Clock.currentTimeMillis
  yield* effect
  return (yield* Clock.currentTimeMillis) - before
})

describe("a supervisor that stops", () => {
  both("S25 kills a child whose shutdown is brutal, and does not wait for its finalizers", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { children: [actor("a", log, { slow: 9000, shutdown: "brutal" })] })
      const tree = yield* Supervisor.start(Tree)
      const child = yield* pidOf(tree, "a")
      const watching = yield* Effect.forkChild(Process.await(child), { startImmediately: true })
      assert.strictEqual(yield* timed(Supervisor.stop(tree)), 0)
      assert.isTrue(ProcessEvent.isKilled(yield* Fiber.join(watching)))
      yield* Effect.sleep(9000)
    }).pipe(Effect.provide(stage))
  )

  both("S26 gives each child its time, and kills the one that takes longer", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", {
        children: [
          actor("late", log, { slow: 3000, shutdown: "1 second" }),
          actor("quick", log, { slow: 10, shutdown: "1 second" })
        ]
      })
      const tree = yield* Supervisor.start(Tree)
      const [late, quick] = yield* Effect.forEach(["late", "quick"], (id) =>
        Effect.flatMap(pidOf(tree, id), (pid) => Effect.forkChild(Process.await(pid), { startImmediately: true }))
      )
      assert.strictEqual(yield* timed(Supervisor.stop(tree)), 1010)
      assert.isTrue(late !== undefined && ProcessEvent.isKilled(yield* Fiber.join(late)))
      assert.isFalse(quick !== undefined && ProcessEvent.isKilled(yield* Fiber.join(quick)))
      yield* Effect.sleep(3000)
    }).pipe(Effect.provide(stage))
  )

  both("S27 waits for a child whose time is infinite", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { children: [actor("a", log, { slow: 5000, shutdown: "Infinity" })] })
      const tree = yield* Supervisor.start(Tree)
      const child = yield* pidOf(tree, "a")
      const watching = yield* Effect.forkChild(Process.await(child), { startImmediately: true })
      assert.strictEqual(yield* timed(Process.terminate(tree)), 5000)
      const exit = yield* Fiber.join(watching)
      assert.isFalse(ProcessEvent.isKilled(exit))
      assert.deepStrictEqual(ProcessEvent.requesterOf(exit), tree)
    }).pipe(Effect.provide(stage))
  )

  both("S29 stops a child all the same that unlinked itself", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const parent: { pid: Parameters<typeof Process.unlink>[0] | undefined } = { pid: undefined }
      const escape = Effect.suspend(() => (parent.pid === undefined ? Effect.void : Process.unlink(parent.pid)))
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", {}))
      parent.pid = tree
      yield* Supervisor.startChild(tree, actor("a", log, { init: escape as Effect.Effect<void> }))
      yield* Supervisor.stop(tree)
      assert.deepStrictEqual(yield* ProcessHost.list(), [])
    }).pipe(Effect.provide(stage))
  )

  both("S36 stops the children of a dynamic supervisor side by side", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy: "dynamic" }))
      for (let n = 0; n < 20; n++) yield* Supervisor.startChild(tree, actor(`${n}`, log, { slow: 100 }))
      assert.strictEqual(yield* timed(Supervisor.stop(tree)), 100)
      assert.strictEqual(log.filter((line) => line.endsWith("ends")).length, 20)
    }).pipe(Effect.provide(stage))
  )

  both("leaves none of its children when it is killed", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Inner = Supervisor.make("test:inner", { children: [actor("x", log), actor("y", log)] })
      const inner = yield* Supervisor.start(Inner)
      yield* Process.kill(inner)
      assert.deepStrictEqual(yield* ProcessHost.list(), [])
      yield* Effect.sleep(1)
      assert.deepStrictEqual(log.filter((line) => line.endsWith("ends")).length, 2)
    }).pipe(Effect.provide(stage))
  )

  both("is stopped by its host before the children are, in its order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", {
        children: ["1", "2", "3"].map((id) => actor(id, log, { slow: 10 }))
      })
      yield* Supervisor.start(Tree)
      takeAll(log)
      yield* ProcessHost.stop()
      assert.deepStrictEqual(log, ["3 ends", "2 ends", "1 ends"])
    }).pipe(Effect.provide(stage))
  )

  both("S55 refuses at once what its children ask while it stops, and stops in time", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const answers: Array<string> = []
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", {}))
      const ask = Effect.addFinalizer(() =>
        Effect.map(Effect.exit(Supervisor.terminateChild(tree, "b")), (exit) => {
          const error = Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined
          answers.push(error?._tag === "Fail" ? String(error.error._tag) : "answered")
        })
      ) as Effect.Effect<void>
      for (const id of ["a", "b"]) yield* Supervisor.startChild(tree, actor(id, log, { init: ask }))
      assert.strictEqual(yield* timed(Supervisor.stop(tree)), 0)
      assert.deepStrictEqual(answers, ["ProcessClosed", "ProcessClosed"])
    }).pipe(Effect.provide(stage))
  )
})
