/** Savina's `bndBuffer`: many producers and many consumers around a buffer with a limit, which holds producers up. */
import { type Cause, Effect, Fiber, Queue, Schema } from "effect"
import { Channel, type Pid, Process } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { inProcess } from "../harness/inProcess.ts"
import type { Bench } from "../harness/measure.ts"
import { timed } from "../harness/timed.ts"
import { nactBoundedBuffer } from "../peers/nactSavina.ts"

const producers = 40
const consumers = 40
const capacity = 50
const each = 10_000
const items = producers * each

const Producer = Process.make("bench:producer", { args: Schema.Int })
const Consumer = Process.make("bench:consumer")

const troupe = Effect.gen(function* () {
  const buffer = yield* Channel.bounded<number>(capacity)
  let consumed = 0
  let sum = 0
  const ProducerLive = Producer.toLayer(
    Effect.fnUntraced(function* (number) {
      for (let i = 0; i < each; i++) yield* Channel.send(buffer, number * each + i)
    })
  )
  const consumer = Effect.gen(function* () {
    while (true) {
      const item = yield* Channel.receive(buffer)
      sum += item
      consumed++
    }
  })
  const ConsumerLive = Consumer.toLayer(() => Effect.catchTag(consumer, "ChannelClosed", () => Effect.void))
  return yield* Effect.gen(function* () {
    const consuming: Array<Pid.Pid> = []
    const producing: Array<Pid.Pid> = []
    for (let i = 0; i < consumers; i++) consuming.push(yield* Process.spawn(Consumer))
    for (let i = 0; i < producers; i++) producing.push(yield* Process.spawn(Producer, i))
    for (const pid of producing) yield* Effect.flatten(Process.await(pid))
    yield* Channel.close(buffer)
    for (const pid of consuming) yield* Effect.flatten(Process.await(pid))
    return { consumed, sum }
  }).pipe(Effect.provide([ProducerLive, ConsumerLive]))
})

const raw = Effect.gen(function* () {
  const buffer = yield* Queue.bounded<number, Cause.Done>(capacity)
  let consumed = 0
  let sum = 0
  const producer = Effect.fnUntraced(function* (number: number) {
    for (let i = 0; i < each; i++) yield* Queue.offer(buffer, number * each + i)
  })
  const consumer = Effect.gen(function* () {
    while (true) {
      const item = yield* Queue.take(buffer)
      sum += item
      consumed++
    }
  }).pipe(Effect.catch(() => Effect.void))
  const consuming: Array<Fiber.Fiber<void>> = []
  const producing: Array<Fiber.Fiber<void>> = []
  for (let i = 0; i < consumers; i++) consuming.push(yield* Effect.forkChild(consumer))
  for (let i = 0; i < producers; i++) producing.push(yield* Effect.forkChild(producer(i)))
  for (const fiber of producing) yield* Fiber.join(fiber)
  yield* Queue.end(buffer)
  for (const fiber of consuming) yield* Fiber.join(fiber)
  return { consumed, sum }
})

export const boundedBuffer: Bench = {
  name: "bounded-buffer",
  description: `Savina: ${producers} producers, ${consumers} consumers, a buffer for ${capacity}, ${items.toLocaleString("en")} items`,
  metrics: [{ name: "items", unit: "items/s", better: "higher" }],
  rounds: 7,
  work: { consumed: items, sum: (items * (items - 1)) / 2 },
  subject: { name: "troupe", run: inProcess(timed("items", items, troupe)) },
  peers: [
    { name: "raw Effect", run: timed("items", items, raw) },
    erlang("Erlang, a manager", "savina", [producers, consumers, capacity, each], "bounded_buffer"),
    go("savina", "bounded-buffer", [producers, consumers, capacity, each]),
    nactBoundedBuffer(producers, consumers, capacity, each)
  ]
}
