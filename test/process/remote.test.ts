import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Equal, Exit, Fiber, Layer, Logger, Option, Schema, type Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import {
  Message,
  Name,
  Pid,
  Process,
  ProcessError,
  ProcessEvent,
  ProcessHost,
  Request,
  Selectable,
  Server
} from "troupe"
import { both } from "../support/both.ts"
import { type Application, application, connect, named } from "../support/nodes.ts"
import { inProcess, ownClock, settle } from "../support/processes.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { by: Pid.schema }) {}
class Broken extends Schema.TaggedError<Broken>()("Broken", { part: Schema.String }) {}

const Thanks = Rpc.make("thanks", { payload: Schema.String })
const Note = Rpc.make("note", { payload: { text: Schema.String, at: Schema.Date } })
const Length = Rpc.make("length", { payload: Schema.String, success: Schema.Int, error: Refused })
const Taken = Rpc.make("taken", { success: Schema.Array(Schema.String) })
const Return = Rpc.make("return", { payload: Pid.of(Thanks), success: Pid.of(Thanks) })
const Sender = Rpc.make("sender", { success: Schema.NullOr(Pid.schema) })
const End = Rpc.make("end", { payload: Schema.Literals(["return", "fail", "broken", "die"]) })
const protocol = [Note, Length, Taken, Return, Sender, End] as const
type Protocol = (typeof protocol)[number]

/** Keeps notes, answers calls, thanks, and ends as it is told. */
const Clerk = Process.make("test:clerk", { protocol, success: Schema.Date })
const ClerkLive = Clerk.toLayer(
  Effect.fn(function* () {
    const notes: Array<string> = []
    while (true) {
      const message = yield* Clerk.receive()
      switch (message.topic) {
        case "note":
          notes.push(`${message.payload.text} ${message.payload.at.getTime()}`)
          break
        case "length":
          if (message.payload === "silence") break
          if (message.payload === "refuse") yield* Message.replyFail(message, new Refused({ by: yield* Clerk.self }))
          else yield* Message.reply(message, message.payload.length)
          break
        case "taken":
          yield* Message.reply(message, notes)
          break
        case "return":
          yield* Process.send(message.payload, "thanks", "for the pid")
          yield* Message.reply(message, message.payload)
          break
        case "sender":
          yield* Message.reply(message, message.sender ?? null)
          break
        case "end":
          if (message.payload === "return") return new Date(1)
          if (message.payload === "fail") return yield* Effect.fail("tired")
          if (message.payload === "broken") return yield* new Broken({ part: "arm" })
          return yield* Effect.die(new Error("dropped dead"))
      }
    }
  })
)

const Count = Rpc.make("count", { payload: Schema.Int, success: Schema.Date, error: Refused, stream: true })
/** Counts in dates; refuses to count to 13, breaks off at 7, and counts without an end to 0. */
const Counter = Server.make("test:counter", { protocol: [Count] })
let counted = 0
let stopped = 0
const CounterLive = Counter.toLayer(() =>
  Effect.succeed(
    Counter.of({
      handlers: {
        count: (to) => {
          const all = Stream.iterate(1, (n) => n + 1).pipe(
            Stream.tap((n) => Effect.sync(() => (counted = n))),
            Stream.map((n) => new Date(n)),
            Stream.ensuring(Effect.sync(() => stopped++))
          )
          if (to === 7) return Stream.concat(Stream.take(all, 7), Stream.fail(new Refused({ by: nobody })))
          return to === 0 ? all : Stream.take(all, to)
        }
      }
    })
  )
)
const nobody = Effect.runSync(Pid.parse("{nowhere|0x00001}"))
const counter = Counter.named("counter", { node: "b" })

const Idle = Process.make("test:idle")
const Full = Process.make("test:full", { protocol: [Thanks], inbox: { capacity: 1 } })
const layer = Layer.mergeAll(
  ClerkLive,
  CounterLive,
  Idle.toLayer(() => Effect.never),
  Full.toLayer(() => Effect.never),
  Logger.layer([])
).pipe(Layer.provideMerge(ProcessHost.layer("app:processes")))

const two = Effect.gen(function* () {
  const a = yield* application(layer)
  const b = yield* application(layer)
  named(a.node, "a")
  named(b.node, "b")
  return { a, b, line: yield* connect(a.node, b.node) }
})
type Any = Application<Layer.Success<typeof layer>>

/** Runs a body as a process of node `a`; `cut` cuts the line to the other one. */
const inProcessOf = <A, E>(
  body: (
    a: Any,
    b: Any,
    cut: Effect.Effect<void>
  ) => Effect.Effect<A, E, Process.CurrentProcess | Scope.Scope | Layer.Success<typeof layer>>
) => Effect.flatMap(two, ({ a, b, line }) => a.in(inProcess(body(a, b, line.cut))))

const clerk = Clerk.named("clerk", { node: "b" })

/** As a node reads the text of a pid that takes the clerk's messages. */
const read = (text: string) => Effect.orDie(Schema.decodeEffect(Pid.of(...protocol))(text))

/** Starts a clerk under its name; answers with its pid, as `a` may have it. */
const hire = (b: Any) =>
  Effect.flatMap(b.in(Effect.orDie(Process.spawn(Clerk, undefined, { name: "clerk" }))), (pid) =>
    read(String(pid).replace("{", "{b@"))
  )

const nextEvent = Effect.flatMap(Process.events, Selectable.take)
const nextExit = Effect.flatMap(nextEvent, (event) =>
  event._tag === "Exit" ? Effect.succeed(event.exit) : Effect.die(`not an exit: ${event._tag}`)
)
const events = Effect.flatMap(Process.events, (source) =>
  Effect.suspend(() => {
    const all: Array<ProcessEvent.ProcessEvent> = []
    for (let next = source.pollUnsafe(); next !== undefined; next = source.pollUnsafe()) {
      if (Exit.isSuccess(next)) all.push(next.value)
    }
    return Effect.succeed(all)
  })
)
const failureOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
const infoOf = (application: Any, pid: Pid.Pid) =>
  Effect.flatMap(Effect.orDie(Pid.parse(String(pid).replace(/^\{.*@/, "{"))), (local) =>
    application.in(Effect.orDie(Process.info(local)))
  )

describe("messages to another node", () => {
  it.effect("I1 W2 sends arrive in order, by the schemas of their topics, and are there when they have succeeded", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const pid = yield* hire(b)
      for (let i = 0; i < 5; i++)
        yield* a.in(Process.send(i % 2 === 0 ? clerk : pid, "note", { text: "n", at: new Date(i) }))
      assert.deepStrictEqual(yield* a.in(Process.call(pid, "taken")), ["n 0", "n 1", "n 2", "n 3", "n 4"])
    })
  )

  it.effect("I1 K1 K3 a call is answered with the reply, or the typed error of its topic", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const pid = yield* hire(b)
      assert.strictEqual(yield* a.in(Process.call(clerk, "length", "four")), 4)
      const refused = yield* Effect.flip(a.in(Process.call(pid, "length", "refuse")))
      assert.instanceOf(refused, Refused)
      assert.strictEqual(refused._tag === "Refused" ? String(refused.by) : "", String(pid))
    })
  )

  it.effect("I1 a pid in a payload leads to its process on every node, and is itself again where it came from", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b) {
        yield* hire(b)
        const thanked = yield* Process.spawn(Full)
        const back = yield* Process.call(clerk, "return", thanked)
        assert.isTrue(Equal.equals(back, thanked))
        assert.strictEqual(back.node, undefined)
        assert.strictEqual((yield* Process.info(thanked)).queued, 1)
        const sender = yield* Process.call(clerk, "sender")
        assert.isTrue(sender !== null && Equal.equals(sender, yield* Process.self))
      })
    )
  )

  it.effect("I1 W9 P8 what there is not: a process, a name, a schema, a connection, each with a typed error", () =>
    Effect.gen(function* () {
      const { a, b, line } = yield* two
      const pid = yield* hire(b)
      const errorOf = (to: Name.Address<Protocol>) => Effect.flip(a.in(Process.call(to, "length", "x")))
      const gone = yield* read("{b@app:processes|0x00077}")
      const notFound = yield* errorOf(gone)
      assert.deepInclude(notFound, { _tag: "ProcessNotFound", target: "{b@app:processes|0x00077}" })
      assert.deepInclude(notFound, { request: { topic: "length", payload: "x" } })
      assert.deepInclude(yield* errorOf(Clerk.named("nobody", { node: "b" })), {
        _tag: "ProcessNotFound",
        target: "nobody@b"
      })
      const parsed = (yield* Pid.parse(String(pid))) as Pid.Pid<Protocol>
      for (const unknown of [parsed, Name.make<Protocol>("clerk", { node: "b" })]) {
        const error = yield* errorOf(unknown)
        assert.deepInclude(error, { _tag: "InvalidMessage", reason: "UnknownSchema" })
        assert.include(error.message, "Pid.of")
      }
      const unfit = yield* Effect.flip(a.in(Process.send(pid, "length", 7 as never)))
      assert.deepInclude(unfit, { _tag: "InvalidMessage", reason: "InvalidPayload" })
      const reserved = yield* Effect.flip(a.in(Process.send(pid, "@stop" as never)))
      assert.deepInclude(reserved, { _tag: "InvalidMessage", reason: "ReservedTopic" })
      const other = yield* errorOf(Clerk.named("clerk", { node: "c" }))
      assert.deepInclude(other, { _tag: "NoConnection", node: "c", reason: "NotConnected" })
      assert.include(other.message, `"c"`)
      assert.include(other.message, "Node.connect")
      yield* line.cut
      assert.deepInclude(yield* errorOf(pid), { _tag: "NoConnection", node: "b", reason: "NotConnected" })
    })
  )

  it.effect("I1 P9 a callee that ends, or is ending, fails the call with its exit", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const pid = yield* hire(b)
      const calling = yield* Effect.forkChild(Effect.flip(a.in(Process.call(pid, "length", "silence"))))
      yield* settle
      yield* a.in(Process.send(pid, "end", "fail"))
      const error = yield* Fiber.join(calling)
      assert.deepInclude(error, { _tag: "CalleeExited", target: String(pid) })
      assert.deepStrictEqual(error._tag === "CalleeExited" ? error.exit : undefined, Exit.fail("tired"))
    })
  )

  it.effect("K5 I13 a call that is not answered times out here, and waits there no longer", () =>
    Effect.gen(function* () {
      yield* ownClock
      const { a, b } = yield* two
      const pid = yield* hire(b)
      const timed = yield* Effect.forkChild(
        Effect.flip(a.in(Process.call(pid, "length", "silence", { timeout: "1 second" })))
      )
      const interrupted = yield* Effect.forkChild(a.in(Process.call(pid, "length", "silence")))
      yield* settle
      assert.strictEqual((yield* infoOf(b, pid)).watchers, 2)
      yield* Fiber.interrupt(interrupted)
      yield* settle
      assert.strictEqual((yield* infoOf(b, pid)).watchers, 1)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(timed), { _tag: "CallTimeout", target: String(pid), milliseconds: 1000 })
      yield* settle
      assert.strictEqual((yield* infoOf(b, pid)).watchers, 0)
    })
  )

  it.effect(
    "I12 a sender waits for space in the inbox of another node; one that is interrupted has left the line",
    () =>
      Effect.gen(function* () {
        const { a, b } = yield* two
        yield* b.in(Process.spawn(Full, undefined, { name: "full" }))
        const full = Full.named("full", { node: "b" })
        yield* a.in(Process.send(full, "thanks", "1"))
        const waiting = yield* Effect.forkChild(a.in(Process.send(full, "thanks", "2")))
        const leaving = yield* Effect.forkChild(a.in(Process.send(full, "thanks", "3")))
        yield* settle
        assert.strictEqual(waiting.pollUnsafe(), undefined)
        yield* Fiber.interrupt(leaving)
        yield* b.in(Process.kill((yield* b.in(ProcessHost.list()))[0] as Pid.Pid))
        assert.deepInclude(yield* Effect.flip(Fiber.join(waiting)), { _tag: "ProcessNotFound", target: "full@b" })
      })
  )

  it.effect("P14 P16 requests to several nodes are answered into one place", () =>
    Effect.gen(function* () {
      const { a, b, line } = yield* two
      yield* hire(b)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const requests = yield* Request.make<typeof Length, string>()
          yield* a.in(Request.send(requests, clerk, "length", "four", { label: "answered" }))
          const answered = yield* Request.receive(requests)
          assert.deepStrictEqual([answered.label, answered.exit], ["answered", Exit.succeed(4)])
          yield* a.in(Request.send(requests, clerk, "length", "silence", { label: "lost" }))
          yield* line.cut
          assert.deepInclude(failureOf((yield* Request.receive(requests)).exit), {
            _tag: "NoConnection",
            reason: "Lost"
          })
          yield* a.in(Request.send(requests, clerk, "length", "four", { label: "refused" }))
          assert.deepInclude(failureOf((yield* Request.receive(requests)).exit), { reason: "NotConnected" })
        })
      )
    })
  )
})

describe("streams from another node", () => {
  it.effect("I1 I14 they have all values in order, and end as they end there", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b) {
        yield* b.in(Process.spawn(Counter, undefined, { name: "counter" }))
        const all = yield* Stream.runCollect(Process.stream(counter, "count", 100))
        assert.deepStrictEqual(
          all.map((date) => date.getTime()),
          Array.from({ length: 100 }, (_, n) => n + 1)
        )
        const seen: Array<number> = []
        const broken = Stream.runForEach(Process.stream(counter, "count", 7), (date) =>
          Effect.sync(() => void seen.push(date.getTime()))
        )
        assert.instanceOf(yield* Effect.flip(broken), Refused)
        assert.strictEqual(seen.length, 7)
        const nowhere = Stream.runCollect(Process.stream(Counter.named("counter", { node: "c" }), "count", 1))
        assert.deepInclude(yield* Effect.flip(nowhere), { _tag: "NoConnection", reason: "NotConnected" })
        const missing = Stream.runCollect(Process.stream(Counter.named("nobody", { node: "b" }), "count", 1))
        assert.deepInclude(yield* Effect.flip(missing), { _tag: "ProcessNotFound" })
      })
    )
  )

  it.effect("I12 I14 who takes no more stops it, and who takes slowly holds it up", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b) {
        yield* b.in(Process.spawn(Counter, undefined, { name: "counter" }))
        counted = 0
        stopped = 0
        const slowly = yield* Effect.forkChild(
          Stream.runForEach(Process.stream(counter, "count", 0), () => Effect.never)
        )
        yield* settle
        assert.isAbove(counted, 1)
        assert.isAtMost(counted, 4 * 16 + 1)
        assert.strictEqual(stopped, 0)
        yield* Fiber.interrupt(slowly)
        yield* settle
        assert.strictEqual(stopped, 1)
        yield* Stream.runDrain(Stream.take(Process.stream(counter, "count", 0), 40))
        yield* settle
        assert.strictEqual(stopped, 2)
      })
    )
  )

  it.effect("I5 the callee's end and the loss of its node end it, after the values that had come", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b, cut) {
        const pid = yield* b.in(Process.spawn(Counter, undefined, { name: "counter" }))
        const taken = Effect.fnUntraced(function* (end: Effect.Effect<unknown, unknown>) {
          let values = 0
          const taking = Stream.runForEach(Process.stream(counter, "count", 0), () =>
            ++values === 5 ? Effect.andThen(Effect.orDie(end), settle) : Effect.void
          )
          return [yield* Effect.flip(taking), values] as const
        })
        const [exited, before] = yield* taken(b.in(Process.kill(pid)))
        assert.deepInclude(exited, { _tag: "CalleeExited", target: "counter@b" })
        assert.isAtLeast(before, 5)
        yield* b.in(Process.spawn(Counter, undefined, { name: "counter" }))
        stopped = 0
        const [lost] = yield* taken(cut)
        assert.deepInclude(lost, { _tag: "NoConnection", reason: "Lost" })
        yield* settle
        assert.strictEqual(stopped, 1)
      })
    )
  )
})

describe("watching across nodes", () => {
  it.effect("I1 P29 W15 W16 a monitor tells how the process ended, and in which words of the other node", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b) {
        const outcome = Effect.fnUntraced(function* (how: (typeof End)["payloadSchema"]["Type"]) {
          const pid = yield* hire(b)
          const monitor = yield* Process.monitor(pid)
          assert.strictEqual(monitor.pid, pid)
          yield* Process.send(pid, "end", how)
          return yield* nextExit
        })
        assert.deepStrictEqual(yield* outcome("return"), Exit.succeed(new Date(1).toISOString()))
        assert.deepStrictEqual(yield* outcome("fail"), Exit.fail("tired"))
        const broken = failureOf(yield* outcome("broken"))
        assert.instanceOf(broken, ProcessError.RemoteFailure)
        assert.strictEqual(broken.kind, "Broken")
        assert.deepStrictEqual(
          yield* Schema.decodeUnknownEffect(Schema.toCodecJson(Broken))(broken.error),
          new Broken({ part: "arm" })
        )
        const died = yield* outcome("die")
        assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
        assert.include(Exit.isFailure(died) ? Cause.pretty(died.cause) : "", "dropped dead")

        const self = yield* Process.self
        const killed = yield* hire(b)
        yield* Process.monitor(killed)
        yield* Process.kill(killed)
        const exit = yield* nextExit
        assert.isTrue(ProcessEvent.isKilled(exit))
        assert.isTrue(Equal.equals(ProcessEvent.requesterOf(exit), self))

        yield* Process.monitor(killed)
        assert.deepStrictEqual(yield* nextExit, Exit.fail(new ProcessError.NoProcess({ target: String(killed) })))
        yield* Process.monitor(yield* read("{c@app:processes|0x00001}"))
        assert.deepInclude(failureOf(yield* nextExit), { _tag: "NoConnection", node: "c", reason: "NotConnected" })
      })
    )
  )

  it.effect("W17 P30 P31 each monitor stands for itself, and is called off for itself", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b) {
        const pid = yield* hire(b)
        const first = yield* Process.monitor(pid)
        const second = yield* Process.monitor(pid)
        const third = yield* Process.monitor(pid)
        yield* settle
        assert.strictEqual((yield* infoOf(b, pid)).watchers, 3)
        yield* Process.demonitor(second)
        yield* Process.demonitor(second)
        yield* settle
        assert.strictEqual((yield* infoOf(b, pid)).watchers, 2)
        yield* Process.kill(pid)
        yield* settle
        yield* Process.demonitorFlush(third)
        const told = yield* events
        assert.deepStrictEqual(
          told.map((event) => (event._tag === "Exit" ? event.monitor : event)),
          [first]
        )
      })
    )
  )

  it.effect("a process that ends takes its monitors along", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const pid = yield* hire(b)
      yield* a.in(inProcess(Process.monitor(pid)))
      yield* settle
      assert.strictEqual((yield* infoOf(b, pid)).watchers, 0)
    })
  )

  it.effect("I1 W21 P36 a linked process ends with its partner, with the same exit, in both directions", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const pid = yield* hire(b)
      const linked = yield* a.in(
        Effect.forkChild(Effect.exit(inProcess(Effect.andThen(Process.link(pid), Effect.never))))
      )
      yield* settle
      const [local] = yield* a.in(ProcessHost.list())
      assert.deepStrictEqual((yield* infoOf(b, pid)).links.map(String), [String(local).replace("{", "{a@")])
      yield* a.in(Process.send(pid, "end", "fail"))
      assert.deepStrictEqual(failureOf(yield* Fiber.join(linked)), "tired")

      const other = yield* hire(b)
      yield* Effect.exit(a.in(inProcess(Effect.andThen(Process.link(other), Effect.fail("me first")))))
      assert.deepStrictEqual(
        yield* a.in(Process.await(other)),
        Exit.fail(new ProcessError.NoProcess({ target: String(other) }))
      )
    })
  )

  it.effect(
    "W22 W24 P36 P37 a link can be trapped, taken away and made twice; a process that is gone can't be linked",
    () =>
      inProcessOf(
        Effect.fnUntraced(function* (_, b) {
          yield* Process.trapExits
          const pid = yield* hire(b)
          yield* Process.link(pid)
          yield* Process.link(pid)
          assert.deepStrictEqual((yield* Process.info(yield* Process.self)).links.map(String), [String(pid)])
          yield* Process.send(pid, "end", "return")
          const down = yield* nextEvent
          assert.deepStrictEqual(down, { _tag: "LinkDown", from: pid, exit: Exit.succeed(new Date(1).toISOString()) })

          assert.deepInclude(yield* Effect.flip(Process.link(pid)), { _tag: "ProcessNotFound", target: String(pid) })
          assert.deepInclude(yield* Effect.flip(Process.link(yield* read("{c@app|0x00001}"))), { _tag: "NoConnection" })

          const other = yield* hire(b)
          yield* Process.link(other)
          yield* Process.unlink(other)
          yield* Process.kill(other)
          yield* settle
          assert.deepStrictEqual(yield* events, [])
          assert.deepStrictEqual((yield* Process.info(yield* Process.self)).links, [])
        })
      )
  )

  it.effect("W19 W20 cancel, terminate, kill and await work on a process of another node", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b) {
        const self = yield* Process.self
        const terminated = yield* hire(b)
        const awaiting = yield* Effect.forkChild(Process.await(terminated))
        yield* settle
        yield* Process.terminate(terminated)
        const exit = yield* Fiber.join(awaiting)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) && !ProcessEvent.isKilled(exit))
        assert.isTrue(Equal.equals(ProcessEvent.requesterOf(exit), self))
        for (const end of [Process.terminate, Process.kill, Process.cancel]) {
          assert.deepInclude(yield* Effect.flip(end(terminated)), {
            _tag: "ProcessNotFound",
            target: String(terminated)
          })
          assert.deepInclude(yield* Effect.flip(end(yield* read("{c@app|0x00001}"))), {
            _tag: "NoConnection",
            node: "c"
          })
        }
        const cancelled = yield* Effect.forkChild(b.in(inProcess(nextEvent)))
        yield* settle
        const [target] = yield* b.in(ProcessHost.list())
        yield* Process.cancel(yield* read(String(target).replace("{", "{b@")), "enough")
        const event = yield* Fiber.join(cancelled)
        assert.deepInclude(event, { _tag: "Cancel", reason: "enough" })
        assert.strictEqual(event._tag === "Cancel" ? String(event.from) : "", String(self).replace("{", "{a@"))
      })
    )
  )
})

describe("the loss of a node", () => {
  it.effect("I2 I5 everything that waits for it ends once, with NoConnection; what it did there goes on", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b, cut) {
        yield* Process.trapExits
        const pid = yield* hire(b)
        const monitor = yield* Process.monitor(pid)
        yield* Process.link(pid)
        const calling = yield* Effect.forkChild(Effect.flip(Process.call(pid, "length", "silence")))
        const awaiting = yield* Effect.forkChild(Process.await(pid))
        yield* settle
        yield* cut
        const lost = { _tag: "NoConnection" as const, node: "b", target: String(pid), reason: "Lost" as const }
        const told = yield* events
        assert.deepStrictEqual(
          told.map((event) => event._tag),
          ["Exit", "LinkDown"]
        )
        for (const event of told) if ("exit" in event) assert.deepInclude(failureOf(event.exit), lost)
        assert.isTrue(told[0]?._tag === "Exit" && told[0].monitor === monitor)
        assert.deepInclude(yield* Fiber.join(calling), { ...lost, request: { topic: "length", payload: "silence" } })
        assert.deepInclude(failureOf(yield* Fiber.join(awaiting)), lost)
        yield* cut
        yield* Process.demonitor(monitor)
        assert.deepStrictEqual(yield* events, [])
        // It was linked with a process of a node that it has lost, too.
        yield* settle
        assert.deepStrictEqual((yield* b.in(ProcessHost.list())).length, 0)
      })
    )
  )

  it.effect("I16 a pid of a former run of a node leads nowhere; one that was read from text to the present one", () =>
    Effect.gen(function* () {
      const { a, b, line } = yield* two
      const Give = Pid.of(...protocol)
      const first = yield* hire(b)
      const known = (yield* a.in(Effect.flip(Process.call(first, "length", "refuse")))) as Refused
      yield* line.cut
      const again = yield* application(layer)
      named(again.node, "b", "2")
      yield* connect(a.node, again.node)
      const second = yield* hire(again)
      assert.strictEqual(String(second), String(known.by))
      assert.isFalse(Equal.equals(second, known.by))
      assert.strictEqual(yield* a.in(Process.call(second, "length", "four")), 4)
      assert.deepInclude(yield* a.in(Effect.flip(Process.kill(known.by))), { _tag: "ProcessNotFound" })
      const exit = yield* a.in(Process.await(known.by))
      assert.deepStrictEqual(exit, Exit.fail(new ProcessError.NoProcess({ target: String(known.by) })))
      assert.strictEqual(yield* a.in(Process.call(second, "length", "four")), 4)
      // The text of a pid says nothing of its run.
      assert.isTrue(Equal.equals(yield* Schema.decodeEffect(Give)(String(known.by)), second))
    })
  )

  both("I2 a monitor and a link race with the loss of their node: each is told exactly once", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b, cut) {
        yield* Process.trapExits
        const pid = yield* hire(b)
        const cutting = yield* Effect.forkChild(Effect.andThen(Effect.yieldNow, cut))
        const killing = yield* Effect.forkChild(Effect.exit(Process.kill(pid)))
        const monitor = yield* Process.monitor(pid)
        const linked = yield* Effect.exit(Process.link(pid))
        yield* Effect.sleep("1 milli")
        yield* Fiber.join(cutting)
        yield* Fiber.join(killing)
        const told = yield* events
        const exits = told.filter((event) => event._tag === "Exit")
        const downs = told.filter((event) => event._tag === "LinkDown")
        assert.deepStrictEqual(
          exits.map((event) => event.monitor),
          [monitor]
        )
        // A link that was made is told of once, and one that could not be made says so at once.
        assert.strictEqual(downs.length, Exit.isSuccess(linked) ? 1 : 0)
        assert.deepStrictEqual((yield* Process.info(yield* Process.self)).links, [])
      })
    )
  )

  both("W24 what was said of a link that was taken away is not told of the next one", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b, cut) {
        yield* Process.trapExits
        const pid = yield* hire(b)
        const killing = yield* Effect.forkChild(Effect.exit(Process.kill(pid)))
        yield* Effect.exit(Process.link(pid))
        yield* Process.unlink(pid)
        yield* events
        const linked = yield* Effect.exit(Process.link(pid))
        yield* Effect.sleep("1 milli")
        yield* cut
        assert.strictEqual((yield* events).length, Exit.isSuccess(linked) ? 1 : 0)
        yield* Fiber.join(killing)
      })
    )
  )

  both("I5 a call ends exactly once: by its reply, the exit of its callee, or the loss of the node", () =>
    inProcessOf(
      Effect.fnUntraced(function* (_, b, cut) {
        const pid = yield* hire(b)
        let ended = 0
        const call = Effect.ensuring(
          Effect.exit(Process.call(pid, "length", "four")),
          Effect.sync(() => ended++)
        )
        const calls = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(call))
        const killing = yield* Effect.forkChild(Effect.exit(Process.kill(pid)))
        const cutting = yield* Effect.forkChild(cut)
        const outcomes = yield* Effect.forEach(calls, Fiber.join)
        yield* Fiber.join(killing)
        yield* Fiber.join(cutting)
        assert.strictEqual(ended, 3)
        for (const outcome of outcomes) {
          const error = failureOf(outcome)
          if (Exit.isSuccess(outcome)) assert.strictEqual(outcome.value, 4)
          else {
            assert.include(
              ["CalleeExited", "ProcessNotFound", "NoConnection"],
              (error as { _tag: string } | undefined)?._tag
            )
          }
        }
      })
    )
  )

  both("P36 links and unlinks of both sides that cross on the way leave both sides of one mind", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two
      const start = (application: Any) => application.in(Process.spawn(Idle))
      const [here, there] = [yield* start(a), yield* start(b)]
      const far = yield* read(String(there).replace("{", "{b@"))
      const near = yield* read(String(here).replace("{", "{a@"))
      // What processes do, done on behalf of two that do nothing else.
      const partnersOf = (application: Any, pid: Pid.Pid) =>
        Effect.map(infoOf(application, pid), ({ links }) => links.length)
      const act = (application: Any, pid: Pid.Pid, other: Pid.Pid) => {
        const cell = application.node.resolve(pid)
        const remote = application.node.remotes.get(other.node ?? "")
        if (cell === undefined || remote === undefined) throw new Error("not there")
        const link = Effect.callback<void>((resume) => remote.partners.link(cell, other, () => resume(Effect.void)))
        const unlink = Effect.sync(() => remote.partners.unlink(cell, other))
        return { link, unlink }
      }
      const [one, other] = [act(a, here, far), act(b, there, near)]
      yield* Effect.all(
        [
          Effect.all([one.link, one.unlink, one.link], { discard: true }),
          Effect.all([other.link, other.unlink], { discard: true })
        ],
        { concurrency: "unbounded" }
      )
      yield* Effect.sleep("1 milli")
      assert.strictEqual(yield* partnersOf(a, here), yield* partnersOf(b, there))
    })
  )
})
