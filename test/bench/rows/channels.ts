/** Channels between two fibers, and within one: what handing a value over costs. */
import { Effect, Queue } from "effect"
import { Channel } from "troupe"
import { go } from "../harness/go.ts"
import { type Arm, type Bench, type Run, seconds } from "../harness/measure.ts"
import { inProcess } from "../harness/inProcess.ts"

/** What values go through: a channel of ours, or a queue of effect. */
interface Pipe {
  readonly send: (value: number) => Effect.Effect<unknown, unknown>
  readonly receive: () => Effect.Effect<number, unknown>
}

type MakePipe = (capacity: number) => Effect.Effect<Pipe, unknown>

/** What a bench does with its pipes; answers how many values came out, and their sum. */
type Work = (make: MakePipe) => Effect.Effect<{ readonly received: number; readonly sum: number }, unknown>

const channel: MakePipe = (capacity) =>
  Effect.map(capacity === 0 ? Channel.rendezvous<number>() : Channel.bounded<number>(capacity), (self) => ({
    send: (value) => Channel.send(self, value),
    receive: () => Channel.receive(self)
  }))

// A queue of capacity 0 hands over from hand to hand too.
const queue: MakePipe = (capacity) =>
  Effect.map(Queue.bounded<number>(capacity), (self) => ({
    send: (value) => Queue.offer(self, value),
    receive: () => Queue.take(self)
  }))

const pingPong =
  (count: number): Work =>
  (make) =>
    Effect.gen(function* () {
      const pings = yield* make(0)
      const pongs = yield* make(0)
      const ponger = Effect.gen(function* () {
        while (true) yield* pongs.send(yield* pings.receive())
      })
      yield* Effect.forkScoped(ponger)
      let received = 0
      let sum = 0
      for (let i = 0; i < count; i++) {
        yield* pings.send(i)
        sum += yield* pongs.receive()
        received++
      }
      return { received, sum }
    }).pipe(Effect.scoped)

const oneWay =
  (count: number, capacity: number): Work =>
  (make) =>
    Effect.gen(function* () {
      const values = yield* make(capacity)
      const producer = Effect.gen(function* () {
        for (let i = 0; i < count; i++) yield* values.send(i)
      })
      yield* Effect.forkScoped(producer)
      let received = 0
      let sum = 0
      for (; received < count; received++) sum += yield* values.receive()
      return { received, sum }
    }).pipe(Effect.scoped)

const local =
  (count: number, capacity: number): Work =>
  (make) =>
    Effect.gen(function* () {
      const values = yield* make(capacity)
      let received = 0
      let sum = 0
      for (let i = 0; i < count; i++) {
        yield* values.send(i)
        sum += yield* values.receive()
        received++
      }
      return { received, sum }
    })

const timed = (count: number, work: Work, make: MakePipe): Effect.Effect<Run> =>
  Effect.gen(function* () {
    let proof: Run["proof"] = {}
    const took = yield* seconds(Effect.map(work(make), (done) => (proof = { ...done })))
    return { measured: { rate: count / took }, proof }
  }).pipe(Effect.orDie)

const bench = (name: string, what: string, unit: string, count: number, work: Work, peer: ReturnType<typeof go>) => {
  const subject: Arm = { name: "troupe", run: inProcess(timed(count, work, channel)) }
  const raw: Arm = { name: "raw Effect", run: timed(count, work, queue) }
  const result: Bench = {
    name,
    description: `${what}, ${count.toLocaleString("en")} ${unit}`,
    metrics: [{ name: "rate", unit: `${unit}/s`, better: "higher" }],
    rounds: 7,
    work: { received: count, sum: (count * (count - 1)) / 2 },
    subject,
    peers: [raw, peer]
  }
  return result
}

const oneWayOf = (capacity: number, count: number): Bench =>
  bench(
    `channel-${capacity}`,
    `a producer and a consumer over a channel that holds ${capacity}`,
    "values",
    count,
    oneWay(count, capacity),
    go("channels", "one-way", count, capacity)
  )

const roundTrips = 200_000
const locals = 1_000_000

export const channels: ReadonlyArray<Bench> = [
  bench(
    "channel-ping-pong",
    "two fibers over two channels that hold nothing",
    "round trips",
    roundTrips,
    pingPong(roundTrips),
    go("channels", "ping-pong", roundTrips, 0)
  ),
  oneWayOf(0, 500_000),
  oneWayOf(1, 500_000),
  oneWayOf(100, 1_000_000),
  bench(
    "channel-local",
    "a fiber that sends to itself and never waits",
    "values",
    locals,
    local(locals, 100),
    go("channels", "local", locals, 100)
  )
]
