/** Calls end exactly once, in whichever order reply, exit, deadline and interruption come, and leave nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { ChildSpec, Message, type Pid, Process, ProcessHost, Supervisor } from "troupe"
import { both, sized, thoroughly } from "../support/both.ts"
import { host, inProcess } from "../support/processes.ts"

const Add = Rpc.make("add", { payload: Schema.Finite, success: Schema.Finite, error: Schema.String })
const Late = Rpc.make("late", { payload: Schema.Finite, success: Schema.Finite })
const Crash = Rpc.make("crash", { success: Schema.Finite })
const Stop = Rpc.make("stop")

const Adder = Process.make("test:adder", { protocol: [Add, Late, Crash, Stop] })

/** Answers with the total; `late` takes so many milliseconds, and a crash 10. */
const AdderLive = Adder.toLayer(
  Effect.fnUntraced(function* () {
    let total = 0
    while (true) {
      const message = yield* Adder.receive()
      if (message.topic === "stop") return
      if (message.topic === "crash") return yield* Effect.delay(Effect.fail("crashed"), 10)
      if (message.topic === "late") yield* Effect.sleep(message.payload)
      if (message.topic === "add" && message.payload < 0) yield* Message.replyFail(message, "negative")
      else yield* Message.replyExit(message as Message.Of<typeof Add>, Exit.succeed((total += message.payload)))
    }
  })
)

/** Takes nothing. */
const Deaf = Process.make("test:deaf", { protocol: [Add] })
const DeafLive = Deaf.toLayer(() => Effect.never)

const live = Layer.mergeAll(AdderLive, DeafLive, Logger.layer([])).pipe(Layer.provideMerge(host))

type Tagged = { readonly _tag: string }
type AdderPid = Pid.Pid<typeof Add | typeof Late | typeof Crash | typeof Stop>

/** The error of a call, which must be one of ours. */
const errorOf = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<Exclude<E, string>, A, R> =>
  Effect.map(Effect.flip(call), (error) => {
    assert.notTypeOf(error, "string")
    return error as Exclude<E, string>
  })

const watchers = (pid: Parameters<typeof Process.info>[0]) => Effect.map(Process.info(pid), (info) => info.watchers)

describe("a call", () => {
  both("answers with the callee's success or typed error", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Adder)
      assert.strictEqual(yield* Process.call(pid, "add", 2), 2)
      assert.strictEqual(yield* Process.call(pid, "add", 3), 5)
      assert.strictEqual(yield* Effect.flip(Process.call(pid, "add", -1)), "negative")
      assert.strictEqual(yield* watchers(pid), 0)
    }).pipe(Effect.provide(live))
  )

  both("gets the answer to it, whoever else calls", () =>
    Effect.gen(function* () {
      const Echo = Process.make("test:echo", { protocol: [Late] })
      const EchoLive = Echo.toLayer(() =>
        Effect.forever(Effect.flatMap(Echo.receive(), (message) => Message.reply(message, message.payload)))
      )
      const pid = yield* Effect.provide(Process.spawn(Echo), EchoLive)
      const answers = yield* Effect.forEach([1, 2, 3, 4], (n) => Process.call(pid, "late", n), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(answers, [1, 2, 3, 4])
    }).pipe(Effect.provide(live))
  )

  both("P7 of a process to itself fails with CallingSelf and does not hang", () =>
    Effect.gen(function* () {
      const Narcissus = Process.make("test:narcissus", { protocol: [Add] })
      const NarcissusLive = Narcissus.toLayer(() =>
        Effect.gen(function* () {
          return yield* errorOf(Process.call(yield* Narcissus.self, "add", 1))
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Narcissus), NarcissusLive)
      assert.strictEqual(((yield* Effect.flatten(Process.await(pid))) as Tagged)._tag, "CallingSelf")
    }).pipe(Effect.provide(live))
  )

  both("P9 whose callee ends fails with its exit, whether it was taken or not, and never by its deadline", () =>
    Effect.gen(function* () {
      const crashing = yield* Process.spawn(Adder)
      const crash = yield* Effect.forkChild(errorOf(Process.call(crashing, "crash")), { startImmediately: true })
      yield* Effect.sleep(1)
      const queued = yield* Effect.forkChild(errorOf(Process.call(crashing, "add", 1)), { startImmediately: true })
      for (const error of [yield* Fiber.join(crash), yield* Fiber.join(queued)]) {
        assert.strictEqual(error._tag, "CalleeExited")
        assert.include(String(error), "crashed")
      }
      const stopping = yield* Process.spawn(Adder)
      yield* Process.send(stopping, "stop")
      const left = yield* errorOf(Process.call(stopping, "add", 1))
      // In some orders the process has ended before the call.
      if (left._tag === "CalleeExited") assert.include(String(left), "it ended normally")
      else assert.include(["ProcessNotFound", "ProcessClosed"], left._tag)
      const killed = yield* Process.spawn(Deaf)
      const dying = yield* Effect.forkChild(errorOf(Process.call(killed, "add", 1)), { startImmediately: true })
      yield* Effect.sleep(1)
      yield* Process.kill(killed)
      const error = yield* Fiber.join(dying)
      assert.isTrue(error._tag === "CalleeExited" && Cause.hasInterruptsOnly(error.exit.cause))
    }).pipe(Effect.provide(live))
  )

  both("that is not answered in time fails with CallTimeout; the late answer is dropped", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Adder)
      const begun = yield* Clock.currentTimeMillis
      const error = yield* errorOf(Process.call(pid, "late", 50, { timeout: "20 millis" }))
      assert.strictEqual(error._tag === "CallTimeout" && error.milliseconds, 20)
      assert.strictEqual((yield* Clock.currentTimeMillis) - begun, 20)
      assert.strictEqual(yield* watchers(pid), 0)
      // The callee answered the first one, without error, and goes on.
      assert.strictEqual(yield* Process.call(pid, "add", 1), 51)
    }).pipe(Effect.provide(live))
  )

  both("has its own deadline, whatever those of others are", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Deaf)
      const begun = yield* Clock.currentTimeMillis
      const after = (timeout: number) =>
        Effect.andThen(
          errorOf(Process.call(pid, "add", 1, { timeout })),
          Effect.map(Clock.currentTimeMillis, (now) => now - begun)
        )
      const times = [50, 10, 30, 10, 0, 40]
      assert.deepStrictEqual(yield* Effect.forEach(times, after, { concurrency: "unbounded" }), times)
      assert.strictEqual(yield* watchers(pid), 0)
    }).pipe(Effect.provide(live))
  )

  both("without a deadline waits as long as the callee lives", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Adder)
      assert.strictEqual(yield* Process.call(pid, "late", 60_000, { timeout: "Infinity" }), 60_000)
    }).pipe(Effect.provide(live))
  )

  it.effect("goes by the clock of the caller", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Deaf)
      const clock = yield* TestClock.make()
      const calling = yield* Effect.forkChild(errorOf(Process.call(pid, "add", 1, { timeout: "1 second" }))).pipe(
        Effect.provideService(Clock.Clock, clock)
      )
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(calling.pollUnsafe())
      yield* clock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(calling))._tag, "CallTimeout")
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  both("P28 that is answered twice gets the first answer, and the callee is told", () =>
    Effect.gen(function* () {
      const Twice = Process.make("test:twice", { protocol: [Add] })
      const TwiceLive = Twice.toLayer(() =>
        Effect.gen(function* () {
          const message = yield* Twice.receive()
          yield* Message.reply(message, 1)
          return yield* Effect.flip(Message.reply(message, 2))
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Twice), TwiceLive)
      const done = yield* Effect.forkChild(Process.await(pid), { startImmediately: true })
      assert.strictEqual(yield* Process.call(pid, "add", 0), 1)
      const exit = yield* Fiber.join(done)
      assert.strictEqual(Exit.isSuccess(exit) && (exit.value as Tagged)._tag, "AlreadyReplied")
    }).pipe(Effect.provide(live))
  )

  both("that the inbox drops fails at once", () =>
    Effect.gen(function* () {
      for (const overflow of ["drop-newest", "drop-oldest"] as const) {
        const Full = Process.make("test:full", { protocol: [Add], inbox: { capacity: 1, overflow } })
        const pid = yield* Effect.provide(
          Process.spawn(Full),
          Full.toLayer(() => Effect.never)
        )
        const first = yield* Effect.forkChild(errorOf(Process.call(pid, "add", 1)), { startImmediately: true })
        yield* Effect.sleep(1)
        const second = yield* Effect.forkChild(errorOf(Process.call(pid, "add", 2)), { startImmediately: true })
        const dropped = yield* Fiber.join(overflow === "drop-newest" ? second : first)
        assert.strictEqual(dropped._tag, "MessageDropped")
        assert.strictEqual(yield* watchers(pid), 1)
        yield* Process.kill(pid)
        yield* Fiber.await(overflow === "drop-newest" ? first : second)
      }
    }).pipe(Effect.provide(live))
  )

  both("a reply to a message that was only sent does nothing", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Adder)
      yield* Process.send(pid, "add", 4)
      assert.strictEqual(yield* Process.call(pid, "add", 1), 5)
    }).pipe(Effect.provide(live))
  )

  both("that is interrupted waits no longer and leaves nothing; the callee handles it all the same", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Adder)
      const calling = yield* Effect.forkChild(Process.call(pid, "late", 20), { startImmediately: true })
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(calling)
      assert.strictEqual(yield* watchers(pid), 0)
      assert.strictEqual(yield* Process.call(pid, "add", 1), 21)
    }).pipe(Effect.provide(live))
  )

  both("is answered, whatever the callee does next: it throws, or the caller kills it", () =>
    Effect.gen(function* () {
      const Hasty = Process.make("test:hasty", { protocol: [Late] })
      const HastyLive = Hasty.toLayer(
        Effect.fnUntraced(function* () {
          const message = yield* Hasty.receive()
          yield* Message.reply(message, 1)
          if (message.payload === 0) return yield* Effect.never
          throw new Error("thrown in the step of the reply")
        })
      )
      const thrower = yield* Effect.provide(Process.spawn(Hasty), HastyLive)
      assert.strictEqual(yield* Process.call(thrower, "late", 1), 1)
      const killed = yield* Effect.provide(Process.spawn(Hasty), HastyLive)
      assert.strictEqual(yield* Effect.tap(Process.call(killed, "late", 0), () => Process.kill(killed)), 1)
      assert.isTrue(Exit.isFailure(yield* Process.await(killed)))
    }).pipe(Effect.provide(live))
  )

  thoroughly("ends once when answer, deadline, exit and interruption come at the same time", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Adder)
      const calling = yield* Effect.forkChild(Effect.result(Process.call(pid, "late", 10, { timeout: 10 })))
      const killing = yield* Effect.forkChild(Effect.delay(Effect.ignore(Process.kill(pid)), 10))
      const stopping = yield* Effect.forkChild(Effect.delay(Fiber.interrupt(calling), 10))
      const exit = yield* Fiber.await(calling)
      if (Exit.isFailure(exit)) assert.isTrue(Cause.hasInterruptsOnly(exit.cause))
      else if (exit.value._tag === "Success") assert.strictEqual(exit.value.success, 10)
      else assert.include(["CallTimeout", "CalleeExited"], (exit.value.failure as Tagged)._tag)
      yield* Fiber.await(killing)
      yield* Fiber.await(stopping)
      const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
      assert.strictEqual(sent, received + queued + deadLetters)
    }).pipe(Effect.provide(live))
  )

  sized("in a chain of 5,000, each waiting for the next, is answered", { full: 5000, explored: 20 }, (length) =>
    Effect.gen(function* () {
      const Link = Process.make("test:link", { protocol: [Late] })
      const LinkLive: Layer.Layer<Process.Implementation<"test:link">> = Link.toLayer(() =>
        Effect.gen(function* () {
          const message = yield* Link.receive()
          if (message.payload === 0) return yield* Message.reply(message, 0)
          const next = yield* Process.spawn(Link)
          yield* Message.reply(
            message,
            1 + (yield* Process.call(next, "late", message.payload - 1, { timeout: "1 hour" }))
          )
        }).pipe(Effect.provide(LinkLive))
      )
      const first = yield* Effect.provide(Process.spawn(Link), LinkLive)
      assert.strictEqual(yield* Process.call(first, "late", length, { timeout: "Infinity" }), length)
    }).pipe(Effect.provide(live))
  )

  sized("fails in a chain of 5,000 whose last one ends", { full: 5000, explored: 20 }, (length) =>
    Effect.gen(function* () {
      const Link = Process.make("test:link", { protocol: [Late] })
      const LinkLive: Layer.Layer<Process.Implementation<"test:link">> = Link.toLayer(() =>
        Effect.gen(function* () {
          const message = yield* Link.receive()
          if (message.payload === 0) return yield* Effect.fail("the last one")
          const next = yield* Process.spawn(Link)
          return yield* Process.call(next, "late", message.payload - 1, { timeout: "1 hour" })
        }).pipe(Effect.provide(LinkLive))
      )
      const first = yield* Effect.provide(Process.spawn(Link), LinkLive)
      assert.strictEqual(
        (yield* errorOf(Process.call(first, "late", length, { timeout: "1 hour" })))._tag,
        "CalleeExited"
      )
    }).pipe(Effect.provide(live))
  )
})

describe("a call at a full inbox that suspends", () => {
  const One = Process.make("test:one", { protocol: [Late, Stop], inbox: { capacity: 1 } })

  /** Takes one message every 100 ms. */
  const OneLive = One.toLayer(
    Effect.fnUntraced(function* () {
      while (true) {
        yield* Effect.sleep("100 millis")
        const message = yield* One.receive()
        if (message.topic === "stop") return
        yield* Message.reply(message, message.payload)
      }
    })
  )

  const full = Effect.gen(function* () {
    const pid = yield* Effect.provide(Process.spawn(One), OneLive)
    yield* Process.send(pid, "late", 0)
    return pid
  })

  both("waits for space and is answered", () =>
    Effect.gen(function* () {
      const pid = yield* full
      assert.deepStrictEqual(
        yield* Effect.forEach([1, 2], (n) => Process.call(pid, "late", n), { concurrency: "unbounded" }),
        [1, 2]
      )
      assert.strictEqual((yield* ProcessHost.stats()).sent, 3)
    }).pipe(Effect.provide(live))
  )

  both("sends nothing when its deadline passes, or when it is interrupted", () =>
    Effect.gen(function* () {
      const pid = yield* full
      const interrupted = yield* Effect.forkChild(Process.call(pid, "late", 1), { startImmediately: true })
      assert.strictEqual((yield* errorOf(Process.call(pid, "late", 2, { timeout: 50 })))._tag, "CallTimeout")
      yield* Fiber.interrupt(interrupted)
      assert.strictEqual(yield* watchers(pid), 0)
      yield* Effect.sleep("1 second")
      assert.strictEqual((yield* ProcessHost.stats()).sent, 1)
    }).pipe(Effect.provide(live))
  )

  both("fails when the callee ends", () =>
    Effect.gen(function* () {
      const pid = yield* full
      const calling = yield* Effect.forkChild(errorOf(Process.call(pid, "late", 1)), { startImmediately: true })
      yield* Effect.sleep(1)
      yield* Process.kill(pid)
      assert.strictEqual((yield* Fiber.join(calling))._tag, "CalleeExited")
      assert.strictEqual((yield* ProcessHost.stats()).sent, 1)
    }).pipe(Effect.provide(live))
  )
})

describe("a call of a process that is restarted in place", () => {
  both("fails when its body ends that had taken it; the next body answers what was queued", () =>
    Effect.gen(function* () {
      const child = ChildSpec.make(Adder, undefined, { id: "adder", inbox: "keep" })
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [child] }))
      const pid = (yield* Supervisor.find(tree, "adder")).pid as AdderPid
      const before = yield* watchers(pid)
      const taken = yield* Effect.forkChild(errorOf(Process.call(pid, "crash")), { startImmediately: true })
      yield* Effect.sleep(1)
      const queued = yield* Effect.forkChild(Process.call(pid, "add", 7), { startImmediately: true })
      const error = yield* Fiber.join(taken)
      assert.isTrue(error._tag === "CalleeExited" && error.request.topic === "crash")
      assert.strictEqual(yield* Fiber.join(queued), 7)
      assert.strictEqual(yield* watchers(pid), before)
    }).pipe(Effect.provide(live))
  )
})

describe("the error of a call or send that was not handled", () => {
  const request = { topic: "add", payload: 1 }

  it.effect("gives it back", () =>
    Effect.gen(function* () {
      const gone = yield* Process.spawn(Deaf)
      yield* Process.kill(gone)
      const full = Process.make("test:full", { protocol: [Add], inbox: { capacity: 1, overflow: "reject" } })
      const FullLive = full.toLayer(() => Effect.never)
      const filled = yield* Effect.provide(Process.spawn(full), FullLive)
      yield* Process.send(filled, "add", 0)
      const dropping = Process.make("test:dropping", {
        protocol: [Add],
        inbox: { capacity: 1, overflow: "drop-newest" }
      })
      const dropped = yield* Effect.provide(
        Process.spawn(dropping),
        dropping.toLayer(() => Effect.never)
      )
      yield* Process.send(dropped, "add", 0)
      const deaf = yield* Process.spawn(Deaf)
      const errors: Array<Tagged & { readonly request?: unknown }> = [
        yield* errorOf(Process.send(gone, "add", 1)),
        yield* errorOf(Process.call(gone, "add", 1)),
        yield* errorOf(Process.send(Deaf.named("nobody"), "add", 1)),
        yield* errorOf(Process.send(filled, "add", 1)),
        yield* errorOf(Process.call(filled, "add", 1)),
        yield* errorOf(Process.call(dropped, "add", 1)),
        yield* errorOf(Process.call(deaf, "add", 1, { timeout: 0 })),
        yield* errorOf(
          inProcess(Effect.flatMap(Process.self, (self) => Process.call(self as never as AdderPid, "add", 1)))
        )
      ]
      const calling = yield* Effect.forkChild(errorOf(Process.call(deaf, "add", 1)), { startImmediately: true })
      yield* Process.kill(deaf)
      errors.push(yield* Fiber.join(calling))
      assert.deepStrictEqual(
        errors.map(({ _tag }) => _tag),
        [
          "ProcessNotFound",
          "ProcessNotFound",
          "ProcessNotFound",
          "InboxFull",
          "InboxFull",
          "MessageDropped",
          "CallTimeout",
          "CallingSelf",
          "CalleeExited"
        ]
      )
      for (const error of errors) assert.deepStrictEqual(error.request, request)
      const invalid = yield* errorOf(Process.send(filled, "add", "one" as never))
      assert.deepStrictEqual("request" in invalid && invalid.request, { topic: "add", payload: "one" })
      assert.isUndefined((yield* Effect.flip(Process.terminate(gone))).request)
      const [missing] = errors
      yield* ProcessHost.stop()
      const stopped = yield* errorOf(Process.send(gone, "add", 1))
      assert.deepStrictEqual([missing?._tag, stopped._tag], ["ProcessNotFound", "HostStopped"])
      assert.deepStrictEqual("request" in stopped && stopped.request, request)
    }).pipe(Effect.provide(live))
  )
})
