import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Pid, Process, ProcessError, ProcessEvent, ProcessHost, Selectable } from "troupe"
import { both } from "../support/both.ts"
import { host, inProcess, ownClock, settle } from "../support/processes.ts"
import { explore } from "../support/schedules.ts"

class Broken extends Schema.TaggedError<Broken>()("Broken", { part: Schema.String }) {}

/** Ends as it is told: returns, fails, dies, or waits to be ended. */
const Child = Process.make("test:child", {
  args: Schema.Literals(["return", "fail", "die", "wait"]),
  protocol: [Rpc.make("end")]
})
const ChildLive = Child.toLayer((how) => {
  switch (how) {
    case "return":
      return Effect.succeed("done")
    case "fail":
      return Effect.fail(new Broken({ part: "wheel" }))
    case "die":
      return Effect.die("defect")
    case "wait":
      return Effect.asVoid(Child.receive("end"))
  }
})
const silent = Logger.layer([])
const live = Layer.mergeAll(ChildLive, silent).pipe(Layer.provideMerge(host))

const nextEvent = Effect.flatMap(Process.events, Selectable.take)
const nextExit = Effect.flatMap(nextEvent, (event) =>
  event._tag === "Exit" ? Effect.succeed(event) : Effect.die(`not an exit: ${event._tag}`)
)
const noEvent = Effect.flatMap(Process.events, (source) => Effect.sync(() => assert.isFalse(source.isReadyUnsafe())))

describe("monitors", () => {
  it.effect("W15 a monitored child returns: an Exit event with its pid and its value", () =>
    inProcess(
      Effect.gen(function* () {
        const monitor = yield* Process.spawnMonitored(Child, "return")
        const event = yield* nextExit
        assert.strictEqual(event.from, monitor.pid)
        assert.strictEqual(event.monitor, monitor)
        assert.deepStrictEqual(event.exit, Exit.succeed("done"))
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("W16 a monitored child fails: the Exit event keeps the typed error, whole", () =>
    inProcess(
      Effect.gen(function* () {
        yield* Process.spawnMonitored(Child, "fail")
        const { exit } = yield* nextExit
        assert.deepStrictEqual(exit, Exit.fail(new Broken({ part: "wheel" })))
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("P29 the exit tells a value, a defect, an interruption, a kill and a process that was gone apart", () =>
    inProcess(
      Effect.gen(function* () {
        const self = yield* Process.self
        yield* Process.spawnMonitored(Child, "die")
        const died = (yield* nextExit).exit
        assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))

        const terminated = yield* Process.spawnMonitored(Child, "wait")
        yield* Process.terminate(terminated.pid)
        const interrupted = (yield* nextExit).exit
        assert.isTrue(Exit.isFailure(interrupted) && Cause.hasInterruptsOnly(interrupted.cause))
        assert.strictEqual(ProcessEvent.requesterOf(interrupted), self)
        assert.isFalse(ProcessEvent.isKilled(interrupted))

        const killed = yield* Process.spawnMonitored(Child, "wait")
        yield* Process.kill(killed.pid)
        assert.isTrue(ProcessEvent.isKilled((yield* nextExit).exit))

        const gone = yield* Process.monitor(killed.pid)
        const event = yield* nextExit
        assert.strictEqual(event.monitor, gone)
        assert.deepStrictEqual(event.exit, Exit.fail(new ProcessError.NoProcess({ target: String(killed.pid) })))
        yield* Process.monitor(yield* Pid.parse("{nowhere|0x00001}"))
        assert.isTrue(Exit.isFailure((yield* nextExit).exit))
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("P30 two monitors of one process give two events, told apart by their monitor", () =>
    inProcess(
      Effect.gen(function* () {
        const first = yield* Process.spawnMonitored(Child, "wait")
        const second = yield* Process.monitor(first.pid)
        yield* Process.send(first.pid, "end")
        assert.deepStrictEqual([(yield* nextExit).monitor, (yield* nextExit).monitor], [first, second])
        yield* noEvent
      })
    ).pipe(Effect.provide(live))
  )

  it.effect(
    "W17 P31 a monitor that was called off gives no event; flush takes back one that came; once more is fine",
    () =>
      inProcess(
        Effect.gen(function* () {
          const off = yield* Process.spawnMonitored(Child, "wait")
          yield* Process.demonitor(off)
          yield* Process.terminate(off.pid)
          yield* noEvent

          const kept = yield* Process.spawnMonitored(Child, "return")
          yield* settle
          yield* Process.demonitor(kept)
          assert.strictEqual((yield* nextExit).monitor, kept)

          const flushed = yield* Process.spawnMonitored(Child, "return")
          const other = yield* Process.spawnMonitored(Child, "return")
          yield* settle
          yield* Process.demonitorFlush(flushed)
          yield* Process.demonitorFlush(flushed)
          assert.strictEqual((yield* nextExit).monitor, other)
          yield* noEvent
        })
      ).pipe(Effect.provide(live))
  )

  it.effect("P33 two processes that monitor each other and are killed at once: a third sees each exit once", () =>
    inProcess(
      Effect.gen(function* () {
        const Mutual = Process.make("test:mutual")
        const Watcher = Process.make("test:watcher", { args: Pid.schema })
        const pids = yield* Effect.gen(function* () {
          const a = yield* Process.spawnMonitored(Mutual)
          const b = yield* Process.spawnMonitored(Watcher, a.pid)
          return [a.pid, b.pid] as const
        }).pipe(
          Effect.provide([
            Mutual.toLayer(() => Effect.never),
            Watcher.toLayer((pid) => Effect.andThen(Process.monitor(pid), Effect.never))
          ])
        )
        yield* settle
        yield* Effect.all([Process.kill(pids[0]), Process.kill(pids[1])], { concurrency: "unbounded" })
        const seen = [String((yield* nextExit).from), String((yield* nextExit).from)]
        assert.deepStrictEqual(seen.toSorted(), [...pids].map(String).toSorted())
        yield* noEvent
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("W29 spawn and monitor, or link, are one step: a child that ends at once is seen, in 2,000 schedules", () =>
    explore(
      inProcess(
        Effect.gen(function* () {
          yield* Process.trapExits
          const monitor = yield* Process.spawnLinkedMonitored(Child, "return")
          const seen = new Set([(yield* nextEvent)._tag, (yield* nextEvent)._tag])
          assert.deepStrictEqual([...seen].toSorted(), ["Exit", "LinkDown"])
          assert.isTrue(Exit.isFailure(yield* Effect.exit(Process.info(monitor.pid))))
        })
      ).pipe(Effect.provide(live)),
      { schedules: 2000 }
    )
  )

  it.effect("W26 the body returns: its coroutines have ended before the exit can be seen", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Parent = Process.make("test:parent")
      const ParentLive = Parent.toLayer(() =>
        Effect.gen(function* () {
          yield* Process.fork(
            Effect.onExit(Effect.never, () =>
              Effect.andThen(
                Effect.sleep("1 second"),
                Effect.sync(() => log.push("coroutine"))
              )
            )
          )
          yield* settle
          log.push("body")
        })
      )
      yield* ownClock
      const pid = yield* Effect.provide(Process.spawn(Parent), ParentLive)
      const ended = yield* Effect.forkChild(Effect.tap(Process.await(pid), () => Effect.sync(() => log.push("exit"))))
      yield* settle
      yield* settle
      assert.deepStrictEqual(log, ["body"])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(ended)
      assert.deepStrictEqual(log, ["body", "coroutine", "exit"])
    }).pipe(Effect.provide(live))
  )
})

describe("links", () => {
  /** Links itself with a process and then waits. */
  const Linked = Process.make("test:linked", { args: Schema.NullOr(Pid.schema), protocol: [Rpc.make("end")] })
  const LinkedLive = Linked.toLayer(
    Effect.fn(function* (pid) {
      if (pid !== null) yield* Process.link(pid)
      yield* Effect.never
    })
  )
  const linked = Layer.provideMerge(LinkedLive, live)

  it.effect("W21 P36 a linked process fails: the other ends with the same exit; a normal end leaves it alone", () =>
    Effect.gen(function* () {
      const fails = yield* inProcess(
        Effect.gen(function* () {
          yield* Process.spawnLinked(Child, "fail")
          return yield* Effect.never
        })
      ).pipe(Effect.exit)
      assert.deepStrictEqual<unknown>(fails, Exit.fail(new Broken({ part: "wheel" })))
      const returns = yield* inProcess(
        Effect.gen(function* () {
          yield* Process.spawnLinked(Child, "return")
          yield* settle
          return "alive"
        })
      )
      assert.strictEqual(returns, "alive")
    }).pipe(Effect.provide(live))
  )

  it.effect("W22 P37 a process that traps exits lives, and gets LinkDown for any end, a kill as killed", () =>
    inProcess(
      Effect.gen(function* () {
        yield* Process.trapExits
        const seen: Array<[string, boolean]> = []
        for (const how of ["fail", "return"] as const) {
          const pid = yield* Process.spawnLinked(Child, how)
          const event = yield* nextEvent
          assert.isTrue(event._tag === "LinkDown" && event.from === pid)
          if (event._tag === "LinkDown") seen.push([how, Exit.isSuccess(event.exit)])
        }
        assert.deepStrictEqual(seen, [
          ["fail", false],
          ["return", true]
        ])
        const pid = yield* Process.spawnLinked(Child, "wait")
        yield* Process.kill(pid)
        const event = yield* nextEvent
        assert.isTrue(event._tag === "LinkDown" && ProcessEvent.isKilled(event.exit))
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("P37 a kill can't be trapped", () =>
    Effect.gen(function* () {
      const Trapper = Process.make("test:trapper")
      const pid = yield* Effect.provide(
        Process.spawn(Trapper),
        Trapper.toLayer(() => Effect.andThen(Process.trapExits, Effect.never))
      )
      yield* settle
      yield* Process.kill(pid)
      assert.isTrue(ProcessEvent.isKilled(yield* Process.await(pid)))
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "W24 P36 unlink before the end: nothing follows; linking twice is one link; linking one that is gone fails",
    () =>
      inProcess(
        Effect.gen(function* () {
          yield* Process.trapExits
          const pid = yield* Process.spawnLinked(Child, "wait")
          yield* Process.link(pid)
          assert.strictEqual((yield* Process.info(pid)).links.length, 1)
          yield* Process.unlink(pid)
          yield* Process.kill(pid)
          yield* settle
          yield* noEvent
          assert.strictEqual((yield* Effect.flip(Process.link(pid)))._tag, "ProcessNotFound")
          yield* Process.link(yield* Process.self)
          yield* Process.untrapExits
        })
      ).pipe(Effect.provide(live))
  )

  it.effect(
    "W25 a star of 10 and a chain of 6 linked processes: the root fails, and all are gone with its reason",
    () =>
      Effect.gen(function* () {
        const root = yield* Process.spawn(Child, "wait")
        const star: Array<Pid.Pid> = []
        for (let i = 0; i < 10; i++) star.push(yield* Process.spawn(Linked, root))
        const chain: Array<Pid.Pid> = [root]
        for (let i = 0; i < 6; i++) chain.push(yield* Process.spawn(Linked, chain[i] ?? null))
        yield* settle
        yield* Process.kill(root)
        for (const pid of [...star, ...chain]) {
          assert.isTrue(ProcessEvent.isKilled(yield* Process.await(pid)), String(pid))
        }
        assert.strictEqual((yield* ProcessHost.stats()).live, 0)
      }).pipe(Effect.provide(linked))
  )

  it.effect("W25 a chain of 5,000 linked processes ends without overflowing the stack", () =>
    Effect.gen(function* () {
      const first = yield* Process.spawn(Linked, null)
      let last: Pid.Pid = first
      for (let i = 0; i < 5000; i++) last = yield* Process.spawn(Linked, last)
      yield* settle
      const ended = yield* Effect.forkChild(Process.await(last))
      yield* Process.terminate(first)
      yield* Fiber.join(ended)
      assert.strictEqual((yield* ProcessHost.stats()).live, 0)
    }).pipe(Effect.provide(linked))
  )

  both("P38 two exits at once: the first reason wins", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Reluctant)
      yield* Effect.sleep(1)
      yield* inProcess(
        Effect.gen(function* () {
          yield* Process.fork(Effect.ignore(Process.terminate(pid)))
          yield* Effect.sleep(1)
          yield* Process.link(pid)
          yield* Effect.fail("too late")
        })
      ).pipe(Effect.ignore)
      const exit = yield* Process.await(pid)
      assert.isDefined(ProcessEvent.requesterOf(exit))
      assert.isFalse(ProcessEvent.isKilled(exit))
    }).pipe(Effect.provide([ReluctantLive, live]))
  )

  both("a kill cuts the orderly end of a process short, and it counts as killed", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Reluctant)
      yield* Effect.sleep(1)
      const terminating = yield* Effect.forkChild(Process.terminate(pid))
      yield* Effect.sleep(1)
      yield* Process.kill(pid)
      yield* Fiber.join(terminating)
      assert.isTrue(ProcessEvent.isKilled(yield* Process.await(pid)))
      yield* Effect.sleep("1 second")
    }).pipe(Effect.provide([ReluctantLive, live]))
  )
})

/** Takes a second to end. */
const Reluctant = Process.make("test:reluctant")
const ReluctantLive = Reluctant.toLayer(() => Effect.onExit(Effect.never, () => Effect.sleep("1 second")))
