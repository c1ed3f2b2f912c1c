/** A ring of processes, around which one message goes: what a hop costs where many wait. */
import { Effect, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import { type Bench, type Run, seconds } from "../harness/measure.ts"
import { nactThreadRing } from "../peers/nactThreadRing.ts"

const size = 1000
const hops = 1_000_000

// The token is the number of hops that it has made.
const Token = Rpc.make("token", { payload: Schema.Int })
const Member = Process.make("bench:member", { protocol: [Token], args: Pid.of(Token) })
const Head = Process.make("bench:head", { protocol: [Token] })

const MemberLive = Member.toLayer(
  Effect.fnUntraced(function* (next) {
    while (true) {
      const { payload } = yield* Member.receive()
      yield* Process.send(next, "token", payload + 1)
    }
  })
)

const result = (arrived: number, took: number): Run => ({ measured: { hops: hops / took }, proof: { hops: arrived } })

const ring = Effect.gen(function* () {
  let next: Pid.Pid<typeof Token> = yield* Head.self
  for (let i = 1; i < size; i++) next = yield* Process.spawn(Member, next)
  let arrived = 0
  const took = yield* seconds(
    Effect.gen(function* () {
      while (arrived < hops) {
        yield* Process.send(next, "token", arrived + 1)
        arrived = (yield* Head.receive()).payload
      }
    })
  )
  return result(arrived, took)
})

const raw = Effect.gen(function* () {
  const member = (own: Queue.Queue<number>, next: Queue.Queue<number>) =>
    Effect.gen(function* () {
      while (true) yield* Queue.offer(next, (yield* Queue.take(own)) + 1)
    })
  const head = yield* Queue.unbounded<number>()
  let next = head
  for (let i = 1; i < size; i++) {
    const own = yield* Queue.unbounded<number>()
    yield* Effect.forkScoped(member(own, next))
    next = own
  }
  let arrived = 0
  const took = yield* seconds(
    Effect.gen(function* () {
      while (arrived < hops) {
        yield* Queue.offer(next, arrived + 1)
        arrived = yield* Queue.take(head)
      }
    })
  )
  return result(arrived, took)
}).pipe(Effect.scoped)

export const threadRing: Bench = {
  name: "thread-ring",
  description: `a ring of ${size.toLocaleString("en")} processes that pass a message on, ${hops.toLocaleString("en")} hops`,
  metrics: [{ name: "hops", unit: "hops/s", better: "higher" }],
  rounds: 7,
  work: { hops },
  subject: { name: "troupe", run: asBodyOf(Head, ring, MemberLive) },
  peers: [
    { name: "raw Effect", run: raw },
    erlang("Erlang", "processes", [size, hops], "thread_ring"),
    go("processes", "thread-ring", [size, hops]),
    nactThreadRing(size, hops)
  ]
}
