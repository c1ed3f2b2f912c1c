import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Logger, References, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Pid, Process, ProcessEvent, ProcessHost, Registry, Selectable } from "troupe"
import { both } from "../support/both.ts"
import { host, inProcess, ownClock, settle } from "../support/processes.ts"

const silent = Logger.layer([])
const live = Layer.provideMerge(silent, host)

describe("ending", () => {
  const Zombie = Process.make("test:zombie")
  const Polite = Process.make("test:polite")
  const PoliteLive = Polite.toLayer(() =>
    Effect.gen(function* () {
      const event = yield* Selectable.take(yield* Polite.events)
      return event._tag === "Cancel" ? `${event.reason} by ${event.from}` : event._tag
    })
  )

  it.effect(
    "W19 cancel: the target sees the event with its reason and ends in its own time; a monitor sees the exit",
    () =>
      inProcess(
        Effect.gen(function* () {
          const events = yield* Process.events
          const monitor = yield* Process.spawnMonitored(Polite)
          yield* Process.cancel(monitor.pid, "time is up")
          const event = yield* Selectable.take(events)
          assert.deepStrictEqual(
            event._tag === "Exit" && event.exit,
            Exit.succeed(`time is up by ${yield* Process.self}`)
          )
        })
      ).pipe(Effect.provide(Layer.provideMerge(PoliteLive, live)))
  )

  it.effect("W20 terminate ends a process that is idle, blocked or busy; its finalizers run; a later send fails", () =>
    Effect.gen(function* () {
      const finalized: Array<string> = []
      const Victim = Process.make("test:victim", { args: Schema.String, protocol: [Rpc.make("poke")] })
      const VictimLive = Victim.toLayer((how) =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => finalized.push(how)))
          if (how === "idle") yield* Victim.receive()
          if (how === "blocked") yield* Effect.never
          while (true) yield* Effect.yieldNow
        })
      )
      for (const how of ["idle", "blocked", "busy"]) {
        const pid = yield* Effect.provide(Process.spawn(Victim, how), VictimLive)
        yield* settle
        yield* Process.terminate(pid)
        assert.strictEqual(finalized.at(-1), how)
        assert.strictEqual((yield* Effect.flip(Process.send(pid, "poke")))._tag, "ProcessNotFound")
        assert.strictEqual((yield* Effect.flip(Process.terminate(pid)))._tag, "ProcessNotFound")
      }
      assert.deepStrictEqual(finalized, ["idle", "blocked", "busy"])
    }).pipe(Effect.provide(live))
  )

  both("a killed process stays ended when its body has been unwound", () =>
    Effect.gen(function* () {
      const Idle = Process.make("test:idle")
      const pid = yield* Effect.provide(
        Process.spawn(Idle),
        Idle.toLayer(() => Effect.never)
      )
      yield* Effect.yieldNow
      yield* Process.kill(pid)
      yield* settle
      assert.strictEqual((yield* Effect.flip(Process.info(pid)))._tag, "ProcessNotFound")
    }).pipe(Effect.provide(host))
  )

  it.effect("terminate waits for the finalizers; kill does not", () =>
    Effect.gen(function* () {
      yield* ownClock
      const Slow = Process.make("test:slow")
      const finalized: Array<string> = []
      const SlowLive = Slow.toLayer(() =>
        Effect.onExit(Effect.never, () =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => finalized.push("done"))
          )
        )
      )
      const [first, second] = yield* Effect.provide(Effect.all([Process.spawn(Slow), Process.spawn(Slow)]), SlowLive)
      yield* settle
      const waiting = yield* Effect.forkChild(Process.terminate(first))
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      yield* Process.kill(second)
      assert.isTrue(ProcessEvent.isKilled(yield* Process.await(second)))
      assert.deepStrictEqual(finalized, [])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(finalized, ["done", "done"])
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "P50 a stop that comes after 1,000 messages ends the process before them; a kill ends a running handler",
    () =>
      Effect.gen(function* () {
        let handled = 0
        const Worker = Process.make("test:worker", { protocol: [Rpc.make("work")] })
        const WorkerLive = Worker.toLayer(() =>
          Effect.gen(function* () {
            while (true) {
              yield* Worker.receive()
              handled++
            }
          })
        )
        const pid = yield* Effect.provide(Process.spawn(Worker), WorkerLive)
        yield* settle
        for (let i = 0; i < 1000; i++) yield* Process.send(pid, "work")
        yield* Process.terminate(pid)
        assert.strictEqual(handled, 0)
        const { deadLetters } = yield* ProcessHost.stats()
        assert.strictEqual(deadLetters, 1000)

        const Busy = Process.make("test:busy")
        const busy = yield* Effect.provide(
          Process.spawn(Busy),
          Busy.toLayer(() => Effect.uninterruptible(Effect.never))
        )
        yield* settle
        yield* Process.kill(busy)
        assert.strictEqual((yield* ProcessHost.stats()).live, 0)
      }).pipe(Effect.provide(live))
  )

  both("a killed process stays gone while its body is unwound", () =>
    Effect.gen(function* () {
      const Slow = Process.make("test:slow", { protocol: [Rpc.make("go")] })
      const pid = yield* Effect.provide(
        Process.spawn(Slow),
        Slow.toLayer(() => Effect.onExit(Effect.never, () => Effect.sleep("1 second")))
      )
      yield* Effect.sleep("1 milli")
      yield* Process.kill(pid)
      assert.strictEqual((yield* Effect.flip(Process.send(pid, "go")))._tag, "ProcessNotFound")
      yield* Effect.sleep("2 seconds")
      assert.strictEqual((yield* Effect.flip(Process.send(pid, "go")))._tag, "ProcessNotFound")
    }).pipe(Effect.provide(live))
  )

  it.effect("P39 a process that exits itself passes its error handlers and runs its finalizers once", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Quitter = Process.make("test:quitter", { args: Schema.String })
      const QuitterLive = Quitter.toLayer((where) =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("finalizer")))
          const quit = Process.exit(Exit.succeed(7)).pipe(
            Effect.catch(() => Effect.sync(() => log.push("caught"))),
            Effect.ensuring(Effect.sync(() => log.push("ensured")))
          )
          if (where === "coroutine") yield* Process.fork(quit)
          else yield* quit
          yield* Effect.never
        })
      )
      for (const where of ["body", "coroutine"]) {
        const pid = yield* Effect.provide(Process.spawn(Quitter, where), QuitterLive)
        assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(7))
      }
      assert.deepStrictEqual(log, ["ensured", "finalizer", "ensured", "finalizer"])
    }).pipe(Effect.provide(live))
  )

  it.effect("a failing finalizer hides neither the reason nor itself", () =>
    Effect.gen(function* () {
      const Messy = Process.make("test:messy", { args: Schema.Boolean })
      const MessyLive = Messy.toLayer((fails) =>
        Effect.onExit(fails ? Effect.fail("reason") : Effect.never, () => Effect.die("mess"))
      )
      const fails = yield* Effect.provide(Process.spawn(Messy, true), MessyLive)
      const failed = yield* Process.await(fails)
      assert.include(String(failed), "mess")
      const stopped = yield* Effect.provide(Process.spawn(Messy, false), MessyLive)
      yield* settle
      yield* Process.terminate(stopped)
      const exit = yield* Process.await(stopped)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause) && Cause.hasDies(exit.cause))
    }).pipe(Effect.provide(live))
  )

  it.effect("an await of an ended process answers its exit; of one that never was, NoProcess", () =>
    Effect.gen(function* () {
      const Quick = Process.make("test:quick")
      const pid = yield* Effect.provide(
        Process.spawn(Quick),
        Quick.toLayer(() => Effect.succeed(1))
      )
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(1))
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(1))
      const never = yield* Process.await(yield* Pid.parse("{app:processes|0x0ffff}"))
      assert.include(String(never), "NoProcess")
    }).pipe(Effect.provide(live))
  )

  it.effect("a killed process whose finalizers still run leaves no name, property, link or monitor behind", () =>
    Effect.gen(function* () {
      yield* ownClock
      const other = yield* Effect.provide(
        Process.spawn(Zombie),
        Zombie.toLayer(() => Effect.never)
      )
      const reached: Array<string> = []
      const attach = <E>(
        what: string,
        effect: Effect.Effect<unknown, E, Process.CurrentProcess | ProcessHost.ProcessHost>
      ) => Effect.onExit(effect, (exit) => Effect.sync(() => reached.push(`${what} ${exit._tag}`)))
      const pid = yield* Effect.provide(
        Process.spawn(Zombie),
        Zombie.toLayer(() =>
          Effect.onExit(Effect.never, () =>
            Effect.gen(function* () {
              yield* Effect.sleep("1 second")
              yield* Effect.exit(attach("name", Registry.register("zombie")))
              yield* Effect.exit(attach("property", Registry.setProperty(Registry.property<number>("p"), 1)))
              yield* Effect.exit(attach("link", Process.link(other)))
              yield* Effect.exit(attach("monitor", Process.monitor(other)))
            })
          )
        )
      )
      yield* settle
      yield* Process.kill(pid)
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(reached, ["name Failure", "property Failure", "link Failure", "monitor Failure"])
      assert.deepStrictEqual(yield* Registry.entries, [])
      assert.deepStrictEqual(yield* Registry.properties(Registry.property<number>("p")), [])
      const { links, watchers } = yield* Process.info(other)
      assert.deepStrictEqual([links.length, watchers], [0, 0])
    }).pipe(Effect.provide(live))
  )
})

describe("coroutines", () => {
  it.effect("share the memory of the process, and a failing one ends it with its cause", () =>
    Effect.gen(function* () {
      const shared = yield* inProcess(
        Effect.gen(function* () {
          let n = 0
          yield* Fiber.join(yield* Process.fork(Effect.sync(() => n++)))
          return n
        })
      )
      assert.strictEqual(shared, 1)
      const failed = yield* Effect.exit(inProcess(Effect.andThen(Process.fork(Effect.fail("coroutine")), Effect.never)))
      assert.deepStrictEqual(failed, Exit.fail("coroutine"))
    }).pipe(Effect.provide(live))
  )

  it.effect("an interrupted coroutine leaves the process alone", () =>
    inProcess(
      Effect.gen(function* () {
        yield* Fiber.interrupt(yield* Process.fork(Effect.never))
        yield* settle
      })
    ).pipe(Effect.provide(live))
  )
})

describe("upgrade", () => {
  const Two = Process.make("test:two", { args: Schema.String, protocol: [Rpc.make("next")] })
  const One = Process.make("test:one", { protocol: [Rpc.make("next")] })
  const TwoLive = Two.toLayer(
    Effect.fn(function* (word) {
      yield* Two.receive("next")
      return [word, yield* Two.self, (yield* Process.info(yield* Two.self)).process]
    })
  )
  const OneLive = One.toLayer(() =>
    Effect.gen(function* () {
      yield* Registry.register("upgraded")
      yield* Process.fork(Effect.never)
      return yield* Process.upgrade(Two, "second")
    })
  )
  const upgrading = Layer.provideMerge(OneLive, Layer.provideMerge(TwoLive, live))

  it.effect("W28 the same pid, name, monitor, link and queued messages go on under the new definition", () =>
    inProcess(
      Effect.gen(function* () {
        yield* Process.trapExits
        const events = yield* Process.events
        const monitor = yield* Process.spawnLinkedMonitored(One)
        yield* settle
        assert.strictEqual(String(yield* Registry.lookup(One.named("upgraded"))), String(monitor.pid))
        assert.strictEqual((yield* Process.info(monitor.pid)).links.length, 1)
        yield* Process.send(monitor.pid, "next")
        const event = yield* Selectable.take(events)
        assert.deepStrictEqual(event._tag === "Exit" && event.exit, Exit.succeed(["second", monitor.pid, "test:two"]))
      })
    ).pipe(Effect.provide(upgrading))
  )

  it.effect("W28 messages that were queued before the upgrade are received after it", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(One)
      yield* Process.send(pid, "next")
      assert.isTrue(Exit.isSuccess(yield* Process.await(pid)))
    }).pipe(Effect.provide(upgrading))
  )

  it.effect("W28 an upgrade that fails ends the process with the error", () =>
    Effect.gen(function* () {
      const Bad = Process.make("test:bad", { args: Schema.Literals(["arguments", "implementation"]) })
      const Nowhere = Process.make("test:nowhere")
      const BadLive = Bad.toLayer((what) =>
        what === "arguments"
          ? Process.upgrade(Two, 1 as never)
          : (Process.upgrade(Nowhere) as unknown as Effect.Effect<never>)
      )
      const exits = yield* Effect.gen(function* () {
        const first = yield* Process.await(yield* Process.spawn(Bad, "arguments"))
        const second = yield* Process.await(yield* Process.spawn(Bad, "implementation"))
        return [String(first), String(second)] as const
      }).pipe(Effect.provide(BadLive))
      assert.include(exits[0], "InvalidArguments")
      assert.include(exits[1], "DefinitionNotFound")
    }).pipe(Effect.provide(upgrading))
  )
})

describe("what a process sees", () => {
  class Tenant extends Context.Service<Tenant, string>()("test/Tenant") {}
  const Tag = Context.Reference<string>("test/Tag", { defaultValue: () => "none" })

  it.effect(
    "W27 a service, an annotation and a span given at the spawn are seen by the child and its grandchildren",
    () =>
      Effect.gen(function* () {
        const seen = Effect.gen(function* () {
          const annotations = yield* References.CurrentLogAnnotations
          const span = yield* Effect.currentSpan
          return [yield* Tag, annotations["request"], span.name]
        })
        const Grandchild = Process.make("test:grandchild")
        const GrandchildLive = Grandchild.toLayer(() => seen)
        const Child = Process.make("test:child")
        const ChildLive = Child.toLayer(() =>
          Effect.gen(function* () {
            const grandchild = yield* Process.spawn(Grandchild)
            return [yield* seen, yield* Effect.flatten(Process.await(grandchild))]
          })
        )
        const both = yield* inProcess(
          Effect.gen(function* () {
            const child = yield* Process.spawn(Child).pipe(
              Effect.provideService(Tag, "given"),
              Effect.annotateLogs("request", 7),
              Effect.withSpan("spawning")
            )
            return yield* Effect.flatten(Process.await(child))
          })
        ).pipe(Effect.provide(Layer.provideMerge(ChildLive, GrandchildLive)))
        assert.deepStrictEqual(both, [
          ["given", 7, "spawning"],
          ["given", 7, "spawning"]
        ])
      }).pipe(Effect.provide(live))
  )

  it.effect("the services that an implementation was built with win over those that its spawner happens to see", () =>
    Effect.gen(function* () {
      const Child = Process.make("test:child")
      const ChildLive = Child.toLayer(() => Effect.map(Tenant, (tenant) => tenant)).pipe(
        Layer.provide(Layer.succeed(Tenant, "child's own"))
      )
      const Parent = Process.make("test:parent")
      const ParentLive = Parent.toLayer(() =>
        Effect.gen(function* () {
          const mine = yield* Tenant
          return [mine, yield* Effect.flatten(Process.await(yield* Process.spawn(Child)))]
        })
      ).pipe(Layer.provide(Layer.succeed(Tenant, "parent's")), Layer.provide(ChildLive))
      const pid = yield* Effect.provide(Process.spawn(Parent), ParentLive)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(["parent's", "child's own"]))
    }).pipe(Effect.provide(live))
  )
})

describe("crash reports", () => {
  it.effect("P5 an orderly end logs nothing; a failure logs exactly one report that names the process", () =>
    Effect.gen(function* () {
      const reports: Array<string> = []
      const logger = Logger.make(({ message }) => void reports.push(String(message)))
      const Ends = Process.make("test:ends", {
        args: Schema.Literals(["return", "interrupt", "fail", "die", "exit", "coroutine"])
      })
      const EndsLive = Ends.toLayer((how) => {
        switch (how) {
          case "return":
            return Effect.void
          case "interrupt":
            return Effect.interrupt
          case "fail":
            return Effect.fail("oops")
          case "die":
            return Effect.die("oops")
          case "exit":
            return Process.exit(Exit.fail("oops"))
          case "coroutine":
            return Effect.andThen(Process.fork(Effect.fail("oops")), Effect.never)
        }
      })
      const Partner = Process.make("test:partner")
      const PartnerLive = Partner.toLayer(() => Effect.andThen(Process.spawnLinked(Ends, "fail"), Effect.never))
      yield* Effect.gen(function* () {
        for (const how of ["return", "interrupt"] as const) yield* Process.await(yield* Process.spawn(Ends, how))
        const idle = yield* Process.spawn(Ends, "coroutine")
        yield* Process.terminate(idle)
        assert.deepStrictEqual(reports, [])
        for (const how of ["fail", "die", "exit", "coroutine"] as const) {
          const pid = yield* Process.spawn(Ends, how)
          yield* Process.await(pid)
          yield* settle
          assert.strictEqual(reports.length, 1)
          assert.include(reports.pop(), `process ${pid} (test:ends) failed`)
        }
        // The partner ends with the same cause, which has been reported.
        yield* Process.await(yield* Process.spawn(Partner))
        yield* settle
        assert.strictEqual(reports.length, 1)
      }).pipe(
        Effect.provide(
          Layer.provideMerge(PartnerLive, EndsLive).pipe(
            Layer.provideMerge(host),
            Layer.provideMerge(Logger.layer([logger]))
          )
        )
      )
    })
  )
})
