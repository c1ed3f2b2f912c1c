import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, type Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Inbox } from "troupe"
import { Message, Process, ProcessHost, Recording, Sys } from "troupe"
import { host, settle } from "../support/processes.ts"
import { explore } from "../support/schedules.ts"

const Item = Rpc.make("item", { payload: Schema.Int })
const Ask = Rpc.make("ask", { success: Schema.Int })

// Takes batches until it has so many items; answers each batch.
const collector = (inbox: Inbox.Options = {}) => {
  const Collector = Process.make("test:collector", { args: Schema.Int, protocol: [Item, Ask], inbox })
  const live = Collector.toLayer(
    Effect.fnUntraced(function* (count) {
      const batches: Array<ReadonlyArray<number>> = []
      while (batches.flat().length < count) {
        const messages = yield* Collector.receiveAll()
        for (const message of messages) if (message.topic === "ask") yield* Message.reply(message, messages.length)
        batches.push(messages.flatMap((message) => (message.topic === "item" ? [message.payload] : [])))
      }
      return batches
    })
  )
  return { Collector, live }
}

const balanced = Effect.gen(function* () {
  const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
  assert.strictEqual(sent, received + queued + deadLetters)
})

describe("receiveAll", () => {
  it.effect("takes all that waits, the oldest first, and waits where there is none", () =>
    Effect.gen(function* () {
      const { Collector, live } = collector()
      const pid = yield* Effect.provide(Process.spawn(Collector, 4), live)
      for (let i = 0; i < 3; i++) yield* Process.send(pid, "item", i)
      yield* settle
      assert.strictEqual((yield* ProcessHost.stats()).received, 3)
      yield* Process.send(pid, "item", 3)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([[0, 1, 2], [3]]))
      yield* balanced
    }).pipe(Effect.provide(host))
  )

  it.effect("lets those in who wait for space, who are in the next batch", () =>
    Effect.gen(function* () {
      const { Collector, live } = collector({ capacity: 2 })
      const pid = yield* Effect.provide(Process.spawn(Collector, 5), live)
      const senders: Array<Fiber.Fiber<void, unknown>> = []
      for (let i = 0; i < 5; i++)
        senders.push(yield* Effect.forkChild(Process.send(pid, "item", i), { startImmediately: true }))
      yield* Effect.forEach(senders, Fiber.join)
      const exit = yield* Process.await(pid)
      assert.deepStrictEqual(Exit.isSuccess(exit) ? exit.value : exit, [[0, 1], [2, 3], [4]])
      yield* balanced
    }).pipe(Effect.provide(host))
  )

  it.effect("takes calls as well, which are answered as any", () =>
    Effect.gen(function* () {
      const { Collector, live } = collector()
      const pid = yield* Effect.provide(Process.spawn(Collector, 2), live)
      yield* Process.send(pid, "item", 0)
      assert.strictEqual(yield* Process.call(pid, "ask"), 2)
      yield* Process.send(pid, "item", 1)
      yield* Process.await(pid)
    }).pipe(Effect.provide(host))
  )

  it.effect("takes nothing while the process is suspended", () =>
    Effect.gen(function* () {
      const { Collector, live } = collector()
      const pid = yield* Effect.provide(Process.spawn(Collector, 2), live)
      yield* settle
      yield* Sys.suspend(pid)
      yield* Process.send(pid, "item", 0)
      yield* Process.send(pid, "item", 1)
      yield* settle
      assert.strictEqual((yield* ProcessHost.stats()).received, 0)
      yield* Sys.resume(pid)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([[0, 1]]))
    }).pipe(Effect.provide(host))
  )

  it.effect("gives a process that is recorded one message at a time", () =>
    Effect.gen(function* () {
      const { Collector, live } = collector()
      const recorder = yield* Recording.inMemory
      const pid = yield* Effect.provide(Process.spawn(Collector, 3, { record: recorder }), live)
      for (let i = 0; i < 3; i++) yield* Process.send(pid, "item", i)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([[0], [1], [2]]))
    }).pipe(Effect.provide(host))
  )

  it.live("loses and doubles nothing when its process is killed amid many that send, in 1,000 schedules", () =>
    explore(
      Effect.gen(function* () {
        const { Collector, live } = collector({ capacity: 3 })
        const pid = yield* Effect.provide(Process.spawn(Collector, 100), live)
        const senders: Array<Fiber.Fiber<Option.Option<void>>> = []
        for (let i = 0; i < 4; i++) {
          senders.push(
            yield* Effect.forkChild(
              Effect.forEach([0, 1, 2], (n) => Process.send(pid, "item", i * 3 + n), { discard: true }).pipe(
                Effect.option
              )
            )
          )
        }
        yield* Effect.yieldNow
        yield* Process.kill(pid)
        yield* Effect.forEach(senders, Fiber.join)
        yield* balanced
      }).pipe(Effect.provide(Layer.fresh(host))),
      { schedules: 1000 }
    )
  )
})
