import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { DeadLetter, Message, Pid, Process, ProcessHost, Registry, Selectable } from "troupe"
import { host, inProcess, ownClock, settle } from "../support/processes.ts"

const Number = Rpc.make("number", { payload: Schema.Finite })
const Text = Rpc.make("text", { payload: Schema.String })
const Go = Rpc.make("go")

/** Takes as many messages as it is told to, after a `go`, and returns them. */
const Collector = Process.make("test:collector", { args: Schema.Int, protocol: [Number, Text, Go] })
const CollectorLive = Collector.toLayer(
  Effect.fn(function* (count) {
    yield* Collector.receive("go")
    const taken: Array<unknown> = []
    while (taken.length < count) taken.push((yield* Collector.receive()).payload)
    return taken
  })
)
const live = Layer.provideMerge(CollectorLive, host)
const result = (pid: Pid.Pid) => Effect.flatten(Process.await(pid))

describe("messages", () => {
  it.effect("W1 a message to a process that is not reading yet is queued, and received when it reads", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Collector, 1)
      yield* Process.send(pid, "number", 1)
      yield* settle
      assert.strictEqual((yield* Process.info(pid)).queued, 1)
      yield* Process.send(pid, "go")
      assert.deepStrictEqual(yield* result(pid), [1])
    }).pipe(Effect.provide(live))
  )

  it.effect("W2 W5 messages of one sender are received in order, also those sent before the first read", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Collector, 10)
      for (let i = 0; i < 5; i++) yield* Process.send(pid, "number", i)
      yield* Process.send(pid, "go")
      yield* settle
      for (let i = 5; i < 10; i++) yield* Process.send(pid, "number", i)
      assert.deepStrictEqual(yield* result(pid), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "P43 messages of one sender keep their order across topics, and selecting some keeps the order of the rest",
    () =>
      Effect.gen(function* () {
        const pid = yield* Process.spawn(Collector, 4)
        yield* Process.send(pid, "number", 1)
        yield* Process.send(pid, "text", "a")
        yield* Process.send(pid, "go")
        yield* Process.send(pid, "number", 2)
        yield* Process.send(pid, "text", "b")
        assert.deepStrictEqual(yield* result(pid), [1, "a", 2, "b"])
      }).pipe(Effect.provide(live))
  )

  it.effect("W3 W8 a listener takes its topic alone, and the inbox gets it again when the listener is gone", () =>
    Effect.gen(function* () {
      const Split = Process.make("test:split", { protocol: [Number, Text, Go] })
      const body = Effect.fnUntraced(function* () {
        const heard = yield* Effect.scoped(
          Effect.gen(function* () {
            const texts = yield* Split.listen("text")
            yield* Process.send(yield* Split.self, "number", 1)
            yield* Process.send(yield* Split.self, "text", "a")
            yield* Process.send(yield* Split.self, "number", 2)
            yield* Process.send(yield* Split.self, "text", "b")
            assert.strictEqual(texts.length, 2)
            assert.strictEqual((yield* Split.inbox).length, 2)
            return (yield* Selectable.take(texts)).payload
          })
        )
        yield* Process.send(yield* Split.self, "text", "c")
        const rest: Array<unknown> = []
        while (rest.length < 4) rest.push((yield* Split.receive()).payload)
        return [heard, ...rest]
      })
      const pid = yield* Effect.provide(Process.spawn(Split), Split.toLayer(body))
      // "b" was accepted between 2 and "c": it has its place, though the listener never took it.
      assert.deepStrictEqual(yield* result(pid), ["a", 1, 2, "b", "c"])
    }).pipe(Effect.provide(host))
  )

  it.effect("W3 a listener takes what waits in the inbox, too; a topic listened to twice has one source", () =>
    Effect.gen(function* () {
      const Late = Process.make("test:late", { protocol: [Number, Text] })
      const body = Effect.fnUntraced(function* () {
        for (const text of ["a", "b"]) yield* Process.send(yield* Late.self, "text", text)
        yield* Process.send(yield* Late.self, "number", 1)
        const texts = yield* Late.listen("text")
        assert.deepStrictEqual([texts.length, (yield* Late.inbox).length], [2, 1])
        yield* Effect.scoped(Late.listen("text"))
        assert.strictEqual(yield* Late.listen("text"), texts)
        return (yield* Selectable.take(texts)).payload
      })
      const pid = yield* Effect.provide(Process.spawn(Late), Late.toLayer(body))
      assert.strictEqual(yield* result(pid), "a")
    }).pipe(Effect.provide(host))
  )

  it.effect("W4 a topic that begins with @ is refused with a typed error, and can't be in a protocol", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Collector, 1)
      const error = yield* Effect.flip(Process.send(pid, "@cancel" as "go"))
      assert.strictEqual(error._tag, "InvalidMessage")
      assert.strictEqual(error._tag === "InvalidMessage" && error.reason, "ReservedTopic")
      assert.strictEqual((yield* Process.info(pid)).queued, 0)
    }).pipe(Effect.provide(live))
  )

  it.effect("W6 asking for the inbox or the events twice gives the same source", () =>
    Effect.gen(function* () {
      const Same = Process.make("test:same", { protocol: [Go] })
      const SameLive = Same.toLayer(() =>
        Effect.gen(function* () {
          return [(yield* Same.inbox) === (yield* Same.inbox), (yield* Same.events) === (yield* Same.events)]
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Same), SameLive)
      assert.deepStrictEqual(yield* result(pid), [true, true])
    }).pipe(Effect.provide(host))
  )

  it.effect("W7 a message carries topic, payload and sender; from outside of any process there is none", () =>
    Effect.gen(function* () {
      const Reader = Process.make("test:reader", { protocol: [Text] })
      const ReaderLive = Reader.toLayer(() => Reader.receive())
      const outside = yield* Effect.provide(Process.spawn(Reader), ReaderLive)
      yield* Process.send(outside, "text", "hello")
      const message = (yield* result(outside)) as Message.Of<typeof Text>
      assert.isTrue(Message.isMessage(message))
      assert.deepStrictEqual([message.topic, message.payload, message.sender], ["text", "hello", undefined])

      const inside = yield* Effect.provide(Process.spawn(Reader), ReaderLive)
      const sender = yield* inProcess(Effect.tap(Process.self, () => Process.send(inside, "text", "hi")))
      assert.deepStrictEqual(String(((yield* result(inside)) as Message.Of<typeof Text>).sender), String(sender))
    }).pipe(Effect.provide(host))
  )

  it.effect("W9 P8 a send or call to a process that has ended, or never was, fails at once with ProcessNotFound", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Collector, 0)
      yield* Process.send(pid, "go")
      yield* Process.await(pid)
      const never = yield* Pid.parse("{app:processes|0x00fff}")
      const elsewhere = yield* Pid.parse("{other:host|0x00001}")
      for (const error of [
        yield* Effect.flip(Process.send(pid, "number", 1)),
        yield* Effect.flip(Process.call(pid, "number", 1)),
        yield* Effect.flip(Process.send(never as typeof pid, "number", 1)),
        yield* Effect.flip(Process.send(elsewhere as typeof pid, "number", 1)),
        yield* Effect.flip(Process.send(Collector.named("nobody"), "number", 1))
      ]) {
        assert.strictEqual(error._tag, "ProcessNotFound")
        assert.include((error as Error).message, "There is no process")
      }
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "W9 a send to a process that is ending fails with ProcessClosed, to one of a stopped host with HostStopped",
    () =>
      Effect.gen(function* () {
        yield* ownClock
        const Slow = Process.make("test:slow", { protocol: [Go] })
        const SlowLive = Slow.toLayer(() => Effect.onExit(Effect.never, () => Effect.sleep("1 second")))
        const pid = yield* Effect.provide(Process.spawn(Slow), SlowLive)
        yield* settle
        const stopping = yield* Effect.forkChild(Process.terminate(pid))
        yield* settle
        assert.strictEqual((yield* Effect.flip(Process.send(pid, "go")))._tag, "ProcessClosed")
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(stopping)
        assert.strictEqual((yield* Effect.flip(Process.send(pid, "go")))._tag, "ProcessNotFound")

        const other = yield* Effect.provide(Process.spawn(Slow), SlowLive)
        yield* settle
        const stop = yield* Effect.forkChild(ProcessHost.stop())
        yield* settle
        assert.strictEqual((yield* Effect.flip(Process.send(other, "go")))._tag, "HostStopped")
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(stop)
      }).pipe(Effect.provide(host))
  )

  it.effect("W10 a send by name delivers, and the reply comes back by pid", () =>
    Effect.gen(function* () {
      const Pong = Rpc.make("pong", { payload: Schema.Finite })
      const Ping = Rpc.make("ping", { payload: { from: Pid.of(Pong), n: Schema.Finite } })
      const Server = Process.make("test:server", { protocol: [Ping] })
      const Client = Process.make("test:client", { protocol: [Pong] })
      const ServerLive = Server.toLayer(
        Effect.fn(function* () {
          yield* Registry.register("server")
          const { payload } = yield* Server.receive()
          yield* Process.send(payload.from, "pong", payload.n + 1)
        })
      )
      const ClientLive = Client.toLayer(
        Effect.fn(function* () {
          yield* Process.send(Server.named("server"), "ping", { from: yield* Client.self, n: 1 })
          return (yield* Client.receive()).payload
        })
      )
      const answer = yield* Effect.gen(function* () {
        yield* Process.spawn(Server)
        yield* settle
        return yield* result(yield* Process.spawn(Client))
      }).pipe(Effect.provide([ServerLive, ClientLive]))
      assert.strictEqual(answer, 2)
    }).pipe(Effect.provide(host))
  )

  it.effect("P10 a send never waits: no virtual time passes, whoever it goes to", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Collector, 1)
      // Nobody advances the clock, so that anything that waited for time would hang this test.
      for (let i = 0; i < 100; i++) yield* Process.send(pid, "number", i)
      yield* Effect.flip(Process.send(Collector.named("nobody"), "number", 1))
      assert.strictEqual((yield* Process.info(pid)).queued, 100)
    }).pipe(Effect.provide(live))
  )

  it.effect("a payload or topic that came past the types is refused, and nothing is queued", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Collector, 1)
      const payload = yield* Effect.flip(Process.send(pid, "number", "one" as never))
      assert.strictEqual(payload._tag === "InvalidMessage" && payload.reason, "InvalidPayload")
      assert.include((payload as Error).message, "number")
      const topic = yield* Effect.flip(Process.send(pid, "unheard" as "go"))
      assert.strictEqual(topic._tag === "InvalidMessage" && topic.reason, "UnknownTopic")
      assert.include((topic as Error).message, `"number", "text", "go"`)
      assert.strictEqual((yield* ProcessHost.stats()).sent, 0)
    }).pipe(Effect.provide(live))
  )

  it.effect("payloads pass by reference; on a frozen host they are frozen deeply, on a trusted one not looked at", () =>
    Effect.gen(function* () {
      const Box = Rpc.make("box", { payload: Schema.Struct({ inner: Schema.Struct({ n: Schema.Finite }) }) })
      const Keeper = Process.make("test:keeper", { protocol: [Box] })
      const KeeperLive = Keeper.toLayer(() => Effect.map(Keeper.receive(), (message) => message.payload))
      const given = (payloads: "checked" | "frozen" | "trusted", payload: { inner: { n: number } }) =>
        Effect.gen(function* () {
          const pid = yield* Process.spawn(Keeper)
          yield* Process.send(pid, "box", payload)
          return yield* result(pid)
        }).pipe(Effect.provide(Layer.provideMerge(KeeperLive, ProcessHost.layer("h", { payloads }))))
      const checked = { inner: { n: 1 } }
      assert.strictEqual(yield* given("checked", checked), checked)
      assert.isFalse(Object.isFrozen(checked.inner))
      const frozen = { inner: { n: 1 } }
      assert.strictEqual(yield* given("frozen", frozen), frozen)
      assert.isTrue(Object.isFrozen(frozen.inner))
      const shallow = Object.freeze({ inner: { n: 1 } })
      yield* given("frozen", shallow)
      assert.isTrue(Object.isFrozen(shallow.inner))
      assert.strictEqual(yield* given("trusted", 7 as never), 7)
    })
  )
})

describe("dead letters", () => {
  it.effect("what a process never took is a dead letter with its reason, and the count adds up", () =>
    Effect.gen(function* () {
      const letters = yield* DeadLetter.subscribe
      const pid = yield* Process.spawn(Collector, 1)
      yield* Process.send(pid, "number", 1)
      yield* Process.send(pid, "number", 2)
      yield* Process.send(pid, "text", "three")
      yield* Process.send(pid, "go")
      yield* Process.await(pid)
      const first = yield* Selectable.take(letters)
      assert.deepStrictEqual(
        [first.topic, first.payload, first.reason, String(first.to)],
        ["number", 2, "Ended", String(pid)]
      )
      assert.strictEqual((yield* Selectable.take(letters)).payload, "three")
      assert.strictEqual((yield* DeadLetter.counts).Ended, 2)
      const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
      assert.deepStrictEqual([sent, received, queued, deadLetters], [4, 2, 0, 2])
      assert.isTrue(Option.isNone(yield* Selectable.poll(letters)))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect.prop(
    "sent = received + queued + dead letters, whatever is sent, taken and ended",
    [Schema.Array(Schema.Tuple([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })), Schema.Boolean]))],
    ([steps]) =>
      Effect.gen(function* () {
        const Eater = Process.make("test:eater", {
          protocol: [Number],
          inbox: { capacity: 2, overflow: "drop-oldest" }
        })
        const EaterLive = Eater.toLayer(
          Effect.fn(function* () {
            while (true) {
              const message = yield* Eater.receive()
              if (message.payload === 3) return
              if (message.payload === 2) yield* Effect.yieldNow
            }
          })
        )
        yield* Effect.gen(function* () {
          let pid = yield* Process.spawn(Eater)
          for (const [n, pause] of steps) {
            const sent = yield* Effect.exit(Process.send(pid, "number", n))
            if (Exit.isFailure(sent)) pid = yield* Process.spawn(Eater)
            if (pause) yield* Effect.yieldNow
            const { deadLetters, queued, received, sent: accepted } = yield* ProcessHost.stats()
            assert.strictEqual(accepted, received + queued + deadLetters)
          }
          yield* settle
          const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
          assert.strictEqual(sent, received + queued + deadLetters)
        }).pipe(Effect.provide(Layer.provideMerge(EaterLive, host)))
      })
  )
})
