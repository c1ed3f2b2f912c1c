/** Many processes that send to one: what a message costs where nobody answers, and whether many senders hold it up. */
import { Effect, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process, ProcessHost } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { type Arm, type Bench, type Run, seconds } from "../harness/measure.ts"
import { nactFanIn } from "../peers/nactFanIn.ts"

const messages = 1_000_000

/** How many senders there are, and the numbers from 0 on that each of them sends. */
export interface FanIn {
  readonly senders: number
  readonly each: number
}

/** What came, and its sum. */
interface Tally {
  readonly received: number
  readonly sum: number
}

const Value = Rpc.make("value", { payload: Schema.Int })
const Sender = Process.make("bench:sender", {
  protocol: [],
  args: Schema.Struct({ to: Pid.of(Value), each: Schema.Int })
})
const Receiver = Process.make("bench:receiver", { protocol: [Value] })

const SenderLive = Sender.toLayer(
  Effect.fnUntraced(function* ({ each, to }) {
    for (let i = 0; i < each; i++) yield* Process.send(to, "value", i)
  })
)

const result = (tally: Tally, took: number): Run => ({ measured: { messages: messages / took }, proof: { ...tally } })

type Receive = (tally: {
  received: number
  sum: number
}) => Effect.Effect<void, never, Process.Running<"bench:receiver">>

const receiveEach: Receive = Effect.fnUntraced(function* (tally) {
  for (; tally.received < messages; tally.received++) tally.sum += (yield* Receiver.receive()).payload
})

const receiveAll: Receive = Effect.fnUntraced(function* (tally) {
  while (tally.received < messages) {
    const all = yield* Receiver.receiveAll()
    for (const { payload } of all) tally.sum += payload
    tally.received += all.length
  }
})

const troupe = (name: string, { each, senders }: FanIn, receive: Receive): Arm => ({
  name,
  run: Effect.suspend(() => {
    const tally = { received: 0, sum: 0 }
    const ReceiverLive = Receiver.toLayer(
      Effect.fnUntraced(function* () {
        const to = yield* Receiver.self
        for (let i = 0; i < senders; i++) yield* Process.spawn(Sender, { to, each })
        yield* receive(tally)
      })
    )
    return seconds(Effect.flatten(Effect.flatMap(Process.spawn(Receiver), Process.await))).pipe(
      Effect.map((took) => result(tally, took)),
      Effect.provide(ReceiverLive.pipe(Layer.provide(SenderLive), Layer.provideMerge(ProcessHost.layer("bench")))),
      Effect.orDie
    )
  })
})

/** A receiver of a queue, and a fiber for each sender. */
const raw = (
  name: string,
  { each, senders }: FanIn,
  receive: (queue: Queue.Queue<number>) => Effect.Effect<Tally>
): Arm => ({
  name,
  run: Effect.gen(function* () {
    const queue = yield* Queue.unbounded<number>()
    const sender = Effect.gen(function* () {
      for (let i = 0; i < each; i++) yield* Queue.offer(queue, i)
    })
    let tally: Tally = { received: 0, sum: 0 }
    const took = yield* seconds(
      Effect.gen(function* () {
        for (let i = 0; i < senders; i++) yield* Effect.forkDetach(sender)
        tally = yield* receive(queue)
      })
    )
    return result(tally, took)
  })
})

const oneByOne = Effect.fnUntraced(function* (queue: Queue.Queue<number>) {
  let received = 0
  let sum = 0
  for (; received < messages; received++) sum += yield* Queue.take(queue)
  return { received, sum }
})

const allAtOnce = Effect.fnUntraced(function* (queue: Queue.Queue<number>) {
  let received = 0
  let sum = 0
  while (received < messages) {
    const values = yield* Queue.takeAll(queue)
    for (const value of values) sum += value
    received += values.length
  }
  return { received, sum }
})

const fanInOf = (senders: number): Bench => {
  const each = messages / senders
  const load = { senders, each }
  return {
    name: `fan-in-${senders}`,
    description: `${senders === 1 ? "a process that sends" : `${senders} processes that send`} to one, ${messages.toLocaleString("en")} messages`,
    metrics: [{ name: "messages", unit: "messages/s", better: "higher" }],
    rounds: 7,
    work: { received: messages, sum: (senders * (each * (each - 1))) / 2 },
    subject: troupe("troupe", load, receiveAll),
    peers: [
      troupe("troupe, one by one", load, receiveEach),
      raw("raw Effect", load, oneByOne),
      raw("raw Effect, takeAll", load, allAtOnce),
      erlang("Erlang", "processes", [senders, each], "fan_in"),
      erlang("Erlang, one scheduler", "processes", [senders, each], "fan_in", ["+S", "1"]),
      go("processes", "fan-in", [senders, each]),
      nactFanIn(load)
    ]
  }
}

export const fanIn: ReadonlyArray<Bench> = [1, 8, 64].map(fanInOf)
