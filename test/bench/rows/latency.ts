/** How long a message is underway while others keep the host busy: from the send until the receiver has it. */
import { Effect, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import type { Bench, Run } from "../harness/measure.ts"
import { percentile } from "../harness/percentiles.ts"

/** Pairs of processes that send each other a message, back and forth, as long as samples are taken. */
const pairs = 8
const samples = 50_000

/** As often each pair has its message back before samples are taken, and at least as often while they are. */
const warm = 1000
const least = 100

const microseconds = (milliseconds: number): number => milliseconds * 1000

const result = (underway: ReadonlyArray<number>, returned: ReadonlyArray<number>): Run => ({
  measured: {
    p50: microseconds(percentile(underway, 0.5)),
    p99: microseconds(percentile(underway, 0.99)),
    "p99.9": microseconds(percentile(underway, 0.999))
  },
  proof: { received: underway.length, busy: returned.filter((times) => times >= warm + least).length }
})

const Ball = Rpc.make("ball", { payload: Schema.Int })
const Sent = Rpc.make("sent", { payload: Schema.Number })
const Taken = Rpc.make("taken")
const Warm = Rpc.make("warm")
const Ponger = Process.make("bench:ponger", { protocol: [Ball], args: Pid.of(Ball) })
const Pinger = Process.make("bench:pinger", {
  protocol: [Ball],
  args: Schema.Struct({ pair: Schema.Int, sender: Pid.of(Warm) })
})
const Receiver = Process.make("bench:receiver", { protocol: [Sent], args: Pid.of(Taken) })
const Sender = Process.make("bench:sender", { protocol: [Taken, Warm] })

const PongerLive = Ponger.toLayer(
  Effect.fnUntraced(function* (pinger) {
    while (true) {
      const { payload } = yield* Ponger.receive()
      yield* Process.send(pinger, "ball", payload)
    }
  })
)

const troupe = Effect.suspend(() => {
  const returned = Array.from({ length: pairs }, () => 0)
  const underway: Array<number> = []
  const PingerLive = Pinger.toLayer(
    Effect.fnUntraced(function* ({ pair, sender }) {
      const ponger = yield* Process.spawn(Ponger, yield* Pinger.self)
      while (true) {
        yield* Process.send(ponger, "ball", returned[pair]!)
        yield* Pinger.receive()
        if (++returned[pair]! === warm) yield* Process.send(sender, "warm")
      }
    })
  ).pipe(Layer.provide(PongerLive))
  const ReceiverLive = Receiver.toLayer(
    Effect.fnUntraced(function* (sender) {
      while (true) {
        const { payload } = yield* Receiver.receive()
        underway.push(performance.now() - payload)
        yield* Process.send(sender, "taken")
      }
    })
  )
  const sending = Effect.gen(function* () {
    const sender = yield* Sender.self
    for (let pair = 0; pair < pairs; pair++) yield* Process.spawn(Pinger, { pair, sender })
    for (let pair = 0; pair < pairs; pair++) yield* Sender.receive("warm")
    const receiver = yield* Process.spawn(Receiver, sender)
    for (let i = 0; i < samples; i++) {
      yield* Process.send(receiver, "sent", performance.now())
      yield* Sender.receive()
    }
    return result(underway, returned)
  })
  return asBodyOf(Sender, sending, Layer.merge(PingerLive, ReceiverLive))
})

const raw = Effect.gen(function* () {
  const returned = Array.from({ length: pairs }, () => 0)
  const underway: Array<number> = []
  const warmed = yield* Queue.unbounded<number>()
  const pinger = Effect.fnUntraced(function* (pair: number) {
    const pings = yield* Queue.unbounded<number>()
    const pongs = yield* Queue.unbounded<number>()
    const ponger = Effect.gen(function* () {
      while (true) yield* Queue.offer(pongs, yield* Queue.take(pings))
    })
    yield* Effect.forkChild(ponger)
    while (true) {
      yield* Queue.offer(pings, returned[pair]!)
      yield* Queue.take(pongs)
      if (++returned[pair]! === warm) yield* Queue.offer(warmed, pair)
    }
  })
  const sent = yield* Queue.unbounded<number>()
  const taken = yield* Queue.unbounded<void>()
  const receiver = Effect.gen(function* () {
    while (true) {
      const at = yield* Queue.take(sent)
      underway.push(performance.now() - at)
      yield* Queue.offer(taken, undefined)
    }
  })
  for (let pair = 0; pair < pairs; pair++) yield* Effect.forkScoped(pinger(pair))
  for (let pair = 0; pair < pairs; pair++) yield* Queue.take(warmed)
  yield* Effect.forkScoped(receiver)
  for (let i = 0; i < samples; i++) {
    yield* Queue.offer(sent, performance.now())
    yield* Queue.take(taken)
  }
  return result(underway, returned)
}).pipe(Effect.scoped)

export const latency: Bench = {
  name: "latency",
  description: `a message while ${pairs} pairs of processes keep the host busy, ${samples.toLocaleString("en")} samples`,
  metrics: ["p50", "p99", "p99.9"].map((name) => ({ name, unit: "µs", better: "lower" })),
  rounds: 7,
  work: { received: samples, busy: pairs },
  subject: { name: "troupe", run: troupe },
  peers: [{ name: "raw Effect", run: raw }, erlang("Erlang", "latency", [pairs, samples, warm, least])]
}
