import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Equal, Exit, Layer, Logger, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Policy, Process, ProcessHost, Registry } from "troupe"
import { Processes } from "../../src/command/index.ts"
import { receive } from "../../src/command/internal/processes.ts"
import { lossesOf } from "../support/interruptions.ts"
import { host, inProcess } from "../support/processes.ts"
import { crossing } from "./crossing.ts"

class Broken extends Schema.TaggedError<Broken>()("Broken", { part: Schema.String }) {}

const Job = Rpc.make("job", {
  payload: { due: Schema.Date, reply: Pid.of(Rpc.make("done", { payload: Schema.Date })) }
})
const Done = Rpc.make("done", { payload: Schema.Date })
const Worker = Process.make("test:worker", { args: Schema.Date, protocol: [Job], success: Schema.Date })
const Failing = Process.make("test:failing")
const Idle = Process.make("test:idle", { protocol: [Rpc.make("nudge")] })
const Boss = Process.make("test:boss", { protocol: [Done, Rpc.make("stop")] })

const log: Array<string> = []
const WorkerLive = Worker.toLayer(
  Effect.fn(function* (since) {
    const { payload } = yield* Worker.receive()
    yield* Process.send(payload.reply, "done", payload.due)
    return new Date(payload.due.getTime() - since.getTime())
  })
)
const FailingLive = Failing.toLayer(() => Effect.fail(new Broken({ part: "axle" })))
const IdleLive = Idle.toLayer(() =>
  Effect.ensuring(
    Effect.never,
    Effect.sync(() => log.push("idle has ended"))
  )
)

const bodies = Layer.mergeAll(WorkerLive, FailingLive, IdleLive)
const live = Layer.mergeAll(Processes.layer([Worker, Failing, Idle]), crossing).pipe(
  Layer.provideMerge(bodies),
  Layer.provideMerge(Layer.merge(host, Logger.layer([])))
)

/** Runs it as the body of a process that takes what the boss takes. */
const boss = <A, E, R>(body: Effect.Effect<A, E, R>, policy?: Policy.Policy) =>
  Effect.gen(function* () {
    const pid = yield* Process.spawn(Boss, undefined, { policy })
    return (yield* Process.await(pid)) as Exit.Exit<A, unknown>
  }).pipe(Effect.provide(Boss.toLayer(() => body)))

describe("process", () => {
  it.effect("D18 process: spawn, send, receive and the exit of a monitored process cross the schemas", () =>
    Effect.gen(function* () {
      const exit = yield* boss(
        Effect.gen(function* () {
          const self = yield* Processes.self
          const { monitor, pid } = yield* Processes.spawnMonitored(Worker, new Date(1000))
          yield* Processes.send(Worker, pid, "job", { due: new Date(4000), reply: self as never })
          const message = yield* Processes.receive(Boss, "done")
          const event = yield* Processes.nextEvent
          assert.strictEqual(event._tag, "Exit")
          assert.isTrue(event._tag === "Exit" && event.monitor === monitor && !event.killed)
          return [
            message.payload,
            String(message.sender) === String(pid),
            event._tag === "Exit" ? event.exit : undefined
          ]
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed([new Date(4000), true, Exit.succeed(new Date(3000).toISOString())]))
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 process: monitors and links are those of the process that yields", () =>
    Effect.gen(function* () {
      const exit = yield* boss(
        Effect.gen(function* () {
          yield* Process.trapExits
          const idle = yield* Processes.spawn(Idle)
          yield* Processes.link(idle)
          const monitor = yield* Processes.monitor(idle)
          const before = yield* Process.info(idle)
          yield* Processes.kill(idle)
          const events = [yield* Processes.nextEvent, yield* Processes.nextEvent]
          return {
            linked: before.links.map(String),
            watchers: before.watchers,
            self: String(yield* Processes.self),
            killed: events.map((event) => "killed" in event && event.killed),
            tags: events.map(({ _tag }) => _tag).toSorted(),
            monitors: events.flatMap((event) => (event._tag === "Exit" ? [event.monitor === monitor] : []))
          }
        })
      )
      assert.isTrue(Exit.isSuccess(exit))
      if (!Exit.isSuccess(exit)) return
      const { killed, linked, monitors, self, tags, watchers } = exit.value
      assert.deepStrictEqual([linked, watchers], [[self], 1])
      assert.deepStrictEqual([killed, tags, monitors], [[true, true], ["Exit", "LinkDown"], [true]])
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "D18 process: a linked child's failure ends the parent, and a typed error is read as its schema has it",
    () =>
      Effect.gen(function* () {
        const ended = yield* boss(Effect.andThen(Processes.spawnLinked(Failing), Effect.never))
        assert.deepStrictEqual(ended, Exit.fail(new Broken({ part: "axle" })))
        const told = yield* boss(
          Effect.gen(function* () {
            yield* Processes.spawnMonitored(Failing)
            const event = yield* Processes.nextEvent
            return event._tag === "Exit" ? event.exit : undefined
          })
        )
        assert.deepStrictEqual(told, Exit.succeed(Exit.fail({ _tag: "Broken", part: "axle" })))
      }).pipe(Effect.provide(live))
  )

  it.effect("D18 process: terminate waits for finalizers, cancel is an event, and the dead are not found", () =>
    Effect.gen(function* () {
      log.length = 0
      const exit = yield* boss(
        Effect.gen(function* () {
          const idle = yield* Processes.spawn(Idle, undefined, { name: "idle" })
          const same = yield* Processes.spawn(Idle, undefined, { name: "idle" })
          yield* Effect.yieldNow
          yield* Processes.terminate(idle)
          log.push("terminated")
          const self = yield* Processes.self
          yield* Processes.cancel(self, "closing time")
          const event = yield* Processes.nextEvent
          const errors = [
            yield* Effect.flip(Processes.terminate(idle)),
            yield* Effect.flip(Processes.kill(idle)),
            yield* Effect.flip(Processes.cancel(idle)),
            yield* Effect.flip(Processes.link(idle)),
            yield* Effect.flip(Processes.send(Idle, idle, "nudge")),
            yield* Effect.flip(Processes.send(Idle, Idle.named("idle"), "nudge"))
          ]
          yield* Processes.monitor(idle)
          const gone = yield* Processes.nextEvent
          return { same: String(same) === String(idle), event, errors: errors.map(({ _tag }) => _tag), gone, self }
        })
      )
      if (!Exit.isSuccess(exit)) return assert.fail(Cause.pretty(exit.cause))
      const { errors, event, gone, same, self } = exit.value
      assert.deepStrictEqual(log, ["idle has ended", "terminated"])
      assert.isTrue(same)
      assert.deepStrictEqual(event, { _tag: "Cancel", from: self, reason: "closing time" })
      assert.deepStrictEqual(
        errors,
        Array.from({ length: 6 }, () => "ProcessNotFound")
      )
      assert.deepInclude(gone, { _tag: "Exit" })
      assert.include(JSON.stringify(gone), "NoProcess")
      return undefined
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 process: what came past the types is a typed error that names the next step", () =>
    inProcess(
      Effect.gen(function* () {
        const spawn = Processes.commands.spawn
        const base = { args: null, link: false, monitor: false }
        const unknown = yield* Effect.flip(Process.yield(spawn, { ...base, process: "test:nobody" }))
        assert.strictEqual(unknown._tag, "UnknownProcess")
        assert.include(unknown.message, "test:worker, test:failing, test:idle")
        const args = yield* Effect.flip(Process.yield(spawn, { ...base, process: "test:worker", args: "noon" }))
        assert.strictEqual(args._tag, "InvalidArguments")
        const place = yield* Effect.flip(Processes.spawn(Idle, undefined, { host: "nowhere" }))
        assert.strictEqual(place._tag, "HostNotFound")
        assert.strictEqual((yield* ProcessHost.stats()).spawned, 1)

        const worker = yield* Processes.spawn(Worker, new Date(0))
        const to = { pid: worker }
        const payload = yield* Effect.flip(Process.yield(Processes.commands.send, { to, topic: "job", payload: 7 }))
        assert.deepInclude(payload, { _tag: "InvalidMessage", reason: "InvalidPayload" })
        const topic = yield* Effect.flip(Process.yield(Processes.commands.send, { to, topic: "jobs", payload: null }))
        assert.deepInclude(topic, { _tag: "InvalidMessage", reason: "UnknownTopic" })
        assert.deepStrictEqual("request" in topic && topic.request, { topic: "jobs", payload: null })
        assert.strictEqual((yield* Process.info(worker)).queued, 0)
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 process: a child that yields commands itself has the policy of the process that spawned it", () => {
    const Child = Process.make("test:child")
    const ChildLive = Child.toLayer(() => Effect.map(Effect.flip(Processes.self), ({ _tag }) => _tag))
    const policy = Policy.allow(Processes.commands.spawn, Processes.commands.nextEvent)
    return Effect.gen(function* () {
      const exit = yield* boss(
        Effect.gen(function* () {
          const denied = yield* Effect.flip(
            Policy.within(Processes.spawn(Child), Policy.allow(Processes.commands.self))
          )
          assert.strictEqual((yield* ProcessHost.stats()).spawned, 1)
          yield* Processes.spawnMonitored(Child)
          const event = yield* Processes.nextEvent
          return [denied._tag, event._tag === "Exit" ? event.exit : event._tag]
        }),
        policy
      )
      assert.isTrue(Equal.equals(exit, Exit.succeed(["CommandDenied", Exit.succeed("CommandDenied")])))
    }).pipe(Effect.provide([Processes.layer([Child], ChildLive), host]))
  })

  it.effect("D18 process: a child sees what its spawner sees, and not the services of the handlers", () => {
    class Who extends Context.Service<Who, string>()("test/Who") {}
    class Tenant extends Context.Service<Tenant, string>()("test/Tenant") {}
    const Child = Process.make("test:child", { success: Schema.String })
    const ChildLive = Child.toLayer(() =>
      Effect.gen(function* () {
        return `${yield* Who} for ${Option.getOrElse(yield* Effect.serviceOption(Tenant), () => "nobody")}`
      })
    ).pipe(Layer.provide(Layer.succeed(Who, "the child")))
    const handlers = Processes.layer([Child], ChildLive).pipe(Layer.provide(Layer.succeed(Who, "a handler")))
    return Effect.gen(function* () {
      const exit = yield* boss(
        Effect.gen(function* () {
          yield* Effect.provideService(Processes.spawnMonitored(Child), Tenant, "Ada")
          const event = yield* Processes.nextEvent
          return event._tag === "Exit" ? event.exit : event._tag
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed(Exit.succeed("the child for Ada")))
    }).pipe(Effect.provide([handlers, host]))
  })

  it.effect("D18 process: handlers that are built inside a process act for whoever yields", () => {
    const Child = Process.make("test:child", { success: Schema.String })
    const ChildLive = Child.toLayer(() => Effect.map(Processes.self, String))
    return inProcess(
      Effect.gen(function* () {
        const pid = yield* Process.spawn(Child)
        assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(String(pid)))
        assert.notStrictEqual(String(pid), String(yield* Process.self))
      }).pipe(Effect.provide(ChildLive), Effect.provide(Processes.layer([])))
    ).pipe(Effect.provide(host))
  })

  it.effect("D18 process: an interrupted receive takes nothing", () =>
    Effect.gen(function* () {
      const exit = yield* boss(
        Effect.gen(function* () {
          yield* Registry.register("boss")
          const waiting = yield* Process.yieldAsync(Processes.commands.receive, {})
          yield* waiting.cancel
          yield* Processes.send(Boss, Boss.named("boss"), "stop")
          return (yield* Processes.receive(Boss)).topic
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed("stop"))
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 process: a receive that is interrupted at whichever operation leaves the message in the inbox", () =>
    Effect.gen(function* () {
      const exit = yield* boss(
        Effect.gen(function* () {
          const inbox = yield* Boss.inbox
          const pid = yield* Boss.self
          yield* Process.send(pid, "stop")
          return yield* lossesOf(receive(undefined), (exit) =>
            Effect.gen(function* () {
              const left = Exit.isFailure(exit) ? inbox.pollUnsafe() : undefined
              yield* Process.send(pid, "stop")
              return Exit.isFailure(exit) && left === undefined
            })
          )
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed([]))
    }).pipe(Effect.provide(live))
  )
})
