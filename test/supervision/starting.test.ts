import { assert, describe } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Option, Schedule, Schema } from "effect"
import { ChildSpec, Process, ProcessHost, Registry, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { Actor, actor, kill, pidOf, stage, takeAll } from "../support/supervised.ts"

const live = ProcessHost.list()

describe("a supervisor that starts", () => {
  both("S1 starts its children in order, each when the one before it is up, and answers when all are", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const slowly = Effect.sleep("10 millis")
      const Tree = Supervisor.make("test:tree", {
        children: ["a", "b", "c"].map((id) => actor(id, log, { init: slowly }))
      })
      yield* Supervisor.start(Tree)
      assert.deepStrictEqual(log, ["a begins", "a is up", "b begins", "b is up", "c begins", "c is up"])
    }).pipe(Effect.provide(stage))
  )

  both("S2 that has nothing to supervise says so to its starter, and to nobody else", () =>
    Effect.gen(function* () {
      const Empty = Supervisor.make("test:empty", { children: Process.ignore as Effect.Effect<never> })
      const error = yield* Effect.flip(Supervisor.start(Empty))
      assert.strictEqual(error._tag, "StartIgnored")
      const log: Array<string> = []
      const Parent = Supervisor.make("test:parent", { children: [ChildSpec.make(Empty), actor("a", log)] })
      const parent = yield* Supervisor.start(Parent)
      yield* Effect.sleep(1)
      const children = yield* Supervisor.list(parent)
      assert.deepStrictEqual(
        children.map(({ id, state }) => [id, state]),
        [
          ["test:empty", "stopped"],
          ["a", "running"]
        ]
      )
    }).pipe(Effect.provide(stage))
  )

  both("S3 S4 a child that has nothing to do is kept and can be restarted by hand, a temporary one is forgotten", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let idle = true
      const init = Effect.suspend(() => (idle ? Process.ignore : Effect.void))
      const Tree = Supervisor.make("test:tree", {
        children: [
          actor("p", log, { init }),
          actor("t", log, { init, restart: "transient" }),
          actor("x", log, { init, restart: "temporary" })
        ]
      })
      const tree = yield* Supervisor.start(Tree)
      const children = yield* Supervisor.list(tree)
      assert.deepStrictEqual(
        children.map(({ id, pid, state }) => [id, pid, state]),
        [
          ["p", undefined, "stopped"],
          ["t", undefined, "stopped"]
        ]
      )
      idle = false
      const pid = yield* Supervisor.restartChild(tree, "p")
      assert.deepStrictEqual(yield* pidOf(tree, "p"), pid)
    }).pipe(Effect.provide(stage))
  )

  both("S5 a child that can't be started later leaves nothing, and its id may be started again", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [actor("a", log)] }))
      const error = yield* Effect.flip(Supervisor.startChild(tree, actor("b", log, { init: Effect.fail("no disk") })))
      assert.strictEqual(error._tag, "ChildStartFailed")
      assert.include(error.message, '"b"')
      assert.include(error.message, "no disk")
      assert.strictEqual((yield* Supervisor.count(tree)).specs, 1)
      yield* Supervisor.startChild(tree, actor("b", log))
      assert.deepStrictEqual(yield* Supervisor.count(tree), { specs: 2, active: 2, supervisors: 0, workers: 2 })
    }).pipe(Effect.provide(stage))
  )

  both("S6 a child that can't be started has those before it stopped, the last one first, and is named", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", {
        children: [actor("a", log), actor("b", log), actor("c", log, { init: Effect.fail("no disk") }), actor("d", log)]
      })
      const error = yield* Effect.flip(Supervisor.start(Tree))
      assert.strictEqual(error._tag, "ChildStartFailed")
      assert.strictEqual(error._tag === "ChildStartFailed" && error.id, "c")
      assert.include(error.message, "no disk")
      assert.deepStrictEqual(takeAll(log).slice(4), ["c begins", "c ends", "b ends", "a ends"])
      assert.deepStrictEqual(yield* live, [])
    }).pipe(Effect.provide(stage))
  )

  both("S7 a child is permanent, has 5 seconds to end if it is a worker, and all the time if it is a supervisor", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Inner = Supervisor.make("test:inner", {
        children: [actor("x", log, { slow: 7000, shutdown: "8 seconds" })]
      })
      const Tree = Supervisor.make("test:tree", { children: [ChildSpec.make(Inner), actor("a", log, { slow: 6000 })] })
      const tree = yield* Supervisor.start(Tree)
      assert.deepStrictEqual(
        (yield* Supervisor.list(tree)).map(({ kind, restart }) => [kind, restart]),
        [
          ["supervisor", "permanent"],
          ["worker", "permanent"]
        ]
      )
      takeAll(log)
      yield* Supervisor.stop(tree)
      // The worker was killed after 5 seconds, before its 6 were over; the supervisor took its 7.
      assert.deepStrictEqual(log, ["a ends", "x ends"])
    }).pipe(Effect.provide(stage))
  )

  both("S42 a name that a process has which the supervisor did not start is left to it", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const outside = yield* Process.start(Actor, { id: "outside", log }, { name: "taken" })
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", {}))
      const error = yield* Effect.flip(Supervisor.startChild(tree, actor("a", log, { name: "taken" })))
      assert.strictEqual(error._tag, "ChildStartFailed")
      assert.include(error.message, String(outside))
      yield* Supervisor.stop(tree)
      assert.deepStrictEqual(yield* Registry.whereis("taken"), Option.some(outside))
      yield* Process.send(outside, "note", 1)
    }).pipe(Effect.provide(stage))
  )
})

/** What needs 3 seconds to come up. */
const slowly = { init: Effect.sleep("3 seconds") }

describe("a child that takes its time to come up", () => {
  for (const strategy of ["one_for_one", "dynamic"] as const) {
    const grown = Supervisor.make("test:tree", { strategy })

    both(`comes up even if whoever asked for it waits no longer (${strategy})`, () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const tree = yield* Supervisor.start(grown)
        const asking = yield* Effect.forkChild(Supervisor.startChild(tree, actor("a", log, slowly)))
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(asking)
        yield* Effect.sleep("5 seconds")
        assert.deepStrictEqual(yield* Supervisor.count(tree), { specs: 1, active: 1, supervisors: 0, workers: 1 })
        assert.strictEqual((yield* Supervisor.find(tree, "a")).state, "running")
        yield* kill(tree, "a")
        yield* Effect.sleep("4 seconds")
        const begun = log.filter((line) => line !== "a ends")
        assert.deepStrictEqual(begun, ["a begins", "a is up", "a begins", "a is up"])
      }).pipe(Effect.provide(stage))
    )

    both(`is killed by its supervisor after its time limit, and not taken in (${strategy})`, () =>
      Effect.gen(function* () {
        const tree = yield* Supervisor.start(grown)
        const before = yield* Clock.currentTimeMillis
        const error = yield* Effect.flip(
          Supervisor.startChild(tree, actor("a", [], { ...slowly, startTimeout: "2 seconds" }))
        )
        assert.strictEqual((yield* Clock.currentTimeMillis) - before, 2000)
        assert.strictEqual(error._tag === "ChildStartFailed" && error.reason._tag, "StartTimeout")
        assert.strictEqual((yield* Supervisor.count(tree)).specs, 0)
        assert.strictEqual((yield* ProcessHost.list()).length, 1)
      }).pipe(Effect.provide(stage))
    )

    both(`is stopped, and whoever asked for it told, when its supervisor ends (${strategy})`, () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const tree = yield* Supervisor.start(grown)
        const asking = yield* Effect.forkChild(
          Effect.flip(Supervisor.startChild(tree, actor("a", log, { ...slowly, slow: 1000 })))
        )
        yield* Effect.sleep("1 second")
        yield* Process.terminate(tree)
        assert.include(["ProcessClosed", "ChildStartFailed"], (yield* Fiber.join(asking))._tag)
        // It had its time to end, and the supervisor waited for it.
        assert.deepStrictEqual(log, ["a begins", "a ends"])
        assert.deepStrictEqual(yield* ProcessHost.list(), [])
      }).pipe(Effect.provide(stage))
    )
  }

  both("holds up no other child of a dynamic supervisor", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy: "dynamic" }))
      yield* Effect.forkChild(Supervisor.startChild(tree, actor("slow", log, slowly)))
      yield* Effect.sleep(1)
      yield* Supervisor.startChild(tree, actor("quick", log))
      assert.strictEqual((yield* Supervisor.find(tree, "slow")).state, "restarting")
      assert.strictEqual((yield* Supervisor.find(tree, "quick")).state, "running")
    }).pipe(Effect.provide(stage))
  )
})

// Its check breaks while the argument says so.
const Picky = Process.make("test:picky", {
  args: Schema.Struct({ breaks: Schema.Boolean }).check(
    Schema.makeFilter(({ breaks }) => {
      if (breaks) throw new Error("a broken check")
      return undefined
    })
  )
})
const PickyLive = Picky.toLayer(() => Effect.never)

describe("a child whose arguments break the check of its schema", () => {
  both("is a defect of whoever asks for it, and none of the supervisor", () =>
    Effect.gen(function* () {
      for (const strategy of ["one_for_one", "dynamic"] as const) {
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy }))
        const exit = yield* Effect.exit(Supervisor.startChild(tree, ChildSpec.make(Picky, { breaks: true })))
        assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "a broken check")
        yield* Supervisor.startChild(tree, actor("a", []))
        // It is not taken in either.
        assert.deepStrictEqual(yield* Supervisor.count(tree), { specs: 1, active: 1, supervisors: 0, workers: 1 })
      }
    }).pipe(Effect.provide([PickyLive, stage]))
  )

  for (const strategy of ["one_for_one", "dynamic"] as const) {
    both(`is started again once it breaks no more, by a supervisor that is ${strategy}`, () =>
      Effect.gen(function* () {
        const args = { breaks: false }
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy, intensity: 20, period: 1000 }))
        const picky = ChildSpec.make(Picky, args, { id: "picky", backoff: Schedule.spaced(10) })
        yield* Supervisor.startChild(tree, picky)
        args.breaks = true
        yield* kill(tree, "picky")
        yield* Effect.sleep(25)
        assert.strictEqual((yield* Supervisor.find(tree, "picky")).state, "restarting")
        args.breaks = false
        yield* Effect.sleep(25)
        assert.strictEqual((yield* Supervisor.find(tree, "picky")).state, "running")
      }).pipe(Effect.provide([PickyLive, stage]))
    )

    both(`uses up the budget of its supervisor, which is ${strategy}`, () =>
      Effect.gen(function* () {
        const args = { breaks: false }
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy, intensity: 2, period: 1000 }))
        yield* Supervisor.startChild(tree, ChildSpec.make(Picky, args, { id: "picky" }))
        args.breaks = true
        yield* kill(tree, "picky")
        const exit = yield* Process.await(tree)
        assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "picky")
      }).pipe(Effect.provide([PickyLive, stage]))
    )
  }

  both("stays stopped when whoever asks for its restart breaks the check, and can be restarted", () =>
    Effect.gen(function* () {
      const args = { breaks: false }
      const tree = yield* Supervisor.start(
        Supervisor.make("test:tree", { children: [ChildSpec.make(Picky, args, { id: "picky" })] })
      )
      yield* Supervisor.terminateChild(tree, "picky")
      args.breaks = true
      assert.isTrue(Exit.hasDies(yield* Effect.exit(Supervisor.restartChild(tree, "picky"))))
      assert.strictEqual((yield* Supervisor.find(tree, "picky")).state, "stopped")
      args.breaks = false
      yield* Supervisor.restartChild(tree, "picky")
    }).pipe(Effect.provide([PickyLive, stage]))
  )
})

describe("the administration of a supervisor", () => {
  both("S9 tells of an id that it does not know", () =>
    Effect.gen(function* () {
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", {}))
      const requests = [
        Supervisor.terminateChild(tree, "nobody"),
        Supervisor.restartChild(tree, "nobody"),
        Supervisor.deleteChild(tree, "nobody"),
        Supervisor.find(tree, "nobody")
      ]
      for (const request of requests) {
        const error = yield* Effect.flip(
          request as Effect.Effect<unknown, Error & { _tag: string }, ProcessHost.ProcessHost>
        )
        assert.strictEqual(error._tag, "ChildNotFound")
        assert.include(error.message, "nobody")
      }
      const log: Array<string> = []
      const other = yield* Process.start(Actor, { id: "a", log })
      assert.strictEqual((yield* Effect.flip(Supervisor.count(other)))._tag, "NotASupervisor")
      yield* Supervisor.stop(tree)
      assert.strictEqual((yield* Effect.flip(Supervisor.count(tree)))._tag, "ProcessNotFound")
    }).pipe(Effect.provide(stage))
  )

  both("S10 starts, terminates, restarts and deletes a child, each only where it makes sense", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [actor("a", log)] }))
      const first = yield* pidOf(tree, "a")
      const started = yield* Effect.flip(Supervisor.startChild(tree, actor("a", log)))
      assert.deepStrictEqual(started._tag === "ChildAlreadyStarted" ? started.pid : started, first)
      assert.strictEqual((yield* Effect.flip(Supervisor.restartChild(tree, "a")))._tag, "ChildRunning")
      assert.strictEqual((yield* Effect.flip(Supervisor.deleteChild(tree, "a")))._tag, "ChildRunning")
      yield* Supervisor.terminateChild(tree, "a")
      assert.strictEqual((yield* Effect.flip(Supervisor.startChild(tree, actor("a", log))))._tag, "ChildAlreadyPresent")
      yield* Supervisor.terminateChild(tree, "a")
      const second = yield* Supervisor.restartChild(tree, "a")
      assert.notDeepEqual(second, first)
      yield* Supervisor.terminateChild(tree, "a")
      yield* Supervisor.deleteChild(tree, "a")
      assert.deepStrictEqual(yield* Supervisor.list(tree), [])
      assert.strictEqual((yield* live).length, 1)
    }).pipe(Effect.provide(stage))
  )
})

describe("a specification that is wrong", () => {
  const log: Array<string> = []
  const a = actor("a", log)
  const wrong = (supervisor: string, options: object) =>
    Effect.flip(Supervisor.start(Supervisor.make(supervisor, options as Supervisor.Options<never, never>)))
  const child = (options: object) => actor("b", log, options as ChildSpec.Options)

  both("S8 S40 is a typed error that says which child and what to change, before any child starts", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [options: object, tag: string, ...says: ReadonlyArray<string>]> = [
        [{ children: [a, ChildSpec.make(Actor, { id: "b", log }, { id: "" })] }, "MissingChildId", "number 2"],
        [{ children: [a, { id: "b" }] }, "NotAChildSpec", "number 2", "ChildSpec.make"],
        [{ children: [a, a] }, "DuplicateChild", '"a"'],
        [{ children: [a, child({ restart: "sometimes" })] }, "InvalidChild", '"b"', "sometimes"],
        [{ children: [a, child({ shutdown: "soon" })] }, "InvalidChild", '"b"', "shutdown"],
        [{ children: [a, child({ startTimeout: 0 })] }, "InvalidChild", '"b"', "startTimeout"],
        [{ children: [a, child({ budget: { restarts: -1, within: 1 } })] }, "InvalidChild", '"b"', "budget.restarts"],
        [{ children: [a, child({ budget: { restarts: 1, within: 0 } })] }, "InvalidChild", '"b"', "budget.within"],
        [{ children: [a, child({ inbox: "keep", stash: 1.5 })] }, "InvalidChild", '"b"', "stash"],
        [{ children: [a, child({ stash: 1 })] }, "ConflictingOptions", '"b"', "keep"],
        [{ children: [a, child({ resetAfter: "1 second" })] }, "ConflictingOptions", '"b"', "backoff"],
        [{ children: [a], intensity: -1 }, "InvalidSupervisor", "intensity"],
        [{ children: [a], intensity: 0.5 }, "InvalidSupervisor", "intensity"],
        [{ children: [a], period: 0 }, "InvalidSupervisor", "period"],
        [{ children: [a], strategy: "all_for_none" }, "InvalidSupervisor", "strategy"],
        [{ children: [a], maxChildren: 3 }, "InvalidSupervisor", "maxChildren"],
        [{ strategy: "dynamic", maxChildren: 0 }, "InvalidSupervisor", "maxChildren"],
        [
          { children: [a, child({ significant: true, restart: "transient" })] },
          "ConflictingOptions",
          '"b"',
          "autoShutdown"
        ],
        [{ children: [a, child({ significant: true })], autoShutdown: "any" }, "ConflictingOptions", '"b"', "permanent"]
      ]
      for (const [options, tag, ...says] of cases) {
        const error = yield* wrong("test:wrong", options)
        assert.strictEqual(error._tag, tag)
        for (const text of ["test:wrong", ...says]) assert.include(error.message, text)
      }
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual(yield* live, [])
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", {}))
      const late = yield* Effect.flip(Supervisor.startChild(tree, child({ significant: true, restart: "transient" })))
      assert.strictEqual(late._tag, "ConflictingOptions")
      assert.strictEqual((yield* Supervisor.count(tree)).specs, 0)
    }).pipe(Effect.provide(stage))
  )
})
