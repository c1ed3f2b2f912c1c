/** A million processes on one host: what one costs in memory, and what all cost to start, to reach and to end. */
import { Effect, Layer, Queue, References } from "effect"
import { Rpc } from "effect/rpc"
import { type Pid, Process, ProcessHost } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { type Bench, heapUsed, type Run, seconds } from "../harness/measure.ts"
import { nactMillion } from "../peers/nactMillion.ts"

const count = 1_000_000

const Tick = Rpc.make("tick")
const Parked = Process.make("bench:parked", { protocol: [Tick] })
const ParkedLive = Parked.toLayer(() => Parked.receive())
const Marker = Process.make("bench:marker")
const MarkerLive = Marker.toLayer(() => Effect.void)

/** How long each effect takes. None yields: what one sets off runs when it is done, so that they can be told apart. */
const inOneGo = <E, R>([one, next]: readonly [Effect.Effect<unknown, E, R>, Effect.Effect<unknown, E, R>]) =>
  Effect.provideService(Effect.all([seconds(one), seconds(next)]), References.PreventSchedulerYield, true)

const result = (memory: number, start: number, send: number, end: number, proof: Run["proof"]): Run => ({
  measured: { memory: memory / count, start, send, end, "send and end": send + end },
  proof
})

const troupe = Effect.gen(function* () {
  const pids: Array<Pid.Pid<typeof Tick>> = []
  const before = yield* heapUsed
  const start = yield* seconds(
    Effect.gen(function* () {
      for (let i = 0; i < count; i++) pids.push(yield* Process.spawn(Parked))
      // Bodies begin in the order of the spawns: when this one has begun, all others wait for their message.
      yield* Process.await(yield* Process.spawn(Marker))
    })
  )
  const memory = (yield* heapUsed) - before
  const [send, end] = yield* inOneGo([
    Effect.forEach(pids, (pid) => Process.send(pid, "tick"), { discard: true }),
    // Messages are taken in the order of the sends.
    Process.await(pids[count - 1]!)
  ])
  const { live, received, sent } = yield* ProcessHost.stats()
  return result(memory, start, send, end, { sent, received, live })
}).pipe(
  Effect.provide(Layer.merge(ParkedLive, MarkerLive).pipe(Layer.provideMerge(ProcessHost.layer("bench")))),
  Effect.orDie
)

const raw = Effect.gen(function* () {
  const queues: Array<Queue.Queue<string>> = []
  let started = 0
  let sent = 0
  let received = 0
  const take = (queue: Queue.Queue<string>) =>
    Effect.gen(function* () {
      started++
      yield* Queue.take(queue)
      received++
    })
  const until = (condition: () => boolean): Effect.Effect<void> =>
    Effect.suspend(() => (condition() ? Effect.void : Effect.andThen(Effect.yieldNow, until(condition))))
  const before = yield* heapUsed
  const start = yield* seconds(
    Effect.gen(function* () {
      for (let i = 0; i < count; i++) {
        const queue = yield* Queue.unbounded<string>()
        queues.push(queue)
        yield* Effect.forkDetach(take(queue))
      }
      yield* until(() => started === count)
    })
  )
  const memory = (yield* heapUsed) - before
  const offer = (queue: Queue.Queue<string>) => Effect.map(Queue.offer(queue, "tick"), (accepted) => accepted && sent++)
  const [send, end] = yield* inOneGo([
    Effect.forEach(queues, offer, { discard: true }),
    until(() => received === count)
  ])
  return result(memory, start, send, end, { sent, received, live: started - received })
})

export const million: Bench = {
  name: "million",
  description: `${count.toLocaleString("en")} processes that wait; each gets a message, and ends`,
  metrics: [
    { name: "memory", unit: "bytes/process", better: "lower" },
    { name: "start", unit: "s", better: "lower" },
    { name: "send", unit: "s", better: "lower" },
    { name: "end", unit: "s", better: "lower" },
    { name: "send and end", unit: "s", better: "lower" }
  ],
  rounds: 3,
  work: { sent: count, received: count, live: 0 },
  subject: { name: "troupe", run: troupe },
  peers: [
    { name: "raw Effect", run: raw },
    erlang("Erlang", "processes", [count], "million", ["+P", "2000000"]),
    go("processes", "million", [count]),
    nactMillion(count)
  ]
}
