/** How members come, leave, are counted and are closed, and what a balance that throws does, while the clock is the test's. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type Balance, type Instance, Invocation, Memory, type Transport } from "troupe/net"
import { countOf, instanceOf, invoke, live, serve, statesOf, Work } from "./invoked.ts"

/** Has everything run that needs no time. */
const settle = Effect.repeat(Effect.yieldNow, { times: 300 })

const quick: Invocation.HealthOptions = {
  interval: "1 second",
  timeout: "500 millis",
  failures: 3,
  backoff: Schedule.spaced("2 seconds")
}

/** A way to an instance whose wires take a second to close, and how many have closed. */
const slowToClose = (inner: Transport.Transport) => {
  const counts = { closed: 0 }
  const transport: Transport.Transport = {
    "~troupe/net/Transport": "~troupe/net/Transport",
    name: inner.name,
    address: inner.address,
    listen: inner.listen,
    connect: Effect.andThen(
      Effect.addFinalizer(() => Effect.andThen(Effect.sleep("1 second"), () => Effect.sync(() => counts.closed++))),
      inner.connect
    )
  }
  return { transport, counts }
}

/** An invoker of one such instance, which has a connection and nothing underway. */
const slowlyClosed = Effect.fnUntraced(function* (options: Invocation.Options) {
  const transport = Memory.make()
  yield* serve("a", transport)
  const slow = slowToClose(transport)
  const { instances, set } = yield* live([instanceOf("a", slow.transport)])
  const work = yield* Invocation.make({ instances }, Work, options)
  yield* work.invoke("who")
  return { work, set, counts: slow.counts }
})

describe("members", () => {
  it.effect("invocations that wait go to those that come in the step in which all others leave", () =>
    Effect.gen(function* () {
      const [a, b, c] = [yield* serve("a"), yield* serve("b"), yield* serve("c")]
      const { instances, set } = yield* live([a.instance])
      const work = yield* Invocation.make({ instances }, Work, { limits: { underway: 1 } })
      const first = yield* Effect.forkChild(work.invoke("take", 5000))
      yield* settle
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(work.invoke("who")))
      yield* settle
      assert.strictEqual(yield* work.waiting, 3)
      // One of those that come has ended already, which is known as soon as it is watched.
      const ended: Instance.Instance["ended"] = Effect.succeed({ how: "exited", detail: "" })
      yield* set([{ ...b.instance, ended }, c.instance])
      assert.deepStrictEqual(countOf(yield* Fiber.joinAll(waiting)), { c: 3 })
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(first), "a")
    })
  )

  it.effect("K49 one that says that it is not well is set aside, though it answers invocations meanwhile", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* serve("a"), yield* serve("b")]
      const work = yield* invoke([a.instance, b.instance], { health: quick })
      const busy = Effect.forEach([1, 2, 3, 4], () => work.invoke("who"))
      yield* busy
      a.executed.unwell = "its disk is full"
      yield* TestClock.adjust("1 second")
      yield* busy
      yield* TestClock.adjust("1 second")
      yield* busy
      // A check that succeeds begins anew.
      a.executed.unwell = undefined
      yield* TestClock.adjust("1 second")
      a.executed.unwell = "its disk is full"
      yield* TestClock.adjust("1 second")
      yield* busy
      yield* TestClock.adjust("1 second")
      yield* busy
      assert.deepStrictEqual(yield* statesOf(work), { a: "Available", b: "Available" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* statesOf(work), { a: "SetAside", b: "Available" })
      a.executed.unwell = undefined
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(countOf(yield* busy), { a: 2, b: 2 })
    })
  )

  it.effect("an invoker that closes waits for the connection of one that was idle for too long", () =>
    Effect.gen(function* () {
      const { counts, work } = yield* slowlyClosed({ health: quick, idle: "1 second" })
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.forkChild(work.close)
      yield* settle
      assert.deepStrictEqual([closing.pollUnsafe(), counts.closed], [undefined, 0])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.strictEqual(counts.closed, 1)
    })
  )

  it.effect("an invoker that closes waits for the connection of one that has left with nothing underway", () =>
    Effect.gen(function* () {
      const { counts, set, work } = yield* slowlyClosed({})
      yield* set([])
      yield* settle
      assert.deepStrictEqual(yield* statesOf(work), {})
      const closing = yield* Effect.forkChild(work.close)
      yield* settle
      assert.deepStrictEqual([closing.pollUnsafe(), counts.closed], [undefined, 0])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.strictEqual(counts.closed, 1)
    })
  )
})

describe("a balance that throws", () => {
  /** Throws while it is told to. */
  const faulty = () => {
    const fault = { isOn: false }
    const balance: Balance.Balance = () => (candidates) => {
      if (fault.isOn) throw new Error("no weight is known")
      return candidates[0]
    }
    return { fault, balance }
  }

  it.effect("is a defect of the invocation that it was asked for, which is over then", () =>
    Effect.gen(function* () {
      const { balance, fault } = faulty()
      const { instance } = yield* serve("a")
      const scope = yield* Scope.make()
      const work = yield* Scope.provide(invoke([instance], { balance, stopTimeout: "1 hour" }), scope)
      yield* settle
      fault.isOn = true
      const exit = yield* Effect.exit(work.invoke("who"))
      assert.isTrue(Exit.hasDies(exit))
      fault.isOn = false
      assert.strictEqual(yield* work.invoke("who"), "a")
      assert.strictEqual((yield* work.instances)[0]!.invocations.begun, 1)
      // Nothing is underway: it does not wait for anything.
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      assert.isDefined(closing.pollUnsafe())
    })
  )

  it.effect("is none of an invocation that makes room for others, or of the source of instances", () =>
    Effect.gen(function* () {
      const { balance, fault } = faulty()
      const [a, b] = [yield* serve("a"), yield* serve("b")]
      const { instances, set } = yield* live([a.instance])
      const work = yield* Invocation.make({ instances }, Work, { balance, limits: { underway: 1 } })
      const first = yield* Effect.forkChild(work.invoke("take", 1000))
      yield* settle
      const second = yield* Effect.forkChild(Effect.exit(work.invoke("who")))
      yield* settle
      fault.isOn = true
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(first), "a")
      assert.isTrue(Exit.hasDies(yield* Fiber.join(second)))

      fault.isOn = false
      const third = yield* Effect.forkChild(work.invoke("take", 1000))
      yield* settle
      const fourth = yield* Effect.forkChild(Effect.exit(work.invoke("who")))
      yield* settle
      fault.isOn = true
      yield* set([a.instance, b.instance])
      assert.isTrue(Exit.hasDies(yield* Fiber.join(fourth)))
      fault.isOn = false
      yield* set([b.instance])
      yield* settle
      assert.strictEqual(yield* work.invoke("who"), "b")
      assert.deepStrictEqual(yield* statesOf(work), { b: "Available" })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(third), "a")
      assert.strictEqual(yield* work.waiting, 0)
    })
  )
})
