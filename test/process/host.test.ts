import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, Scope } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Pid, Process, ProcessEvent, ProcessHost, Select, Selectable } from "troupe"
import { host, ownClock, settle } from "../support/processes.ts"

const Idle = Process.make("test:idle", { protocol: [Rpc.make("poke")] })
const IdleLive = Idle.toLayer(() => Effect.never)
const Polite = Process.make("test:polite")
const PoliteLive = Polite.toLayer(() =>
  Effect.gen(function* () {
    const event = yield* Selectable.take(yield* Polite.events)
    return event._tag === "Cancel" ? event.reason : event._tag
  })
)
const Stubborn = Process.make("test:stubborn", { protocol: [Rpc.make("poke")] })
const StubbornLive = Stubborn.toLayer(() => Effect.andThen(Stubborn.events, Effect.never))
const bodies = Layer.mergeAll(IdleLive, PoliteLive, StubbornLive)

describe("hosts", () => {
  it.effect(
    "W31 a host that stops refuses spawns and sends, asks everyone to end, and ends at the deadline who is left",
    () =>
      Effect.gen(function* () {
        yield* ownClock
        const idle = yield* Process.spawn(Idle)
        const polite = yield* Process.spawn(Polite)
        const stubborn = yield* Process.spawn(Stubborn)
        yield* settle
        const stopping = yield* Effect.forkChild(ProcessHost.stop())
        yield* settle
        assert.strictEqual((yield* Effect.flip(Process.spawn(Idle)))._tag, "HostStopped")
        assert.strictEqual((yield* Effect.flip(Process.send(stubborn, "poke")))._tag, "HostStopped")
        assert.deepStrictEqual(yield* Process.await(polite), Exit.succeed("the host app:processes stops"))
        // It never opened its events, so that it would not have heard of a cancel.
        assert.isTrue(Exit.isFailure(yield* Process.await(idle)))
        assert.isUndefined(stopping.pollUnsafe())
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(stopping.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(stopping)
        assert.isTrue(ProcessEvent.isKilled(yield* Process.await(stubborn)))
      }).pipe(Effect.provide(Layer.provideMerge(bodies, host)))
  )

  it.effect("a stop goes on when who asked for it is interrupted: also when it is one of those that it ends", () =>
    Effect.gen(function* () {
      yield* ownClock
      const Suicidal = Process.make("test:suicidal")
      const stubborn = yield* Process.spawn(Stubborn)
      const asking = yield* Effect.provide(
        Process.spawn(Suicidal),
        Suicidal.toLayer(() => ProcessHost.stop())
      )
      yield* settle
      assert.isTrue(Exit.isFailure(yield* Process.await(asking)))
      const interrupted = yield* Effect.forkChild(ProcessHost.stop())
      yield* settle
      yield* Fiber.interrupt(interrupted)
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(ProcessEvent.isKilled(yield* Process.await(stubborn)))
      yield* ProcessHost.stop()
    }).pipe(Effect.provide(Layer.provideMerge(bodies, host)))
  )

  it.effect("a host that has stopped says so to whoever spawns, sends or calls, until another one takes its name", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Idle)
      yield* settle
      yield* ProcessHost.stop()
      assert.strictEqual((yield* Effect.flip(Process.send(pid, "poke")))._tag, "HostStopped")
      const parsed = (yield* Pid.parse(String(pid))) as typeof pid
      assert.strictEqual((yield* Effect.flip(Process.send(parsed, "poke")))._tag, "HostStopped")
      assert.strictEqual((yield* Effect.flip(Process.spawn(Idle)))._tag, "HostStopped")
      const named = Process.spawn(Idle, undefined, { host: "app:processes" })
      assert.strictEqual((yield* Effect.flip(named))._tag, "HostStopped")
      assert.deepStrictEqual(yield* ProcessHost.names, [])
      yield* Effect.provide(Process.spawn(Idle), ProcessHost.layer("app:processes"))
    }).pipe(Effect.provide(Layer.provideMerge(bodies, host)))
  )

  it.effect("a host stops when its layer's scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.provideMerge(bodies, host), scope)
      const pid = yield* Effect.provideContext(Process.spawn(Polite), context)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isSuccess(yield* Effect.provideContext(Process.await(pid), context)))
    })
  )

  it.effect("an application may have several hosts, which share names and resolve each other's pids", () =>
    Effect.gen(function* () {
      const here = yield* Process.spawn(Idle)
      const there = yield* Process.spawn(Idle, undefined, { host: "app:other", name: "there" })
      assert.deepStrictEqual([here.host, there.host], ["app:processes", "app:other"])
      assert.deepStrictEqual([...(yield* ProcessHost.names)].toSorted(), ["app:other", "app:processes"])
      yield* Process.send(Idle.named("there"), "poke")
      assert.strictEqual((yield* ProcessHost.stats("app:other")).queued, 1)
      assert.deepStrictEqual((yield* ProcessHost.list("app:other")).map(String), [String(there)])
      assert.deepStrictEqual(yield* ProcessHost.find("app:other", 1), Option.some(there))
      assert.isTrue(Option.isNone(yield* ProcessHost.find("app:other", 2)))
      assert.strictEqual((yield* Effect.flip(ProcessHost.list("app:unknown")))._tag, "HostNotFound")
    }).pipe(Effect.provide(bodies.pipe(Layer.provideMerge(host), Layer.provideMerge(ProcessHost.layer("app:other")))))
  )

  it.effect("a second host of one name is refused with HostAlreadyExists", () =>
    Effect.gen(function* () {
      const twice = Layer.merge(ProcessHost.layer("app:same"), ProcessHost.layer("app:same"))
      const exit = yield* Effect.exit(Effect.provide(Effect.void, twice))
      assert.include(String(exit), "HostAlreadyExists")
    })
  )

  for (const [name, options, option] of [
    ["a b", {}, "name"],
    ["", {}, "name"],
    ["a@b", {}, "name"],
    ["h", { inbox: { capacity: -1 } }, "inbox.capacity"],
    ["h", { timeSlice: 0 }, "timeSlice"],
    ["h", { timeSlice: "Infinity" }, "timeSlice"]
  ] satisfies Array<[string, ProcessHost.Options, string]>) {
    it.effect(`a host ${JSON.stringify(name)} with ${JSON.stringify(options)} is refused with InvalidOption`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.provide(Effect.void, ProcessHost.layer(name, options)))
        assert.isTrue(error._tag === "InvalidOption" && error.option === option)
      })
    )
  }

  it.live("W32 each of two hosts has its own run queue: one works on while the other is flooded", () =>
    Effect.gen(function* () {
      const Flood = Process.make("test:flood")
      const Calm = Process.make("test:calm")
      const naps = yield* Effect.gen(function* () {
        for (let i = 0; i < 10; i++) yield* Process.spawn(Flood, undefined, { host: "app:flooded" })
        return yield* Effect.flatten(Process.await(yield* Process.spawn(Calm, undefined, { host: "app:calm" })))
      }).pipe(
        Effect.provide([
          Flood.toLayer(() => Effect.forever(Effect.yieldNow)),
          Calm.toLayer(() => Effect.as(Effect.repeat(Effect.sleep("1 millis"), { times: 19 }), "rested"))
        ])
      )
      assert.strictEqual(naps, "rested")
    }).pipe(
      Effect.provide(Layer.merge(ProcessHost.layer("app:flooded"), ProcessHost.layer("app:calm"))),
      Effect.timeout("5 seconds")
    )
  )

  it.effect("an inbox that grows to its mark tells the process once each time", () =>
    Effect.gen(function* () {
      const Slow = Process.make("test:slow", {
        protocol: [Rpc.make("work"), Rpc.make("stop")],
        inbox: { highWater: 3 }
      })
      const SlowLive = Slow.toLayer(() =>
        Effect.gen(function* () {
          const marks: Array<number> = []
          const cases = { event: yield* Slow.events, message: yield* Slow.inbox }
          while (true) {
            const next = yield* Select.priority(cases)
            if (next._tag === "event" && next.value._tag === "InboxHigh") marks.push(next.value.length)
            if (next._tag === "message" && next.value.topic === "stop") return marks
          }
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Slow), SlowLive)
      for (let i = 0; i < 6; i++) yield* Process.send(pid, "work")
      yield* settle
      for (let i = 0; i < 3; i++) yield* Process.send(pid, "work")
      yield* settle
      yield* Process.send(pid, "stop")
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([3, 3]))
    }).pipe(Effect.provide(host))
  )
})
