import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Inbox } from "troupe"
import { DeadLetter, Process, ProcessHost } from "troupe"
import { host, settle } from "../support/processes.ts"
import { explore } from "../support/schedules.ts"

const Item = Rpc.make("item", { payload: Schema.Finite })
const Go = Rpc.make("go")
const consumer = (inbox: Inbox.Options) => {
  const Consumer = Process.make("test:consumer", { args: Schema.Finite, protocol: [Item, Go], inbox })
  const live = Consumer.toLayer(
    Effect.fn(function* (count) {
      const taken: Array<number> = []
      while (taken.length < count) {
        const message = yield* Consumer.receive()
        if (message.topic === "item") taken.push(message.payload)
      }
      return taken
    })
  )
  return { Consumer, live }
}
const balanced = Effect.gen(function* () {
  const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
  assert.strictEqual(sent, received + queued + deadLetters)
})

describe("a full inbox", () => {
  it.effect("suspends senders, lets them in first come, first served, and loses nothing", () =>
    Effect.gen(function* () {
      const { Consumer, live } = consumer({ capacity: 2 })
      const pid = yield* Effect.provide(Process.spawn(Consumer, 6), live)
      const senders: Array<Fiber.Fiber<void, unknown>> = []
      for (let i = 0; i < 6; i++)
        senders.push(yield* Effect.forkChild(Process.send(pid, "item", i), { startImmediately: true }))
      assert.deepStrictEqual(
        senders.map((fiber) => fiber.pollUnsafe() !== undefined),
        [true, true, false, false, false, false]
      )
      yield* Effect.forEach(senders, Fiber.join)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([0, 1, 2, 3, 4, 5]))
      yield* balanced
    }).pipe(Effect.provide(host))
  )

  it.effect("a suspended sender that is interrupted has sent nothing, and the next one gets its place", () =>
    Effect.gen(function* () {
      const { Consumer, live } = consumer({ capacity: 1 })
      const pid = yield* Effect.provide(Process.spawn(Consumer, 2), live)
      yield* Process.send(pid, "item", 0)
      const first = yield* Effect.forkChild(Process.send(pid, "item", 1), { startImmediately: true })
      const second = yield* Effect.forkChild(Process.send(pid, "item", 2), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* Fiber.join(second)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([0, 2]))
      yield* balanced
    }).pipe(Effect.provide(host))
  )

  it.effect("in 2,000 schedules a sender that reports its interruption has sent nothing, and the others all have", () =>
    explore(
      Effect.gen(function* () {
        const { Consumer, live } = consumer({ capacity: 1 })
        const pid = yield* Effect.provide(Process.spawn(Consumer, 100), live)
        const senders: Array<Fiber.Fiber<void, unknown>> = []
        for (let i = 0; i < 5; i++) senders.push(yield* Effect.forkChild(Process.send(pid, "item", i)))
        yield* Effect.yieldNow
        for (const fiber of senders.slice(1, 3)) fiber.interruptUnsafe()
        const exits = yield* Effect.forEach(senders, Fiber.await)
        yield* Effect.sleep(1)
        const { received, sent } = yield* ProcessHost.stats()
        assert.strictEqual(sent, exits.filter(Exit.isSuccess).length)
        assert.strictEqual(received, sent)
        yield* balanced
      }).pipe(Effect.provide(host)),
      { schedules: 2000 }
    )
  )

  it.effect(
    "suspended senders to a process that ends get ProcessNotFound, and their messages are no dead letters",
    () =>
      Effect.gen(function* () {
        const Stuck = Process.make("test:stuck", { protocol: [Item], inbox: { capacity: 1, overflow: "suspend" } })
        const pid = yield* Effect.provide(
          Process.spawn(Stuck),
          Stuck.toLayer(() => Effect.never)
        )
        yield* Process.send(pid, "item", 0)
        const waiting = yield* Effect.forkChild(Effect.flip(Process.send(pid, "item", 1)), { startImmediately: true })
        yield* Process.kill(pid)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "ProcessNotFound")
        assert.strictEqual((yield* DeadLetter.counts).Killed, 1)
        yield* balanced
      }).pipe(Effect.provide(host))
  )

  it.effect("drops the newest, drops the oldest, or rejects, as it is told, and every drop is a dead letter", () =>
    Effect.gen(function* () {
      for (const [overflow, kept, dropped] of [
        ["drop-newest", [0, 1], 2],
        ["drop-oldest", [2, 3], 2],
        ["reject", [0, 1], 0]
      ] as const) {
        const { Consumer, live } = consumer({ capacity: 2, overflow })
        const before = (yield* DeadLetter.counts).Overflow
        const pid = yield* Effect.provide(Process.spawn(Consumer, 2), live)
        for (let i = 0; i < 4; i++) {
          const sent = yield* Effect.exit(Process.send(pid, "item", i))
          const accepted = overflow !== "reject" || i < 2
          assert.strictEqual(Exit.isSuccess(sent), accepted)
          if (!accepted) assert.include(String(sent), "InboxFull")
        }
        assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(kept))
        assert.strictEqual((yield* DeadLetter.counts).Overflow - before, dropped)
      }
      yield* settle
      yield* balanced
    }).pipe(Effect.provide(host))
  )

  it.effect("a suspended sender's message goes to the listener that opened meanwhile", () =>
    Effect.gen(function* () {
      const Picky = Process.make("test:picky", { protocol: [Item, Go], inbox: { capacity: 1 } })
      const pid = yield* Effect.provide(
        Process.spawn(Picky),
        Picky.toLayer(() =>
          Effect.gen(function* () {
            yield* settle
            const items = yield* Picky.listen("item")
            yield* Picky.receive("go")
            yield* settle
            return [items.length, (yield* Picky.inbox).length]
          })
        )
      )
      yield* Process.send(pid, "go")
      const waiting = yield* Effect.forkChild(Process.send(pid, "item", 1), { startImmediately: true })
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([1, 0]))
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(host))
  )
})
