/** Savina's `chameneos`: creatures that meet in pairs at one place, whose process everything passes. */
import { Effect, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import type { Bench } from "../harness/measure.ts"
import { complement } from "../harness/savina.ts"
import { timed } from "../harness/timed.ts"
import { nactChameneos } from "../peers/nactSavina.ts"

const chameneos = 100
const meetings = 200_000

const Change = Rpc.make("change", { payload: Schema.Int })
const Met = Rpc.make("met", { payload: { color: Schema.Int, other: Pid.of(Change) } })
const Fade = Rpc.make("fade")
const Meet = Rpc.make("meet", { payload: { color: Schema.Int, from: Pid.of(Met, Change, Fade) } })
const Faded = Rpc.make("faded", { payload: Schema.Int })
const Mall = Process.make("bench:mall", { protocol: [Meet, Faded] })
const Chameneo = Process.make("bench:chameneo", {
  protocol: [Met, Change, Fade],
  args: Schema.Struct({ color: Schema.Int, mall: Pid.of(Meet, Faded) })
})

const ChameneoLive = Chameneo.toLayer(
  Effect.fnUntraced(function* ({ color: first, mall }) {
    const from = yield* Chameneo.self
    let color = first
    let met = 0
    while (true) {
      yield* Process.send(mall, "meet", { color, from })
      const message = yield* Chameneo.receive()
      if (message.topic === "fade") return yield* Process.send(mall, "faded", met)
      met++
      if (message.topic === "change") {
        color = message.payload
      } else {
        color = complement(color, message.payload.color)
        yield* Process.send(message.payload.other, "change", color)
      }
    }
  })
)

const mall = Effect.gen(function* () {
  const self = yield* Mall.self
  for (let i = 0; i < chameneos; i++) yield* Process.spawn(Chameneo, { color: i % 3, mall: self })
  let left = meetings
  let faded = 0
  let met = 0
  let waiting: typeof Meet.payloadSchema.Type | undefined = undefined
  while (faded < chameneos) {
    const message = yield* Mall.receive()
    if (message.topic === "faded") {
      faded++
      met += message.payload
    } else if (left === 0) {
      yield* Process.send(message.payload.from, "fade")
    } else if (waiting === undefined) {
      waiting = message.payload
    } else {
      left--
      yield* Process.send(waiting.from, "met", { color: message.payload.color, other: message.payload.from })
      waiting = undefined
    }
  }
  return { met, faded }
})

type RawMessage =
  | { readonly topic: "met"; readonly color: number; readonly other: Queue.Queue<RawMessage> }
  | { readonly topic: "change"; readonly color: number }
  | { readonly topic: "fade" }

type RawMallMessage =
  | { readonly topic: "meet"; readonly color: number; readonly from: Queue.Queue<RawMessage> }
  | { readonly topic: "faded"; readonly met: number }

const rawChameneo = Effect.fnUntraced(function* (first: number, mall: Queue.Queue<RawMallMessage>) {
  const from = yield* Queue.unbounded<RawMessage>()
  let color = first
  let met = 0
  while (true) {
    yield* Queue.offer(mall, { topic: "meet", color, from })
    const message = yield* Queue.take(from)
    if (message.topic === "fade") return yield* Queue.offer(mall, { topic: "faded", met })
    met++
    if (message.topic === "change") {
      color = message.color
    } else {
      color = complement(color, message.color)
      yield* Queue.offer(message.other, { topic: "change", color })
    }
  }
})

const rawMall = Effect.gen(function* () {
  const inbox = yield* Queue.unbounded<RawMallMessage>()
  for (let i = 0; i < chameneos; i++) yield* Effect.forkScoped(rawChameneo(i % 3, inbox))
  let left = meetings
  let faded = 0
  let met = 0
  let waiting: Queue.Queue<RawMessage> | undefined = undefined
  while (faded < chameneos) {
    const message = yield* Queue.take(inbox)
    if (message.topic === "faded") {
      faded++
      met += message.met
    } else if (left === 0) {
      yield* Queue.offer(message.from, { topic: "fade" })
    } else if (waiting === undefined) {
      waiting = message.from
    } else {
      left--
      yield* Queue.offer(waiting, { topic: "met", color: message.color, other: message.from })
      waiting = undefined
    }
  }
  return { met, faded }
})

export const chameneosBench: Bench = {
  name: "chameneos",
  description: `Savina: ${chameneos} creatures, ${meetings.toLocaleString("en")} meetings of two`,
  metrics: [{ name: "meetings", unit: "meetings/s", better: "higher" }],
  rounds: 7,
  work: { met: 2 * meetings, faded: chameneos },
  subject: { name: "troupe", run: asBodyOf(Mall, timed("meetings", meetings, mall), ChameneoLive) },
  peers: [
    { name: "raw Effect", run: Effect.scoped(timed("meetings", meetings, rawMall)) },
    erlang("Erlang", "savina", [chameneos, meetings], "chameneos"),
    go("savina", "chameneos", [chameneos, meetings]),
    nactChameneos(chameneos, meetings)
  ]
}
