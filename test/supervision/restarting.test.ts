import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Schema } from "effect"
import { ChildSpec, Process, ProcessHost, Selectable, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { actor, kill, pidOf, stage, takeAll, tell } from "../support/supervised.ts"

const pids = Effect.fnUntraced(function* (supervisor: Parameters<typeof pidOf>[0], ...ids: ReadonlyArray<string>) {
  return yield* Effect.forEach(ids, (id) => pidOf(supervisor, id))
})

describe("a child that ended", () => {
  const ends = ["return", "shutdown", "crash", "die", "terminate", "kill"] as const
  const restarted = {
    permanent: ends,
    transient: ["crash", "die", "kill"],
    temporary: []
  } as const satisfies Record<ChildSpec.Restart, ReadonlyArray<(typeof ends)[number]>>

  for (const restart of ["permanent", "transient", "temporary"] as const) {
    both(`S11 is restarted, if it is ${restart}, after ${restarted[restart].join(", ") || "nothing"}`, () =>
      Effect.gen(function* () {
        for (const end of ends) {
          const log: Array<string> = []
          const Tree = Supervisor.make("test:tree", { children: [actor("a", log, { restart })] })
          const tree = yield* Supervisor.start(Tree)
          const before = yield* pidOf(tree, "a")
          if (end === "kill") yield* kill(tree, "a")
          else if (end === "terminate") yield* Effect.andThen(Process.terminate(before), Effect.sleep(1))
          else yield* tell(tree, "a", end)
          const again = restarted[restart].some((one) => one === end)
          const { active, specs } = yield* Supervisor.count(tree)
          assert.deepStrictEqual([end, active, specs], [end, again ? 1 : 0, restart === "temporary" ? 0 : 1])
          if (again) assert.notDeepEqual(yield* pidOf(tree, "a"), before)
          yield* Supervisor.stop(tree)
        }
      }).pipe(Effect.provide(stage))
    )
  }

  both("S12 one_for_one: is started again, and its siblings keep their pids", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { children: ["1", "2", "3"].map((id) => actor(id, log)), intensity: 2 })
      const tree = yield* Supervisor.start(Tree)
      for (const id of ["1", "2"]) {
        const [one, two, three] = yield* pids(tree, "1", "2", "3")
        takeAll(log)
        yield* kill(tree, id)
        assert.deepStrictEqual(
          log.filter((line) => line.endsWith("begins")),
          [`${id} begins`]
        )
        const after = yield* pids(tree, "1", "2", "3")
        assert.deepStrictEqual(
          [one, two, three].map((pid, index) => String(pid) === String(after[index])),
          ["1", "2", "3"].map((other) => other !== id)
        )
      }
    }).pipe(Effect.provide(stage))
  )

  both("S13 rest_for_one: has those after it stopped, the last one first, and started again in order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", {
        strategy: "rest_for_one",
        children: ["1", "2", "3", "4", "5"].map((id) => actor(id, log))
      })
      const tree = yield* Supervisor.start(Tree)
      const before = yield* pids(tree, "1", "2")
      takeAll(log)
      yield* tell(tree, "3", "crash")
      assert.deepStrictEqual(
        log.filter((line) => !line.endsWith("up")),
        ["3 ends", "5 ends", "4 ends", "3 begins", "4 begins", "5 begins"]
      )
      assert.deepStrictEqual(yield* pids(tree, "1", "2"), before)
    }).pipe(Effect.provide(stage))
  )

  both("S14 one_for_all: has all stopped, the last one first, and started again in order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", {
        strategy: "one_for_all",
        children: ["1", "2", "3"].map((id) => actor(id, log))
      })
      const tree = yield* Supervisor.start(Tree)
      const before = yield* pids(tree, "1", "2", "3")
      takeAll(log)
      yield* tell(tree, "2", "crash")
      assert.deepStrictEqual(
        log.filter((line) => !line.endsWith("up")),
        ["2 ends", "3 ends", "1 ends", "1 begins", "2 begins", "3 begins"]
      )
      const after = yield* pids(tree, "1", "2", "3")
      for (const [index, pid] of after.entries()) assert.notDeepEqual(pid, before[index])
    }).pipe(Effect.provide(stage))
  )
})

describe("the intensity of a supervisor", () => {
  both("S15 is exceeded: it stops its children, the last one first, and ends with a typed error", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { children: ["1", "2", "3"].map((id) => actor(id, log)), intensity: 2 })
      const tree = yield* Supervisor.start(Tree)
      yield* kill(tree, "2")
      yield* kill(tree, "2")
      takeAll(log)
      yield* kill(tree, "2")
      const exit = yield* Process.await(tree)
      const error = Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined
      assert.strictEqual(error?._tag === "Fail" && String((error.error as Error).message).includes('"2"'), true)
      assert.deepStrictEqual(
        log.filter((line) => line !== "2 ends"),
        ["3 ends", "1 ends"]
      )
      assert.deepStrictEqual(yield* ProcessHost.list(), [])
    }).pipe(Effect.provide(stage))
  )

  both("S16 is about its period alone", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { children: [actor("a", log)], intensity: 1, period: "1 second" })
      const tree = yield* Supervisor.start(Tree)
      for (let crash = 0; crash < 4; crash++) {
        yield* kill(tree, "a")
        yield* Effect.sleep("2100 millis")
      }
      assert.strictEqual((yield* Supervisor.count(tree)).active, 1)
    }).pipe(Effect.provide(stage))
  )

  it.live("S16 goes by monotonic time: a wall clock that is set forward forgives nothing", () =>
    Effect.gen(function* () {
      const Tree = Supervisor.make("test:tree", { children: [actor("a", [])], intensity: 1, period: "1 hour" })
      const tree = yield* Supervisor.start(Tree)
      yield* kill(tree, "a")
      const original = Date.now
      Date.now = () => original() + 7_200_000
      yield* kill(tree, "a")
      const exit = yield* Effect.timeoutOption(Process.await(tree), "2 seconds")
      Date.now = original
      assert.isTrue(Option.exists(exit, Exit.isFailure))
    }).pipe(Effect.provide(stage))
  )

  both("S18 S24 counts the restarts that fail, and meanwhile the supervisor counts its children", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let broken = false
      const init = Effect.suspend(() =>
        broken ? Effect.andThen(Effect.sleep(100), Effect.fail("no disk")) : Effect.void
      )
      const Tree = Supervisor.make("test:tree", {
        children: [actor("1", log), actor("2", log, { init }), actor("3", log)],
        intensity: 4
      })
      const tree = yield* Supervisor.start(Tree)
      broken = true
      yield* kill(tree, "2")
      assert.deepStrictEqual(yield* Supervisor.count(tree), { specs: 3, active: 2, supervisors: 0, workers: 3 })
      const exit = yield* Process.await(tree)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(log.filter((line) => line === "2 begins").length, 1 + 4)
    }).pipe(Effect.provide(stage))
  )

  both("S19 a restart that succeeds at the second try costs one more, and the supervisor lives", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let failures = 0
      const init = Effect.suspend(() => (failures-- > 0 ? Effect.fail("not yet") : Effect.void))
      const tree = yield* Supervisor.start(
        Supervisor.make("test:tree", { children: [actor("a", log, { init })], intensity: 2 })
      )
      failures = 1
      yield* kill(tree, "a")
      assert.strictEqual((yield* Supervisor.count(tree)).active, 1)
      assert.strictEqual(log.filter((line) => line === "a begins").length, 3)
    }).pipe(Effect.provide(stage))
  )
})

describe("a restart of several", () => {
  both("S20 of which one fails stops those that came up again, and is tried again", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let failures = 0
      const init = Effect.suspend(() => (failures-- > 0 ? Effect.fail("not yet") : Effect.void))
      const Tree = Supervisor.make("test:tree", {
        strategy: "one_for_all",
        children: [actor("1", log), actor("2", log, { init })],
        intensity: 2
      })
      const tree = yield* Supervisor.start(Tree)
      takeAll(log)
      failures = 1
      yield* tell(tree, "1", "crash")
      const firstTry = ["1 ends", "2 ends", "1 begins", "1 is up", "2 begins", "2 ends"]
      const secondTry = ["1 ends", "1 begins", "1 is up", "2 begins", "2 is up"]
      assert.deepStrictEqual(log, [...firstTry, ...secondTry])
      assert.strictEqual((yield* Supervisor.count(tree)).active, 2)
    }).pipe(Effect.provide(stage))
  )

  for (const strategy of ["one_for_all", "rest_for_one"] as const) {
    both(`S22 ${strategy}: forgets a temporary bystander`, () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const Tree = Supervisor.make("test:tree", {
          strategy,
          children: [actor("1", log), actor("x", log, { restart: "temporary" }), actor("3", log)]
        })
        const tree = yield* Supervisor.start(Tree)
        yield* kill(tree, "1")
        assert.deepStrictEqual(
          (yield* Supervisor.list(tree)).map(({ id, state }) => `${id} ${state}`),
          ["1 running", "3 running"]
        )
      }).pipe(Effect.provide(stage))
    )
  }
})

describe("a tree", () => {
  both("S30 an inner supervisor that gives up is restarted with its static children, without its dynamic ones", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Inner = Supervisor.make("test:inner", { children: [actor("static", log)], intensity: 0 })
      const Outer = Supervisor.make("test:outer", {
        children: [ChildSpec.make(Inner, undefined, { id: "inner" }), actor("sibling", log)]
      })
      const outer = yield* Supervisor.start(Outer)
      const inner = yield* pidOf(outer, "inner")
      const sibling = yield* pidOf(outer, "sibling")
      yield* Supervisor.startChild(inner, actor("dynamic", log))
      yield* kill(inner, "dynamic")
      const next = yield* pidOf(outer, "inner")
      assert.notDeepEqual(next, inner)
      assert.deepStrictEqual(yield* pidOf(outer, "sibling"), sibling)
      assert.deepStrictEqual(
        (yield* Supervisor.list(next)).map(({ id, state }) => `${id} ${state}`),
        ["static running"]
      )
      assert.strictEqual((yield* ProcessHost.list()).length, 4)
    }).pipe(Effect.provide(stage))
  )

  both("S31 a dynamic child is restarted with its argument, and one argument may have many children", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Echo = Process.make("test:echo", { args: Schema.String })
      const EchoLive = Echo.toLayer((text) =>
        Effect.andThen(
          Effect.sync(() => log.push(text)),
          Effect.never
        )
      )
      yield* Effect.gen(function* () {
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy: "dynamic" }))
        const first = yield* Supervisor.startChild(tree, ChildSpec.make(Echo, "1"))
        yield* Supervisor.startChild(tree, ChildSpec.make(Echo, "1"))
        yield* Effect.sleep(1)
        assert.deepStrictEqual(takeAll(log), ["1", "1"])
        yield* Process.kill(first)
        yield* Effect.sleep(1)
        assert.deepStrictEqual(log, ["1"])
        assert.strictEqual((yield* Supervisor.count(tree)).active, 2)
      }).pipe(Effect.provide(EchoLive))
    }).pipe(Effect.provide(stage))
  )

  both("S41 an inner supervisor that shuts down by itself is a normal end for the one above", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Inner = Supervisor.make("test:inner", {
        autoShutdown: "any",
        children: [actor("s", log, { significant: true, restart: "transient" })]
      })
      const Outer = Supervisor.make("test:outer", {
        children: [ChildSpec.make(Inner, undefined, { id: "inner", restart: "transient" }), actor("a", log)]
      })
      const outer = yield* Supervisor.start(Outer)
      yield* tell(yield* pidOf(outer, "inner"), "s", "return")
      assert.deepStrictEqual(
        (yield* Supervisor.list(outer)).map(({ id, state }) => `${id} ${state}`),
        ["inner stopped", "a running"]
      )
    }).pipe(Effect.provide(stage))
  )
})

describe("significant children", () => {
  both("S37 any: the first that ends for good ends the supervisor; one that is restarted does not", () =>
    Effect.gen(function* () {
      for (const restart of ["transient", "temporary"] as const) {
        const log: Array<string> = []
        const Tree = Supervisor.make("test:tree", {
          autoShutdown: "any",
          children: [actor("1", log), actor("s", log, { significant: true, restart }), actor("3", log)]
        })
        const tree = yield* Supervisor.start(Tree)
        if (restart === "transient") yield* tell(tree, "s", "crash")
        assert.strictEqual((yield* Supervisor.count(tree)).active, 3)
        takeAll(log)
        yield* tell(tree, "s", "return")
        assert.deepStrictEqual(yield* Process.await(tree), Exit.void)
        assert.deepStrictEqual(log, ["s ends", "3 ends", "1 ends"])
      }
    }).pipe(Effect.provide(stage))
  )

  both("S38 all: the last that ends for good ends the supervisor", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const options = { significant: true, restart: "transient" } as const
      const Tree = Supervisor.make("test:tree", {
        autoShutdown: "all",
        children: [actor("1", log, options), actor("2", log, options), actor("3", log)]
      })
      const tree = yield* Supervisor.start(Tree)
      yield* tell(tree, "2", "return")
      assert.strictEqual((yield* Supervisor.count(tree)).active, 2)
      yield* tell(tree, "1", "shutdown")
      assert.deepStrictEqual(yield* Process.await(tree), Exit.void)
    }).pipe(Effect.provide(stage))
  )
})

describe("the events of a supervisor", () => {
  both("P51 tell of ends by error, defect and interruption, while starting and afterwards, with the state", () =>
    Effect.gen(function* () {
      const Stateful = Process.make("test:stateful", { args: Schema.String, state: Schema.Int, start: "acknowledged" })
      const StatefulLive = Stateful.toLayer(
        Effect.fnUntraced(function* (how) {
          yield* Stateful.state(7)
          if (how === "fails starting") return yield* Effect.fail(how)
          if (how === "dies starting") return yield* Effect.die(how)
          yield* Process.ready
          if (how === "fails stopping") return yield* Effect.addFinalizer(() => Effect.die(how))
          if (how === "is interrupted") return yield* Effect.interrupt
          return yield* how === "fails" ? Effect.fail(how) : Effect.die(how)
        })
      )
      yield* Effect.gen(function* () {
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy: "dynamic" }))
        const events = yield* Supervisor.events(tree)
        const start = (how: string) =>
          Supervisor.startChild(tree, ChildSpec.make(Stateful, how, { id: how, restart: "temporary" }))
        for (const how of ["fails starting", "dies starting"]) {
          yield* Effect.flip(start(how))
          const event = yield* Selectable.take(events)
          assert.strictEqual(event._tag, "ChildStartFailed")
          if (event._tag === "ChildStartFailed") assert.include(event.error.message, how)
        }
        for (const how of ["fails", "dies", "is interrupted", "fails stopping"]) {
          yield* start(how)
          assert.strictEqual((yield* Selectable.take(events))._tag, "ChildStarted")
          const event = yield* Selectable.take(events)
          assert.deepStrictEqual([event._tag, event.id], ["ChildExited", how])
          if (event._tag !== "ChildExited") return
          assert.strictEqual(event.state, 7)
          const reason = Exit.isFailure(event.exit) ? event.exit.cause.reasons[0]?._tag : "Success"
          assert.strictEqual(reason, { fails: "Fail", "is interrupted": "Interrupt" }[how] ?? "Die")
        }
      }).pipe(Effect.scoped, Effect.provide(StatefulLive))
    }).pipe(Effect.provide(stage))
  )
})
