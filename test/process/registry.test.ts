import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Pid } from "troupe"
import { Process, Registry, Selectable } from "troupe"
import { host, inProcess, settle } from "../support/processes.ts"
import { explore } from "../support/schedules.ts"

const Named = Process.make("test:named", {
  args: Schema.Array(Schema.String),
  protocol: [Rpc.make("crash"), Rpc.make("end")]
})
const NamedLive = Named.toLayer(
  Effect.fn(function* (names) {
    for (const name of names) yield* Registry.register(name)
    const message = yield* Named.receive()
    if (message.topic === "crash") return yield* Effect.fail("crashed")
  })
)
const live = Layer.mergeAll(NamedLive, Logger.layer([])).pipe(Layer.provideMerge(host))

describe("names", () => {
  it.effect(
    "R1 W13 a name that another process has is refused with AlreadyRegistered and its owner; a dead owner frees it",
    () =>
      Effect.gen(function* () {
        const owner = yield* Process.spawn(Named, ["name"])
        yield* settle
        const error = yield* Effect.flip(inProcess(Registry.register("name")))
        assert.isTrue(error._tag === "AlreadyRegistered" && error.owner === String(owner))
        assert.include(error.message, String(owner))
        yield* Process.kill(owner)
        yield* inProcess(Registry.register("name"))
      }).pipe(Effect.provide(live))
  )

  it.effect("W12 registering a name again that one has is fine; unregister answers true, then false", () =>
    inProcess(
      Effect.gen(function* () {
        yield* Registry.register("name")
        yield* Registry.register("name")
        assert.deepStrictEqual(yield* Registry.entries, [["name", yield* Process.self]])
        assert.isTrue(yield* Registry.unregister("name"))
        assert.isFalse(yield* Registry.unregister("name"))
        assert.isTrue(Option.isNone(yield* Registry.whereis("name")))
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("a name can be given to another process by its pid, and not to one that is gone", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Named, [])
      yield* Registry.registerPid("other", pid)
      assert.deepStrictEqual(yield* Registry.whereis("other"), Option.some(pid))
      yield* Process.kill(pid)
      assert.strictEqual((yield* Effect.flip(Registry.registerPid("other", pid)))._tag, "ProcessNotFound")
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "W11 R3 the names of a process that ends are gone before anyone sees the exit, and listeners are told",
    () =>
      Effect.gen(function* () {
        const events = yield* Registry.events
        yield* inProcess(
          Effect.gen(function* () {
            const inbox = yield* Process.events
            const monitor = yield* Process.spawnMonitored(Named, ["a", "b"])
            yield* settle
            yield* Process.send(monitor.pid, "crash")
            yield* Selectable.take(inbox)
            assert.deepStrictEqual(yield* Registry.entries, [])
            assert.strictEqual((yield* Effect.flip(Process.send(Named.named("a"), "end")))._tag, "ProcessNotFound")
            assert.strictEqual((yield* Effect.flip(Registry.lookup(Named.named("a"))))._tag, "ProcessNotFound")
          })
        )
        const seen: Array<string> = []
        for (let i = 0; i < 4; i++) {
          const event = yield* Selectable.take(events)
          seen.push(`${event._tag} ${event.name}`)
        }
        assert.deepStrictEqual(seen, ["Registered a", "Registered b", "Unregistered a", "Unregistered b"])
        assert.isTrue(Option.isNone(yield* Selectable.poll(events)))
      }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("W11 in 1,000 schedules the name of a process is free when its exit is seen", () =>
    explore(
      Effect.gen(function* () {
        const pid = yield* Process.spawn(Named, ["name"])
        yield* Process.send(pid, "crash")
        yield* Process.await(pid)
        assert.deepStrictEqual(yield* Registry.entries, [])
      }).pipe(Effect.provide(live)),
      { schedules: 1000 }
    )
  )
})

describe("properties", () => {
  it.effect("R2 many processes have one each; unsetting removes only one's own; death removes it", () =>
    Effect.gen(function* () {
      const port = Registry.property<number>("port")
      const Owner = Process.make("test:owner", { args: Schema.Finite, protocol: [Rpc.make("unset")] })
      const OwnerLive = Owner.toLayer(
        Effect.fn(function* (value) {
          yield* Registry.setProperty(port, 0)
          yield* Registry.setProperty(port, value)
          yield* Owner.receive()
          assert.isTrue(yield* Registry.unsetProperty(port))
          assert.isFalse(yield* Registry.unsetProperty(port))
          yield* Effect.never
        })
      )
      const pids: Array<Pid.Pid<Rpc.Rpc<"unset">>> = []
      for (const value of [1, 2, 3]) pids.push(yield* Effect.provide(Process.spawn(Owner, value), OwnerLive))
      yield* settle
      const values = Effect.map(Registry.properties(port), (all) => all.map(([, value]) => value))
      assert.deepStrictEqual(yield* values, [1, 2, 3])
      const [first, second] = pids
      if (first === undefined || second === undefined) return assert.fail("three were started")
      yield* Process.send(second, "unset")
      yield* settle
      assert.deepStrictEqual(yield* values, [1, 3])
      yield* Process.kill(first)
      assert.deepStrictEqual(yield* values, [3])
    }).pipe(Effect.provide(live))
  )
})

describe("locks", () => {
  const trace = () => {
    const log: Array<string> = []
    const hold = (name: string, key: string, ending: Effect.Effect<void, string> = Effect.void) =>
      Effect.gen(function* () {
        log.push(`${name} in`)
        yield* settle
        log.push(`${name} out`)
        yield* ending
      }).pipe(Registry.withLock(key))
    return { hold, log }
  }

  it.effect("R5 one key serialises, first come, first served; different keys do not wait for each other", () =>
    Effect.gen(function* () {
      const { hold, log } = trace()
      yield* Effect.all([hold("a", "k"), hold("b", "k"), hold("c", "k")], { concurrency: "unbounded" })
      assert.deepStrictEqual(log, ["a in", "a out", "b in", "b out", "c in", "c out"])
      log.length = 0
      yield* Effect.all([hold("a", "k1"), hold("b", "k2")], { concurrency: "unbounded" })
      assert.deepStrictEqual(log, ["a in", "b in", "a out", "b out"])
    }).pipe(Effect.provide(live))
  )

  it.effect("R6 the holder fails: the next one proceeds", () =>
    Effect.gen(function* () {
      const { hold, log } = trace()
      const fails = yield* Effect.forkChild(Effect.exit(hold("a", "k", Effect.fail("broken"))), {
        startImmediately: true
      })
      yield* hold("b", "k")
      assert.deepStrictEqual(yield* Fiber.join(fails), Exit.fail("broken"))
      assert.deepStrictEqual(log, ["a in", "a out", "b in", "b out"])
    }).pipe(Effect.provide(live))
  )

  it.effect("R7 the holder is killed, or terminated: the next one proceeds", () =>
    Effect.gen(function* () {
      const Holder = Process.make("test:holder")
      const HolderLive = Holder.toLayer(() => Registry.withLock("k")(Effect.never))
      for (const end of [Process.kill, Process.terminate]) {
        const pid = yield* Effect.provide(Process.spawn(Holder), HolderLive)
        yield* settle
        const waiting = yield* Effect.forkChild(Registry.withLock("k")(Effect.succeed("mine")))
        yield* settle
        assert.isUndefined(waiting.pollUnsafe())
        yield* end(pid)
        assert.strictEqual(yield* Fiber.join(waiting), "mine")
      }
    }).pipe(Effect.provide(live))
  )
})
