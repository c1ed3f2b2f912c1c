/** Two processes in the loop of a relay, each woken for every message: what waiting for several things at once costs. */
import { Effect, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process, ProcessHost, Select } from "troupe"
import { type Arm, type Bench, type Run, seconds } from "../harness/measure.ts"

const roundTrips = 500_000

const Ball = Rpc.make("ball", { payload: Schema.Int })
const Ponger = Process.make("bench:ponger", { protocol: [Ball], args: Pid.of(Ball) })
const Pinger = Process.make("bench:pinger", { protocol: [Ball] })

interface Returned {
  count: number
  sum: number
}

const result = ({ count, sum }: Returned, took: number): Run => ({
  measured: { "round trips": roundTrips / took },
  proof: { returned: count, sum }
})

const selectingPonger = Ponger.toLayer(
  Effect.fnUntraced(function* (pinger) {
    const inbox = yield* Ponger.inbox
    const events = yield* Ponger.events
    while (true) {
      const next = yield* Select.any({ message: inbox, event: events })
      // A process that listens to its events is asked to end before it is made to.
      if (next._tag === "event") return
      yield* Process.send(pinger, "ball", next.value.payload)
    }
  })
)

const selectingPinger = (returned: Returned) =>
  Pinger.toLayer(
    Effect.fnUntraced(function* () {
      const inbox = yield* Pinger.inbox
      const events = yield* Pinger.events
      const ponger = yield* Process.spawn(Ponger, yield* Pinger.self)
      for (let i = 0; i < roundTrips; i++) {
        yield* Process.send(ponger, "ball", i)
        const next = yield* Select.any({ message: inbox, event: events })
        if (next._tag !== "message") continue
        returned.count++
        returned.sum += next.value.payload
      }
    })
  )

const receivingPonger = Ponger.toLayer(
  Effect.fnUntraced(function* (pinger) {
    while (true) {
      const { payload } = yield* Ponger.receive()
      yield* Process.send(pinger, "ball", payload)
    }
  })
)

const receivingPinger = (returned: Returned) =>
  Pinger.toLayer(
    Effect.fnUntraced(function* () {
      const ponger = yield* Process.spawn(Ponger, yield* Pinger.self)
      for (let i = 0; i < roundTrips; i++) {
        yield* Process.send(ponger, "ball", i)
        const { payload } = yield* Pinger.receive()
        returned.count++
        returned.sum += payload
      }
    })
  )

const ours = (name: string, ponger: typeof receivingPonger, pingerOf: typeof receivingPinger): Arm => ({
  name,
  run: Effect.suspend(() => {
    const returned = { count: 0, sum: 0 }
    return seconds(Effect.flatten(Effect.flatMap(Process.spawn(Pinger), Process.await))).pipe(
      Effect.map((took) => result(returned, took)),
      Effect.provide(
        pingerOf(returned).pipe(Layer.provideMerge(ponger), Layer.provideMerge(ProcessHost.layer("bench")))
      ),
      Effect.orDie
    )
  })
})

const raceAll = Effect.gen(function* () {
  const [pings, pongs] = [yield* Queue.unbounded<number>(), yield* Queue.unbounded<number>()]
  const [pingerEvents, pongerEvents] = [yield* Queue.unbounded<number>(), yield* Queue.unbounded<number>()]
  const ponger = Effect.gen(function* () {
    while (true) yield* Queue.offer(pongs, yield* Effect.raceAll([Queue.take(pings), Queue.take(pongerEvents)]))
  })
  const returned = { count: 0, sum: 0 }
  const pinger = Effect.gen(function* () {
    for (let i = 0; i < roundTrips; i++) {
      yield* Queue.offer(pings, i)
      returned.sum += yield* Effect.raceAll([Queue.take(pongs), Queue.take(pingerEvents)])
      returned.count++
    }
  })
  yield* Effect.forkScoped(ponger)
  return result(returned, yield* seconds(pinger))
}).pipe(Effect.scoped)

export const selectParked: Bench = {
  name: "select-parked",
  description: `two processes that select over inbox and events, ${roundTrips.toLocaleString("en")} round trips`,
  metrics: [{ name: "round trips", unit: "round trips/s", better: "higher" }],
  rounds: 7,
  work: { returned: roundTrips, sum: (roundTrips * (roundTrips - 1)) / 2 },
  subject: ours("troupe", selectingPonger, selectingPinger),
  peers: [ours("bare receive", receivingPonger, receivingPinger), { name: "raceAll", run: raceAll }]
}
