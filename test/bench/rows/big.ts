/** Savina's `big`: many processes that ping others at random and answer their pings, no two of them alone. */
import { Effect, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { type Pid, Process } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import type { Bench } from "../harness/measure.ts"
import { next, other } from "../harness/savina.ts"
import { timed } from "../harness/timed.ts"
import { nactBig } from "../peers/nactSavina.ts"

const members = 512
const each = 500
const pings = members * each

const Start = Rpc.make("start")
const Ping = Rpc.make("ping", { payload: Schema.Int })
const Pong = Rpc.make("pong", { payload: Schema.Int })
const Done = Rpc.make("done", { payload: { count: Schema.Int, sum: Schema.Int } })
const Member = Process.make("bench:member", { protocol: [Start, Ping, Pong], args: Schema.Int })
const Sink = Process.make("bench:sink", { protocol: [Done] })

type Members = Array<Pid.Pid<typeof Start | typeof Ping | typeof Pong>>

const memberOf = (pids: Members, sink: Pid.Pid<typeof Done>) =>
  Member.toLayer(
    Effect.fnUntraced(function* (number) {
      let random = number
      let count = 0
      let sum = 0
      while (true) {
        const { payload, topic } = yield* Member.receive()
        if (topic === "ping") {
          yield* Process.send(pids[payload]!, "pong", number)
          continue
        }
        if (topic === "pong") {
          count++
          sum += payload
        }
        if (count === each) {
          yield* Process.send(sink, "done", { count, sum })
        } else {
          random = next(random)
          yield* Process.send(pids[other(number, random, members)]!, "ping", number)
        }
      }
    })
  )

const sink = Effect.gen(function* () {
  const pids: Members = []
  const MemberLive = memberOf(pids, yield* Sink.self)
  const spawnAll = Effect.gen(function* () {
    for (let number = 0; number < members; number++) pids.push(yield* Process.spawn(Member, number))
  })
  yield* Effect.provide(spawnAll, MemberLive)
  const work = Effect.gen(function* () {
    for (const pid of pids) yield* Process.send(pid, "start")
    let returned = 0
    let sum = 0
    for (let done = 0; done < members; done++) {
      const { payload } = yield* Sink.receive()
      returned += payload.count
      sum += payload.sum
    }
    return { returned, sum }
  })
  return yield* timed("pings", pings, work)
})

interface RawMessage {
  readonly topic: "start" | "ping" | "pong"
  readonly from: number
}

const raw = Effect.gen(function* () {
  const inboxes: Array<Queue.Queue<RawMessage>> = []
  const sink = yield* Queue.unbounded<{ readonly count: number; readonly sum: number }>()
  const member = (number: number, inbox: Queue.Queue<RawMessage>) =>
    Effect.gen(function* () {
      let random = number
      let count = 0
      let sum = 0
      while (true) {
        const { from, topic } = yield* Queue.take(inbox)
        if (topic === "ping") {
          yield* Queue.offer(inboxes[from]!, { topic: "pong", from: number })
          continue
        }
        if (topic === "pong") {
          count++
          sum += from
        }
        if (count === each) {
          yield* Queue.offer(sink, { count, sum })
        } else {
          random = next(random)
          yield* Queue.offer(inboxes[other(number, random, members)]!, { topic: "ping", from: number })
        }
      }
    })
  for (let number = 0; number < members; number++) inboxes.push(yield* Queue.unbounded<RawMessage>())
  for (const [number, inbox] of inboxes.entries()) yield* Effect.forkScoped(member(number, inbox))
  const work = Effect.gen(function* () {
    for (const inbox of inboxes) yield* Queue.offer(inbox, { topic: "start", from: 0 })
    let returned = 0
    let sum = 0
    for (let done = 0; done < members; done++) {
      const got = yield* Queue.take(sink)
      returned += got.count
      sum += got.sum
    }
    return { returned, sum }
  })
  return yield* timed("pings", pings, work)
}).pipe(Effect.scoped)

const expectedSum = (): number => {
  let sum = 0
  for (let number = 0; number < members; number++) {
    let random = number
    for (let ping = 0; ping < each; ping++) {
      random = next(random)
      sum += other(number, random, members)
    }
  }
  return sum
}

export const big: Bench = {
  name: "big",
  description: `Savina: ${members} processes, each pings others at random ${each} times`,
  metrics: [{ name: "pings", unit: "pings/s", better: "higher" }],
  rounds: 7,
  work: { returned: pings, sum: expectedSum() },
  subject: { name: "troupe", run: asBodyOf(Sink, sink, Layer.empty) },
  peers: [
    { name: "raw Effect", run: raw },
    erlang("Erlang", "savina", [members, each], "big"),
    go("savina", "big", [members, each]),
    nactBig(members, each)
  ]
}
