/** Invocations over memory, while the clock is the test's. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schedule, Schema, Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Selectable } from "troupe"
import { Authentication, Balance, type Instance, Invocation, Memory } from "troupe/net"
import { countOf, instanceOf, invoke, live, serve, serveApart, statesOf, Work } from "./invoked.ts"

/** Has everything run that needs no time. */
const settle = Effect.repeat(Effect.yieldNow, { times: 300 })

const names = (count: number) => Array.from({ length: count }, (_, at) => String.fromCharCode(97 + at))

const serveAll = (count: number) => Effect.forEach(names(count), (name) => serve(name))

const instancesOf = (served: ReadonlyArray<{ readonly instance: Instance.Instance }>) =>
  served.map(({ instance }) => instance)

const quick: Invocation.HealthOptions = {
  interval: "1 second",
  timeout: "500 millis",
  failures: 3,
  backoff: Schedule.spaced("2 seconds")
}

describe("an invocation", () => {
  it.effect("answers with the success of the function, or its own error, whatever that is called", () =>
    Effect.gen(function* () {
      const { instance } = yield* serve("a")
      const work = yield* invoke([instance])
      assert.strictEqual(yield* work.invoke("echo", "hello"), "hello")
      assert.deepStrictEqual(yield* work.invoke("bytes", Uint8Array.of(0, 200, 255)), Uint8Array.of(255, 200, 0))
      const error = yield* Effect.flip(work.invoke("fail", "no"))
      assert(error._tag === "Timeout" && "why" in error)
      assert.strictEqual(error.why, "no")
      const died = yield* Effect.flip(work.invoke("die"))
      assert(died._tag === "HandlerFailed")
      assert.deepStrictEqual([died.how, died.peer], ["died", "worker/work/a"])
      const [status] = yield* work.instances
      assert.deepStrictEqual(status!.invocations, { begun: 4, succeeded: 2, failed: 2, interrupted: 0, underway: 0 })
      assert.strictEqual(status!.failures, 0)
    })
  )

  it.effect("carries metadata in both directions, what is left of its time, and who invokes", () =>
    Effect.gen(function* () {
      const { instance } = yield* serve("a")
      const work = yield* invoke([instanceOf("dead", Memory.make()), instance])
      const response = yield* work.execute("tell", { n: 7 }, { timeout: "3 seconds", metadata: { tenant: "acme" } })
      assert.deepStrictEqual(response.value, {
        n: 7,
        attempt: 2,
        function: "tell",
        instance: "a",
        left: 3000,
        tenant: "acme",
        account: "anonymous"
      })
      assert.deepStrictEqual(response.metadata, { cost: "3", region: "us" })
      assert.deepStrictEqual([response.instance.instance, response.attempts], ["a", 2])
    })
  )

  it.effect("whose input is not what its schema says, or that is not allowed, is not executed anywhere", () =>
    Effect.gen(function* () {
      const { executed, instance } = yield* serve("a")
      const other = Invocation.functions("test:work", [
        Rpc.make("echo", { payload: Schema.Int, success: Schema.String }),
        Rpc.make("who", { success: Schema.Int }),
        Rpc.make("none", {})
      ])
      const work = yield* Invocation.make({ instances: Stream.make([instance]) }, other)
      const foreign = yield* Effect.flip(work.invoke("echo", 1))
      assert(foreign._tag === "InvalidMessage")
      assert.deepStrictEqual([foreign.part, foreign.foundBy], ["payload", "the other side"])
      const own = yield* Effect.flip(work.invoke("echo", 0.5))
      assert(own._tag === "InvalidMessage")
      assert.deepStrictEqual([own.part, own.foundBy], ["payload", "this side"])
      assert.strictEqual(executed.begun.length, 0)
      const reply = yield* Effect.flip(work.invoke("who"))
      assert(reply._tag === "InvalidMessage")
      assert.deepStrictEqual([reply.part, reply.foundBy], ["reply", "this side"])
      assert.strictEqual((yield* Effect.flip(work.invoke("none")))._tag, "UnknownRoute")

      const guarded = yield* Invocation.serve(Memory.make(), Work, {
        instanceId: instance.id,
        authenticator: Authentication.open,
        authorize: (name, { identity }) => (name === "who" ? Effect.fail(`not for ${identity?.account}`) : Effect.void),
        handlers: {
          who: () => Effect.succeed("a"),
          echo: (text) => Effect.succeed(text),
          fail: () => Effect.void,
          die: () => Effect.void,
          take: () => Effect.succeed(""),
          mark: () => Effect.succeed(""),
          bytes: (bytes) => Effect.succeed(bytes),
          tell: () => Effect.die("not asked")
        }
      })
      const careful = yield* invoke([instanceOf("a", guarded.transport)], { health: quick })
      assert.strictEqual(yield* careful.invoke("echo", "yes"), "yes")
      const denied = yield* Effect.flip(careful.invoke("who"))
      assert(denied._tag === "PermissionDenied")
      assert.strictEqual(denied.detail, "not for anonymous")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* statesOf(careful), { a: "Available" })
    })
  )

  it.effect("that takes too long ends at its deadline, and its handler is interrupted", () =>
    Effect.gen(function* () {
      const { executed, instance } = yield* serve("a")
      const work = yield* invoke([instance])
      const invoking = yield* Effect.forkChild(Effect.flip(work.invoke("take", 5000, { timeout: "1 second" })))
      yield* settle
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(invoking)
      assert(error._tag === "Timeout")
      yield* settle
      assert.strictEqual(executed.interrupted, 1)
      for (const timeout of [0, -1, Number.NaN]) {
        assert.strictEqual((yield* Effect.flip(work.invoke("who", undefined, { timeout })))._tag, "InvalidArgument")
      }
      assert.strictEqual((yield* work.instances)[0]!.invocations.begun, 1)
    })
  )

  it.effect("that is interrupted interrupts its handler", () =>
    Effect.gen(function* () {
      const { executed, instance } = yield* serve("a")
      const work = yield* invoke([instance])
      const invoking = yield* Effect.forkChild(work.invoke("take", 5000))
      yield* settle
      assert.strictEqual(executed.begun.length, 1)
      yield* Fiber.interrupt(invoking)
      yield* settle
      assert.strictEqual(executed.interrupted, 1)
      const [status] = yield* work.instances
      assert.deepStrictEqual([status!.invocations.interrupted, status!.invocations.underway], [1, 0])
    })
  )

  it.effect("that was certainly not sent goes to another instance", () =>
    Effect.gen(function* () {
      const { executed, instance } = yield* serve("a")
      const full = yield* serve("full", Memory.make(), { limits: { pending: 1 } })
      const work = yield* invoke([instanceOf("dead", Memory.make()), full.instance, instance])
      const held = yield* Effect.forkChild(work.invoke("take", 60_000, { timeout: "1 hour" }))
      yield* settle
      const answers = yield* Effect.forEach(names(9), () => work.invoke("who"))
      assert.deepStrictEqual(countOf(answers), { a: 9 })
      assert.strictEqual(executed.begun.length, 9)
      assert.strictEqual(full.executed.begun.length, 1)
      yield* Fiber.interrupt(held)
    })
  )

  it.effect("that may have been handled is not sent again, unless it is idempotent", () =>
    Effect.gen(function* () {
      const first = yield* serveApart("first", Memory.make(), { stopTimeout: "1 second" })
      const second = yield* serve("second")
      const work = yield* invoke([first.instance, second.instance])
      const fork = (idempotent: boolean) =>
        Effect.forkChild(Effect.result(work.invoke("take", 5000, { timeout: "1 minute", idempotent })))
      const [once, other, again] = [yield* fork(false), yield* fork(true), yield* fork(true)]
      yield* settle
      const stopping = yield* Effect.forkChild(first.stop)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(stopping)
      const error = yield* Effect.flip(Effect.flatMap(Fiber.join(once), Effect.fromResult))
      assert(error._tag === "Unavailable")
      assert.deepStrictEqual([error.delivery, error.peer], ["uncertain", "worker/work/first"])
      for (const fiber of [other, again]) {
        assert.strictEqual(yield* Effect.flatMap(Fiber.join(fiber), Effect.fromResult), "second")
      }
      assert.strictEqual(second.executed.begun.length, 2)
      assert.isTrue(second.executed.begun.includes(first.executed.begun[1]!))
    })
  )

  it.effect(
    "I9 jobs whose worker dies go to another, each at least once; those that were confirmed are never sent again",
    () =>
      Effect.gen(function* () {
        const dying = yield* serveApart("dying", Memory.make(), { stopTimeout: 0 })
        const second = yield* serve("second")
        const third = yield* serve("third")
        const work = yield* invoke([dying.instance, second.instance, third.instance])
        // One of them every 100 ms from each worker, who works on all at once.
        const jobs = Array.from({ length: 30 }, (_, at) => `job ${at}`)
        const working = yield* Effect.forkChild(
          Effect.forEach(
            jobs,
            (id, at) =>
              work.invoke("mark", { id, ms: 100 * (1 + Math.floor(at / 3)) }, { timeout: "1 hour", idempotent: true }),
            { concurrency: "unbounded" }
          )
        )
        yield* settle
        yield* TestClock.adjust("450 millis")
        const confirmed = dying.executed.done
        assert.strictEqual(confirmed, 4)
        yield* dying.stop
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(working), jobs)
        const done = [dying, second, third].map(({ executed }) => executed.done)
        assert.deepStrictEqual(done, [confirmed, 13, 13])
        const begun = [dying, second, third].flatMap(({ executed }) => executed.begun)
        assert.deepStrictEqual(new Set(begun), new Set(jobs))
        const again = begun.filter((id, at) => begun.indexOf(id) !== at)
        assert.lengthOf(again, 10 - confirmed)
        assert.isEmpty(again.filter((id) => dying.executed.begun.indexOf(id) < confirmed))
      })
  )

  it.effect("that may have been handled says so, when no other instance is left for it", () =>
    Effect.gen(function* () {
      const only = yield* serveApart("only", Memory.make(), { stopTimeout: "1 second" })
      const work = yield* invoke([only.instance])
      const invoking = yield* Effect.forkChild(
        Effect.flip(work.invoke("take", 5000, { timeout: "1 minute", idempotent: true }))
      )
      yield* settle
      yield* Effect.forkChild(only.stop)
      yield* TestClock.adjust("2 seconds")
      const error = yield* Fiber.join(invoking)
      assert(error._tag === "Unavailable")
      assert.strictEqual(error.delivery, "uncertain")
    })
  )

  it.effect("waits for the first instances, and fails with what is known of each when none takes it", () =>
    Effect.gen(function* () {
      const come = yield* Deferred.make<ReadonlyArray<Instance.Instance>>()
      const work = yield* Invocation.make({ instances: Stream.fromEffect(Deferred.await(come)) }, Work)
      const early = yield* Effect.flip(work.invoke("who", undefined, { timeout: "1 second" })).pipe(Effect.forkChild)
      yield* TestClock.adjust("1 second")
      const late = yield* Fiber.join(early)
      assert(late._tag === "Unavailable")
      assert.strictEqual(late.delivery, "not sent")

      const waiting = yield* Effect.forkChild(Effect.flip(work.invoke("who")))
      yield* settle
      assert.strictEqual(yield* work.waiting, 1)
      yield* Deferred.succeed(come, [instanceOf("dead", Memory.make()), instanceOf("gone", Memory.make())])
      yield* settle
      const error = yield* Fiber.join(waiting)
      assert(error._tag === "NoInstance")
      assert.deepStrictEqual(
        error.known.map(({ instance }) => instance),
        ["worker/work/dead", "worker/work/gone"]
      )
      assert.include(error.message, "Nothing listens there")
      const none = yield* Effect.flip(Effect.flatMap(invoke([]), (one) => one.invoke("who")))
      assert.strictEqual(
        none.message,
        'No instance of test:work takes "who": there are none. Nothing was handled: start one, or try again later.'
      )
    })
  )
})

describe("balancing", () => {
  it.effect("K49 round robin is exact, one after the other and side by side", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(4)
      const work = yield* invoke(instancesOf(served))
      const one = yield* Effect.forEach(names(12), () => work.invoke("who"))
      assert.strictEqual(one.join(""), "abcdabcdabcd")
      const many = yield* Effect.forEach(Array.from({ length: 1000 }), () => work.invoke("who"), {
        concurrency: 100
      })
      assert.deepStrictEqual(countOf(many), { a: 250, b: 250, c: 250, d: 250 })
    })
  )

  it.effect("K49 weighted is within 2 % over 10,000 calls", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(3)
      const weights: Readonly<Record<string, number>> = { a: 5, b: 2.5, c: 1 }
      const work = yield* invoke(instancesOf(served), {
        balance: Balance.weighted(({ id }) => weights[id.instance] as number)
      })
      const all = yield* Effect.forEach(Array.from({ length: 10_000 }), () => work.invoke("who"), { concurrency: 50 })
      const counts = countOf(all)
      for (const [name, weight] of Object.entries(weights)) {
        const share = (10_000 * weight) / 8.5
        assert.isAtMost(Math.abs(counts[name]! - share), 0.02 * share)
      }
    })
  )

  it.effect("least outstanding leaves alone who is busy", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(3)
      const work = yield* invoke(instancesOf(served), { balance: Balance.leastOutstanding })
      const slow = yield* Effect.forEach(names(2), () => Effect.forkChild(work.invoke("take", 60_000)))
      yield* settle
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(10), () => work.invoke("who"))), { c: 10 })
      yield* Fiber.interruptAll(slow)
    })
  )

  it.effect("more than the limit wait in their order, and more than may wait are refused", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(2)
      const work = yield* invoke(instancesOf(served), { limits: { underway: 2, queue: 2 } })
      const order: Array<number> = []
      const fork = (n: number) =>
        Effect.forkChild(
          Effect.tap(work.invoke("take", 1000 * n, { timeout: "1 minute" }), () => Effect.sync(() => order.push(n)))
        )
      yield* Effect.forEach([1, 2, 3, 4], fork)
      yield* settle
      const dropped = yield* fork(5)
      yield* fork(6)
      yield* settle
      assert.strictEqual(yield* work.waiting, 2)
      const error = yield* Effect.flip(work.invoke("who"))
      assert(error._tag === "Overloaded")
      assert.deepStrictEqual([error.underway, error.queue], [2, 2])
      // One that waits no longer makes room for another.
      yield* Fiber.interrupt(dropped)
      const late = yield* Effect.forkChild(Effect.flip(work.invoke("who", undefined, { timeout: "500 millis" })))
      yield* TestClock.adjust("500 millis")
      const inTime = yield* Fiber.join(late)
      assert(inTime._tag === "Unavailable")
      assert.strictEqual(inTime.delivery, "not sent")
      yield* fork(7)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(order, [1, 2, 3, 4, 6, 7])
      for (const { invocations } of yield* work.instances) assert.strictEqual(invocations.underway, 0)
    })
  )
})

describe("the health of instances", () => {
  it.effect("K49 one that is not well gets none, and returns after it recovers", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* serve("a"), yield* serve("b")]
      const work = yield* invoke([a.instance, b.instance], { health: quick })
      yield* settle
      const changes = yield* work.changes
      yield* Effect.forEach(names(4), () => work.invoke("who"))
      a.executed.unwell = "its disk is full"
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* statesOf(work), { a: "Available", b: "Available" })
      yield* TestClock.adjust("1 second")
      const { instance, state } = yield* Selectable.take(changes)
      assert.strictEqual(instance.id.instance, "a")
      assert.deepStrictEqual(state, {
        _tag: "SetAside",
        why: "it says that it is not well: its disk is full",
        attempt: 0
      })
      const before = a.executed.begun.length
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(10), () => work.invoke("who"))), { b: 10 })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual((yield* Selectable.take(changes)).state, {
        _tag: "SetAside",
        why: "it says that it is not well: its disk is full",
        attempt: 1
      })
      a.executed.unwell = undefined
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Selectable.take(changes)).state._tag, "Available")
      assert.strictEqual(a.executed.begun.length, before)
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(10), () => work.invoke("who"))), { a: 5, b: 5 })
      const [status] = yield* work.instances
      assert.deepStrictEqual([status!.setAside, status!.failures, status!.checks.failed], [1, 0, 4])
    })
  )

  it.effect("one whose checks have no answer in time is set aside", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* serve("a"), yield* serve("b")]
      const work = yield* invoke([a.instance, b.instance], { health: quick })
      yield* Effect.forEach(names(2), () => work.invoke("who"))
      a.executed.unwell = "stuck"
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* statesOf(work), { a: "SetAside", b: "Available" })
      a.executed.unwell = undefined
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* statesOf(work), { a: "Available", b: "Available" })
    })
  )

  it.effect("one that can't be connected to is set aside after so many failures, and comes back when it can", () =>
    Effect.gen(function* () {
      const transport = Memory.make()
      const a = yield* serve("a")
      const work = yield* invoke([a.instance, instanceOf("b", transport)], { health: quick })
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(3), () => work.invoke("who"))), { a: 3 })
      assert.deepStrictEqual(yield* statesOf(work), { a: "Available", b: "Available" })
      yield* Effect.forEach(names(5), () => work.invoke("who"))
      const status = (yield* work.instances)[1]!
      assert.deepStrictEqual([status.state._tag, status.invocations.begun, status.failures], ["SetAside", 3, 3])
      const b = yield* serve("b", transport)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(10), () => work.invoke("who"))), { a: 5, b: 5 })
      assert.strictEqual(b.executed.begun.length, 5)
    })
  )

  it.effect("one that answers nothing in time is set aside, and one that is slow in one function is not", () =>
    Effect.gen(function* () {
      const { instance } = yield* serve("a")
      const work = yield* invoke([instance], { health: { ...quick, interval: "1 hour" } })
      const slow = (count: number) =>
        Effect.forEach(
          Array.from({ length: count }),
          () => Effect.flip(work.invoke("take", 60_000, { timeout: "100 millis" })),
          { concurrency: "unbounded" }
        )
      const first = yield* Effect.forkChild(slow(5))
      yield* settle
      yield* work.invoke("who")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(first)
      assert.deepStrictEqual(yield* statesOf(work), { a: "Available" })
      const second = yield* Effect.forkChild(slow(3))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(second)
      assert.deepStrictEqual(yield* statesOf(work), { a: "SetAside" })
      const error = yield* Effect.flip(work.invoke("who"))
      assert(error._tag === "NoInstance")
      assert.include(error.message, "is set aside: worker/work/a did not answer")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* work.invoke("who"), "a")
    })
  )

  it.effect("one is given up when the backoff ends", () =>
    Effect.gen(function* () {
      const transport = Memory.make()
      const work = yield* invoke([instanceOf("a", transport)], {
        health: { ...quick, failures: 1, backoff: Schedule.upTo(Schedule.spaced("1 second"), { times: 2 }) }
      })
      yield* Effect.flip(work.invoke("who"))
      yield* TestClock.adjust("10 seconds")
      yield* serve("a", transport)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Effect.flip(work.invoke("who")))._tag, "NoInstance")
    })
  )
})

describe("instances that come and go", () => {
  it.effect(
    "one connection each, made when it is used, and closed when nobody has for long or the instance leaves",
    () =>
      Effect.gen(function* () {
        const served = yield* serveAll(2)
        const { instances, set } = yield* live(instancesOf(served))
        const work = yield* Invocation.make({ instances }, Work, { health: quick, idle: "5 seconds" })
        const connections = Effect.map(
          Effect.forEach(served, ({ acceptor }) => acceptor.stats),
          (stats) => stats.map(({ accepted, connections }) => [accepted, connections])
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* connections, [
          [0, 0],
          [0, 0]
        ])
        yield* Effect.forEach(Array.from({ length: 100 }), () => work.invoke("who"), { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* connections, [
          [1, 1],
          [1, 1]
        ])
        yield* TestClock.adjust("3 seconds")
        yield* work.invoke("who")
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(yield* connections, [
          [1, 1],
          [1, 0]
        ])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual((yield* connections)[0], [1, 0])
        assert.strictEqual(served[0]!.executed.asked.length, 7)
        yield* Effect.forEach(names(2), () => work.invoke("who"))
        assert.deepStrictEqual(yield* connections, [
          [2, 1],
          [2, 1]
        ])
        // What is underway to one that leaves is answered.
        const busy = yield* Effect.forEach(names(2), () => Effect.forkChild(work.invoke("take", 1000)))
        yield* settle
        yield* set([served[0]!.instance])
        yield* settle
        assert.deepStrictEqual(yield* statesOf(work), { a: "Available" })
        assert.deepStrictEqual((yield* connections)[1], [2, 1])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(countOf(yield* Fiber.joinAll(busy)), { a: 1, b: 1 })
        yield* settle
        assert.deepStrictEqual((yield* connections)[1], [2, 0])
        assert.deepStrictEqual(countOf(yield* Effect.forEach(names(4), () => work.invoke("who"))), { a: 4 })
      })
  )

  it.effect("one that has ended gets nothing more, before it leaves", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(2)
      const end = yield* Deferred.make<Instance.Ended>()
      const [a, b] = instancesOf(served)
      const mortal = { ...a!, ended: Deferred.await(end) }
      const work = yield* invoke([mortal, b!])
      yield* settle
      const changes = yield* work.changes
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(4), () => work.invoke("who"))), { a: 2, b: 2 })
      yield* Deferred.succeed(end, { how: "exited" as const, detail: "code 1" })
      const { instance, state } = yield* Selectable.take(changes)
      assert.strictEqual(instance, mortal)
      assert.deepStrictEqual(state, { _tag: "Gone", why: "it has ended (exited): code 1" })
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(4), () => work.invoke("who"))), { b: 4 })
      assert.deepStrictEqual(yield* statesOf(work), { b: "Available" })
    })
  )

  it.effect("an invocation that waits goes to one that comes", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(2)
      const [a, b] = instancesOf(served)
      const { instances, set } = yield* live([a!])
      const work = yield* Invocation.make({ instances }, Work, { limits: { underway: 1 } })
      const first = yield* Effect.forkChild(work.invoke("take", 5000))
      yield* settle
      const second = yield* Effect.forkChild(work.invoke("who"))
      yield* settle
      yield* set([a!, b!])
      assert.strictEqual(yield* Fiber.join(second), "b")
      yield* Fiber.interrupt(first)
    })
  )

  it.effect("a source that fails leaves those that there were, and none says why there are none", () =>
    Effect.gen(function* () {
      const { instance } = yield* serve("a")
      const lost = Stream.fail("the API is not there")
      const work = yield* Invocation.make({ instances: Stream.concat(Stream.make([instance]), lost) }, Work)
      yield* settle
      assert.strictEqual(yield* work.invoke("who"), "a")
      const none = yield* Invocation.make({ instances: lost }, Work)
      const error = yield* Effect.flip(none.invoke("who"))
      assert.include(error.message, "it is not known any more which there are")
    })
  )

  it.effect("K43 what is counted of two instances is apart", () =>
    Effect.gen(function* () {
      const served = yield* serveAll(2)
      const work = yield* invoke(instancesOf(served))
      yield* Effect.forEach(names(6), (text) => work.invoke("echo", text))
      yield* Effect.forEach(names(2), (text) => Effect.flip(work.invoke("fail", text)))
      yield* work.invoke("echo", "to the first")
      const [a, b] = yield* work.instances
      assert.deepStrictEqual(a!.invocations, { begun: 5, succeeded: 4, failed: 1, interrupted: 0, underway: 0 })
      assert.deepStrictEqual(b!.invocations, { begun: 4, succeeded: 3, failed: 1, interrupted: 0, underway: 0 })
      assert.deepStrictEqual([a!.connection!.messagesOut, b!.connection!.messagesOut], [5, 4])
      for (const [at, { acceptor, executed }] of served.entries()) {
        const { accepted, handled, messagesIn } = yield* acceptor.stats
        assert.deepStrictEqual([accepted, messagesIn], [1, 5 - at])
        assert.deepStrictEqual(handled, { succeeded: 4 - at, failed: 1, running: 0 })
        assert.strictEqual(executed.begun.length, 5 - at)
      }
    })
  )
})

describe("stopping", () => {
  it.effect("K48 an instance that stops says so: what it has is answered, and the rest goes elsewhere at once", () =>
    Effect.gen(function* () {
      const transport = Memory.make()
      const a = yield* serveApart("a", transport)
      const b = yield* serve("b")
      const work = yield* invoke([a.instance, b.instance], { health: quick })
      yield* settle
      const changes = yield* work.changes
      const busy = yield* Effect.forEach(names(4), () => Effect.forkChild(work.invoke("take", 2000)))
      yield* settle
      const stopping = yield* Effect.forkChild(a.stop)
      yield* settle
      assert.strictEqual((yield* Selectable.take(changes)).state._tag, "Draining")
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(6), () => work.invoke("who"))), { b: 6 })
      assert.isUndefined(stopping.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(countOf(yield* Fiber.joinAll(busy)), { a: 2, b: 2 })
      assert.deepStrictEqual([a.executed.done, a.executed.interrupted], [2, 0])
      yield* settle
      assert.deepStrictEqual((yield* Selectable.take(changes)).state, {
        _tag: "SetAside",
        why: "it has stopped",
        attempt: 0
      })
      // It is started again.
      yield* serve("a", transport)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(countOf(yield* Effect.forEach(names(6), () => work.invoke("who"))), { a: 3, b: 3 })
    })
  )

  it.effect("K48 an invoker that closes takes no more, waits for what is underway, and fails the rest", () =>
    Effect.gen(function* () {
      const { acceptor, executed, instance } = yield* serve("a")
      const scope = yield* Scope.make()
      const work = yield* Scope.provide(
        invoke([instance], { limits: { underway: 2 }, stopTimeout: "5 seconds" }),
        scope
      )
      const fork = (ms: number) => Effect.forkChild(Effect.result(work.invoke("take", ms, { timeout: "1 hour" })))
      const [short, long, waiting, never] = [yield* fork(1000), yield* fork(60_000), yield* fork(1000), yield* fork(1)]
      yield* settle
      assert.strictEqual(yield* work.waiting, 2)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      const refused = yield* Effect.flip(work.invoke("who"))
      assert(refused._tag === "InvokerClosed")
      assert.strictEqual(refused.delivery, "not sent")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.flatMap(Fiber.join(short), Effect.fromResult), "a")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.flatMap(Fiber.join(waiting), Effect.fromResult), "a")
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* Effect.flatMap(Fiber.join(never), Effect.fromResult), "a")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      const cut = yield* Effect.flip(Effect.flatMap(Fiber.join(long), Effect.fromResult))
      assert(cut._tag === "InvokerClosed")
      assert.strictEqual(cut.delivery, "uncertain")
      yield* settle
      assert.deepStrictEqual([executed.done, executed.interrupted], [3, 1])
      assert.strictEqual((yield* acceptor.stats).connections, 0)
    })
  )
})
