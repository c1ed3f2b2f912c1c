import { assert, describe } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Ref, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, ProcessHost, Server } from "troupe"
import { both } from "../support/both.ts"
import { collect, type Logged } from "../support/logs.ts"
import { host } from "../support/processes.ts"

class Step extends Context.Service<Step, number>()("test/Step") {}

const Fault = Schema.Literals(["die", "interrupt", "fail"])
const Counter = Server.make("test:counter", {
  args: Schema.Struct({ from: Schema.Int }),
  protocol: [
    Rpc.make("increment"),
    Rpc.make("total", { success: Schema.Int }),
    Rpc.make("divide", { payload: Schema.Int, success: Schema.Int, error: Schema.String }),
    Rpc.make("break", { payload: Fault, error: Schema.String })
  ],
  state: Schema.Int
})

const CounterLive = Counter.toLayer(
  Effect.fnUntraced(function* ({ from }) {
    const step = yield* Step
    const total = yield* Counter.state(from)
    return Counter.of({
      handlers: {
        increment: () => Ref.update(total, (n) => n + step),
        total: () => Ref.get(total),
        divide: (by) =>
          by === 0 ? Effect.fail("division by zero") : Effect.map(Ref.get(total), (n) => Math.trunc(n / by)),
        break: (how) => {
          if (how === "die") return Effect.die(new Error("broken"))
          return how === "interrupt" ? Effect.interrupt : Effect.fail("typed")
        }
      }
    })
  })
).pipe(Layer.provide(Layer.succeed(Step, 1)))

const counting = Layer.merge(CounterLive, host)

describe("Server", () => {
  both("a server handles messages in order, and the outcome of a handler is the reply", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter, { from: 1 }, { name: "counter", timeout: "1 second" })
      for (let i = 0; i < 3; i++) yield* Process.send(pid, "increment")
      assert.strictEqual(yield* Process.call(Counter.named("counter"), "total"), 4)
      assert.strictEqual(yield* Process.call(pid, "divide", 2), 2)
      assert.strictEqual(yield* Effect.flip(Process.call(pid, "divide", 0)), "division by zero")
      assert.strictEqual(yield* Process.call(pid, "total"), 4)
    }).pipe(Effect.provide(counting))
  )

  both("a typed error that nobody waits for is a warning, and the server lives", () => {
    const logs: Array<Logged> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Counter, { from: 1 })
      yield* Process.send(pid, "break", "fail")
      assert.strictEqual(yield* Process.call(pid, "total"), 1)
      assert.deepStrictEqual(
        logs.map(({ level }) => level),
        ["Warn"]
      )
      assert.include(logs[0]!.message, '"break"')
      assert.include(logs[0]!.message, "test:counter")
    }).pipe(Effect.provide(Layer.provideMerge(counting, collect(logs))))
  })

  both(
    "P5 a failing server is reported once, with its state and the last message, and the caller sees its exit",
    () => {
      const logs: Array<Logged> = []
      return Effect.gen(function* () {
        const pid = yield* Process.start(Counter, { from: 1 })
        yield* Process.send(pid, "increment")
        const error = yield* Effect.flip(Process.call(pid, "break", "die"))
        assert.strictEqual(typeof error === "string" ? error : error._tag, "CalleeExited")
        const exit = yield* Process.await(pid)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        yield* Effect.sleep("1 milli")
        assert.deepStrictEqual(
          logs.map(({ annotations, level }) => [level, annotations["state"], annotations["lastMessage"]]),
          [["Error", 2, "break"]]
        )
      }).pipe(Effect.provide(Layer.provideMerge(counting, collect(logs))))
    }
  )

  both("P5 orderly ends log nothing", () => {
    const logs: Array<Logged> = []
    return Effect.gen(function* () {
      const [stopped, cancelled, terminated, killed] = yield* Effect.all(
        Array.from({ length: 4 }, () => Process.start(Counter, { from: 1 }))
      )
      yield* Server.stop(stopped!)
      yield* Process.cancel(cancelled!)
      assert.deepStrictEqual(yield* Process.await(cancelled!), Exit.void)
      yield* Process.terminate(terminated!)
      yield* Process.kill(killed!)
      const interrupted = yield* Process.start(Counter, { from: 1 })
      const error = yield* Effect.flip(Process.call(interrupted, "break", "interrupt"))
      assert.strictEqual(typeof error === "string" ? error : error._tag, "CalleeExited")
      const exit = yield* Process.await(interrupted)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.deepStrictEqual(logs, [])
    }).pipe(Effect.provide(Layer.provideMerge(counting, collect(logs))))
  })

  both("an init that fails fails the start, and its scope is that of the process", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Fragile = Server.make("test:fragile", { args: Schema.String })
      const FragileLive = Fragile.toLayer(
        Effect.fnUntraced(function* (how) {
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("released")))
          if (how === "fail") return yield* Effect.fail("no disk")
          return Fragile.of({ handlers: {} })
        })
      )
      yield* Effect.gen(function* () {
        const failed = yield* Effect.flip(Process.start(Fragile, "fail"))
        assert.strictEqual(failed._tag, "StartFailed")
        assert.include(failed.message, "no disk")
        assert.deepStrictEqual(log, ["released"])
        const pid = yield* Process.start(Fragile, "live")
        yield* Process.terminate(pid)
        assert.deepStrictEqual(log, ["released", "released"])
      }).pipe(Effect.provide(Layer.provide(FragileLive, collect([]))))
    }).pipe(Effect.provide(host))
  )

  both("P28 a deferred reply is given once, from wherever its message is, and a second one is a typed error", () =>
    Effect.gen(function* () {
      const Ask = Rpc.make("ask", { success: Schema.Int })
      const Deferring = Server.make("test:deferring", {
        protocol: [Ask, Rpc.make("settle", { success: Schema.String })]
      })
      const DeferringLive = Deferring.toLayer(() =>
        Effect.sync(() => {
          const asked: Array<Message.Of<typeof Ask>> = []
          return Deferring.of({
            handlers: {
              ask: (_, message) =>
                Effect.sync(() => {
                  asked.push(message)
                  return Server.later
                }),
              settle: Effect.fnUntraced(function* () {
                const message = asked[0]!
                yield* Effect.orDie(Message.reply(message, 1))
                const again = yield* Effect.exit(Message.reply(message, 2))
                return Exit.isFailure(again) ? String(Cause.squash(again.cause)) : "nothing"
              })
            }
          })
        })
      )
      yield* Effect.gen(function* () {
        const pid = yield* Process.start(Deferring)
        const asking = yield* Effect.forkChild(Process.call(pid, "ask"))
        yield* Effect.sleep("1 milli")
        assert.isUndefined(asking.pollUnsafe())
        assert.include(yield* Process.call(pid, "settle"), "AlreadyReplied")
        assert.strictEqual(yield* Fiber.join(asking), 1)
      }).pipe(Effect.provide(DeferringLive))
    }).pipe(Effect.provide(host))
  )

  both("an outcome that comes after the reply is dropped with a warning", () => {
    const logs: Array<Logged> = []
    return Effect.gen(function* () {
      const Double = Rpc.make("double", { success: Schema.Int })
      const Twice = Server.make("test:twice", { protocol: [Double] })
      const TwiceLive = Twice.toLayer(() =>
        Effect.succeed(
          Twice.of({ handlers: { double: (_, message) => Effect.as(Effect.orDie(Message.reply(message, 1)), 2) } })
        )
      )
      const pid = yield* Effect.provide(Process.start(Twice), TwiceLive)
      assert.strictEqual(yield* Process.call(pid, "double"), 1)
      yield* Effect.sleep("1 milli")
      assert.include(logs[0]?.message, "Server.later")
    }).pipe(Effect.provide(Layer.provideMerge(host, collect(logs))))
  })

  both("P11 continuations run before what waits, in order, and may add others", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const say = (what: string) => Effect.sync(() => void log.push(what))
      const Chain = Server.make("test:chain", { protocol: [Rpc.make("go")] })
      const ChainLive = Chain.toLayer(
        Effect.fnUntraced(function* () {
          yield* Server.continueWith(Effect.andThen(say("a"), Server.continueWith(say("b"))))
          return Chain.of({
            handlers: { go: () => Effect.andThen(say("go"), Server.continueWith(say("after go"))) }
          })
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Chain), ChainLive)
      yield* Process.send(pid, "go")
      yield* Process.send(pid, "go")
      yield* Server.stop(pid)
      assert.deepStrictEqual(log, ["a", "b", "go", "after go", "go", "after go"])
    }).pipe(Effect.provide(host))
  )

  both("a continuation sees what is given where it is asked for, and its failure ends the server", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const Given = Server.make("test:given", { protocol: [Rpc.make("go")] })
      const GivenLive = Given.toLayer(
        Effect.fnUntraced(function* () {
          yield* Effect.provideService(Server.continueWith(Effect.map(Step, (step) => void seen.push(step))), Step, 7)
          return Given.of({ handlers: { go: () => Server.continueWith(Effect.fail("over")) } })
        })
      )
      const pid = yield* Effect.provide(Process.start(Given), GivenLive)
      yield* Process.send(pid, "go")
      assert.deepStrictEqual(yield* Process.await(pid), Exit.fail("over"))
      assert.deepStrictEqual(seen, [7])
    }).pipe(Effect.provide(Layer.provideMerge(host, collect([]))))
  )

  both("P41 a message of another topic is refused at the door; one that is let in goes to info, or is dropped", () => {
    const logs: Array<Logged> = []
    return Effect.gen(function* () {
      const Total = Rpc.make("total", { success: Schema.Int })
      const Open = Server.make("test:open", { args: Schema.Boolean, protocol: [Total], otherTopics: "accepted" })
      const OpenLive = Open.toLayer((handles) =>
        Effect.sync(() => {
          let total = 0
          const handlers = { total: () => Effect.sync(() => total) }
          return handles
            ? Open.of({
                handlers,
                info: ({ payload }) => Effect.sync(() => (total += Number(payload)))
              })
            : Open.of({ handlers })
        })
      )
      const closed = yield* Process.start(Counter, { from: 1 })
      const refusal = yield* Effect.flip(Process.send(closed, "raw" as "increment"))
      assert.strictEqual(refusal._tag === "InvalidMessage" && refusal.reason, "UnknownTopic")
      yield* Effect.gen(function* () {
        const handling = yield* Process.start(Open, true)
        yield* Process.send(handling, "raw" as "total", 5 as never)
        assert.strictEqual(yield* Process.call(handling, "total"), 5)
        const reserved = yield* Effect.flip(Process.send(handling, "@raw" as "total"))
        assert.strictEqual(reserved._tag === "InvalidMessage" && reserved.reason, "ReservedTopic")
        assert.deepStrictEqual(logs, [])
        const ignoring = yield* Process.start(Open, false)
        yield* Process.send(ignoring, "toString" as "total", 5 as never)
        assert.strictEqual(yield* Process.call(ignoring, "total"), 0)
        assert.include(logs[0]?.message, '"toString"')
        assert.strictEqual(logs[0]?.level, "Warn")
      }).pipe(Effect.provide(OpenLive))
    }).pipe(Effect.provide(Layer.provideMerge(counting, collect(logs))))
  })

  both("a cancelled server finishes what it is at and ends with a success; what waits is a dead letter", () =>
    Effect.gen(function* () {
      const Slow = Server.make("test:slow", { protocol: [Rpc.make("work", { success: Schema.Int })] })
      const SlowLive = Slow.toLayer(() =>
        Effect.succeed(Slow.of({ handlers: { work: () => Effect.as(Effect.sleep("1 second"), 1) } }))
      )
      const pid = yield* Effect.provide(Process.start(Slow), SlowLive)
      const first = yield* Effect.forkChild(Process.call(pid, "work"))
      yield* Effect.sleep("1 milli")
      const second = yield* Effect.forkChild(Effect.flip(Process.call(pid, "work")))
      yield* Effect.sleep("1 milli")
      yield* Process.cancel(pid)
      assert.strictEqual(yield* Fiber.join(first), 1)
      assert.strictEqual((yield* Fiber.join(second))._tag, "CalleeExited")
      assert.deepStrictEqual(yield* Process.await(pid), Exit.void)
      assert.strictEqual((yield* ProcessHost.stats()).deadLetters, 1)
    }).pipe(Effect.provide(host))
  )

  both("events go to their handler, before messages, and it decides about Cancel", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Child = Process.make("test:child")
      const Watcher = Server.make("test:watcher", { protocol: [Rpc.make("noop")] })
      const WatcherLive = Watcher.toLayer(
        Effect.fnUntraced(function* () {
          yield* Process.spawnMonitored(Child)
          return Watcher.of({
            handlers: { noop: () => Effect.sync(() => void log.push("noop")) },
            events: (event) =>
              Effect.suspend(() => {
                log.push(event._tag)
                return log.filter((tag) => tag === "Cancel").length === 2
                  ? Process.exit(Exit.succeed("told twice"))
                  : Effect.void
              })
          })
        })
      )
      const live = Layer.provide(
        WatcherLive,
        Child.toLayer(() => Effect.void)
      )
      const pid = yield* Effect.provide(Process.start(Watcher), live)
      yield* Effect.sleep("1 milli")
      yield* Process.cancel(pid)
      yield* Effect.sleep("1 milli")
      yield* Process.send(pid, "noop")
      yield* Effect.sleep("1 milli")
      yield* Process.cancel(pid)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed("told twice"))
      assert.deepStrictEqual(log, ["Exit", "Cancel", "noop", "Cancel"])
    }).pipe(Effect.provide(host))
  )

  both("a host that stops waits for what its servers are at", () =>
    Effect.gen(function* () {
      const done: Array<string> = []
      const Slow = Server.make("test:slow", { protocol: [Rpc.make("work")] })
      const SlowLive = Slow.toLayer(() =>
        Effect.succeed(
          Slow.of({
            handlers: {
              work: () =>
                Effect.andThen(
                  Effect.sleep("1 second"),
                  Effect.sync(() => void done.push("work"))
                )
            }
          })
        )
      )
      const pid = yield* Effect.provide(Process.start(Slow), SlowLive)
      yield* Process.send(pid, "work")
      yield* Effect.sleep("1 milli")
      yield* ProcessHost.stop()
      assert.deepStrictEqual(done, ["work"])
      assert.deepStrictEqual(yield* Process.await(pid), Exit.void)
    }).pipe(Effect.provide(host))
  )

  both("a server may have no messages at all", () =>
    Effect.gen(function* () {
      const Empty = Server.make("test:empty")
      const EmptyLive = Empty.toLayer(() => Effect.succeed(Empty.of({ handlers: {} })))
      const pid = yield* Effect.provide(Process.start(Empty), EmptyLive)
      yield* Server.stop(pid)
      assert.deepStrictEqual(yield* ProcessHost.list(), [])
    }).pipe(Effect.provide(host))
  )

  both("a sender that waited for space is told when the server takes a message, whatever its handler waits for", () =>
    Effect.gen(function* () {
      const Narrow = Server.make("test:narrow", { protocol: [Rpc.make("hang")], inbox: { capacity: 1 } })
      const NarrowLive = Narrow.toLayer(() => Effect.succeed(Narrow.of({ handlers: { hang: () => Effect.never } })))
      const pid = yield* Effect.provide(Process.start(Narrow), NarrowLive)
      const senders = [
        yield* Effect.forkChild(Process.send(pid, "hang")),
        yield* Effect.forkChild(Process.send(pid, "hang"))
      ]
      for (const sender of senders) yield* Fiber.join(sender)
      assert.strictEqual((yield* Process.info(pid)).queued, 1)
    }).pipe(Effect.provide(host))
  )
})
