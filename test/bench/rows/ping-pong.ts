/** Two processes that send each other a message, back and forth: what a hop costs. */
import { Effect, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process, ProcessHost } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { type Bench, type Run, seconds } from "../harness/measure.ts"
import { nactPingPong } from "../peers/nactPingPong.ts"

const roundTrips = 1_000_000

const Ball = Rpc.make("ball", { payload: Schema.Int })
const Ponger = Process.make("bench:ponger", { protocol: [Ball], args: Pid.of(Ball) })
const Pinger = Process.make("bench:pinger", { protocol: [Ball], success: Schema.Int })

const PongerLive = Ponger.toLayer(
  Effect.fnUntraced(function* (pinger) {
    while (true) {
      const { payload } = yield* Ponger.receive()
      yield* Process.send(pinger, "ball", payload)
    }
  })
)

const PingerLive = Pinger.toLayer(
  Effect.fnUntraced(function* () {
    const ponger = yield* Process.spawn(Ponger, yield* Pinger.self)
    let returned = 0
    for (let i = 0; i < roundTrips; i++) {
      yield* Process.send(ponger, "ball", i)
      const { payload } = yield* Pinger.receive()
      if (payload === i) returned++
    }
    return returned
  })
)

const result = (returned: number, took: number): Run => ({
  measured: { "round trips": roundTrips / took },
  proof: { returned }
})

const troupe = Effect.gen(function* () {
  let returned = 0
  const took = yield* seconds(
    Effect.gen(function* () {
      const pinger = yield* Process.spawn(Pinger)
      returned = yield* Effect.flatten(Process.await(pinger)) as Effect.Effect<number>
    })
  )
  return result(returned, took)
}).pipe(
  Effect.provide(PingerLive.pipe(Layer.provideMerge(PongerLive), Layer.provideMerge(ProcessHost.layer("bench")))),
  Effect.orDie
)

const raw = Effect.gen(function* () {
  const pings = yield* Queue.unbounded<number>()
  const pongs = yield* Queue.unbounded<number>()
  const ponger = Effect.gen(function* () {
    while (true) yield* Queue.offer(pongs, yield* Queue.take(pings))
  })
  const pinger = Effect.gen(function* () {
    let returned = 0
    for (let i = 0; i < roundTrips; i++) {
      yield* Queue.offer(pings, i)
      if ((yield* Queue.take(pongs)) === i) returned++
    }
    return returned
  })
  yield* Effect.forkScoped(ponger)
  let returned = 0
  const took = yield* seconds(Effect.map(pinger, (count) => (returned = count)))
  return result(returned, took)
}).pipe(Effect.scoped)

export const pingPong: Bench = {
  name: "ping-pong",
  description: `two processes, ${roundTrips.toLocaleString("en")} round trips`,
  metrics: [{ name: "round trips", unit: "round trips/s", better: "higher" }],
  rounds: 7,
  work: { returned: roundTrips },
  subject: { name: "troupe", run: troupe },
  peers: [
    { name: "raw Effect", run: raw },
    erlang("Erlang", "processes", [roundTrips], "ping_pong"),
    go("processes", "ping-pong", [roundTrips]),
    nactPingPong(roundTrips)
  ]
}
