/** How late timers and sockets are served while a million messages flow between processes. */
import { Effect, Fiber, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"
import { echoing, withEcho } from "../harness/echo.ts"
import { ifErlang, runErlang } from "../harness/erlang.ts"
import { inProcess } from "../harness/inProcess.ts"
import type { Bench, Run } from "../harness/measure.ts"
import { percentile } from "../harness/percentiles.ts"
import type { Echoed } from "../peers/echo.ts"

const pairs = 8
const messages = 1_000_000
const roundTrips = messages / pairs / 2

/** As often timer and socket have to be served at least, for their percentiles to say something. */
const least = 20

const isEnough = (count: number): number => (count < least ? 0 : 1)

const socketOf = ({ took, wrong }: Echoed): Run => ({
  measured: { "socket p50": percentile(took, 0.5), "socket p99": percentile(took, 0.99) },
  proof: { wrong, sockets: isEnough(took.length) }
})

interface Served {
  /** How often each pair had its message back. */
  readonly returned: ReadonlyArray<number>
  /** How long each sleep of a millisecond took, in milliseconds. */
  readonly slept: ReadonlyArray<number>
}

const arm = (work: Effect.Effect<Served>): Effect.Effect<Run> =>
  Effect.promise(async () => {
    const [{ slept, returned }, echoed] = await withEcho(echoing(() => Effect.runPromise(work)))
    const socket = socketOf(echoed)
    return {
      measured: { "timer p50": percentile(slept, 0.5), "timer p99": percentile(slept, 0.99), ...socket.measured },
      proof: { messages: 2 * returned.reduce((a, b) => a + b), timers: isEnough(slept.length), ...socket.proof }
    }
  })

/** Sleeps again and again, and keeps how long it took. */
const ticking = (slept: Array<number>): Effect.Effect<never> =>
  Effect.gen(function* () {
    while (true) {
      const begun = performance.now()
      yield* Effect.sleep("1 millis")
      slept.push(performance.now() - begun)
    }
  })

const Ball = Rpc.make("ball", { payload: Schema.Int })
const Ponger = Process.make("bench:ponger", { protocol: [Ball], args: Pid.of(Ball) })
const Pinger = Process.make("bench:pinger", { protocol: [Ball], args: Schema.Int })
const Ticker = Process.make("bench:ticker")

const PongerLive = Ponger.toLayer(
  Effect.fnUntraced(function* (pinger) {
    while (true) {
      const { payload } = yield* Ponger.receive()
      yield* Process.send(pinger, "ball", payload)
    }
  })
)

const troupe = inProcess(
  Effect.suspend(() => {
    const returned = Array.from({ length: pairs }, () => 0)
    const slept: Array<number> = []
    const PingerLive = Pinger.toLayer(
      Effect.fnUntraced(function* (pair) {
        const ponger = yield* Process.spawn(Ponger, yield* Pinger.self)
        for (let i = 0; i < roundTrips; i++) {
          yield* Process.send(ponger, "ball", i)
          const { payload } = yield* Pinger.receive()
          if (payload === i) returned[pair]!++
        }
      })
    ).pipe(Layer.provide(PongerLive))
    return Effect.gen(function* () {
      const ticker = yield* Process.spawn(Ticker)
      const pingers: Array<Pid.Pid> = []
      for (let pair = 0; pair < pairs; pair++) pingers.push(yield* Process.spawn(Pinger, pair))
      for (const pinger of pingers) yield* Effect.flatten(Process.await(pinger))
      yield* Process.kill(ticker)
      return { returned, slept }
    }).pipe(Effect.provide([PingerLive, Ticker.toLayer(() => ticking(slept))]))
  })
)

const raw = Effect.gen(function* () {
  const returned = Array.from({ length: pairs }, () => 0)
  const slept: Array<number> = []
  const pinger = Effect.fnUntraced(function* (pair: number) {
    const pings = yield* Queue.unbounded<number>()
    const pongs = yield* Queue.unbounded<number>()
    const ponger = Effect.gen(function* () {
      while (true) yield* Queue.offer(pongs, yield* Queue.take(pings))
    })
    yield* Effect.forkChild(ponger)
    for (let i = 0; i < roundTrips; i++) {
      yield* Queue.offer(pings, i)
      if ((yield* Queue.take(pongs)) === i) returned[pair]!++
    }
  })
  const ticker = yield* Effect.forkChild(ticking(slept))
  const pingers: Array<Fiber.Fiber<void>> = []
  for (let pair = 0; pair < pairs; pair++) pingers.push(yield* Effect.forkChild(pinger(pair)))
  for (const fiber of pingers) yield* Fiber.join(fiber)
  yield* Fiber.interrupt(ticker)
  return { returned, slept }
})

const erlang = Effect.promise(async () => {
  const [run, echoed] = await withEcho((path) => runErlang("latency", "reaction", [path, pairs, roundTrips, least]))
  const socket = socketOf(echoed)
  return { measured: { ...run.measured, ...socket.measured }, proof: { ...run.proof, ...socket.proof } }
})

export const reaction: Bench = {
  name: "reaction",
  description: `a sleep of a millisecond, and an echo over a socket, while ${pairs} pairs of processes exchange ${messages.toLocaleString("en")} messages`,
  metrics: ["timer p50", "timer p99", "socket p50", "socket p99"].map((name) => ({
    name,
    unit: "ms",
    better: "lower"
  })),
  rounds: 7,
  work: { messages, wrong: 0, timers: 1, sockets: 1 },
  subject: { name: "troupe", run: arm(troupe) },
  peers: [{ name: "raw Effect", run: arm(raw) }, ifErlang("Erlang", erlang)]
}
