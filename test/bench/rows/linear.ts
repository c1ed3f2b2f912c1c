/** Costs grow linearly: by which factor a message takes longer beside much that it has nothing to do with. */
import { Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process, ProcessHost, Selectable } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import { type Bench, collectGarbage, type Run, seconds } from "../harness/measure.ts"

const processes = { few: 10, many: 1_000_000 }
const queued = { few: 10, many: 200_000 }
const monitors = { few: 1, many: 10_000 }

/** How many messages a run has there and back, or through an inbox. */
const each = 20_000
/** The mean of so many runs counts, after as many that warm up. */
const runs = 15

const Ball = Rpc.make("ball", { payload: Schema.Int })
const Ponger = Process.make("bench:ponger", { protocol: [Ball], args: Pid.of(Ball) })
const Parked = Process.make("bench:parked", { protocol: [Rpc.make("tick")] })
const Tester = Process.make("bench:tester", { protocol: [Ball] })

const PongerLive = Ponger.toLayer(
  Effect.fnUntraced(function* (tester) {
    while (true) {
      const { payload } = yield* Ponger.receive()
      yield* Process.send(tester, "ball", payload)
    }
  })
)
const ParkedLive = Parked.toLayer(() => Parked.receive())

/** How long a run takes, warmed up, when the garbage from before is gone; V8 sweeps it up in the background. */
const mean = Effect.fnUntraced(function* <E, R>(run: Effect.Effect<void, E, R>) {
  yield* collectGarbage
  yield* Effect.sleep("1 second")
  const many = Effect.replicateEffect(run, runs, { discard: true })
  yield* many
  return (yield* seconds(many)) / runs
})

/** By which factor a run takes longer when there is much; the effect sees to it that there is so much. */
const factor = Effect.fnUntraced(function* <E, R, E2, R2>(
  run: Effect.Effect<void, E, R>,
  { few, many }: { readonly few: number; readonly many: number },
  have: (count: number) => Effect.Effect<void, E2, R2>
) {
  yield* have(few)
  const ofFew = yield* mean(run)
  yield* have(many)
  return (yield* mean(run)) / ofFew
})

const tester = Effect.gen(function* () {
  const self = yield* Tester.self
  const events = yield* Tester.events
  const ponger = yield* Process.spawn(Ponger, self)
  let returned = 0
  const exchange = Effect.gen(function* () {
    for (let i = 0; i < each; i++) {
      yield* Process.send(ponger, "ball", i)
      const { payload } = yield* Tester.receive()
      if (payload === i) returned++
    }
  })

  const parked: Array<Pid.Pid> = []
  const park = Effect.fnUntraced(function* (count: number) {
    while (parked.length < count) parked.push(yield* Process.spawn(Parked))
    // So that each has begun, and waits.
    yield* Effect.sleep("10 millis")
  })
  const before = (yield* ProcessHost.stats()).live
  // First of all, since V8 allocates by how long the objects of a program have lived before.
  const byProcesses = yield* factor(exchange, processes, park)
  const alive = (yield* ProcessHost.stats()).live - before
  for (const pid of parked.splice(monitors.many)) yield* Process.kill(pid)

  let monitored = 0
  const byMonitors = yield* factor(exchange, monitors, (count) =>
    Effect.gen(function* () {
      while (monitored < count) yield* Process.monitor(parked[monitored++]!)
    })
  )
  let exits = 0
  for (const pid of parked.splice(0)) {
    yield* Process.kill(pid)
    const event = yield* Selectable.take(events)
    if (event._tag === "Exit" && event.from === pid) exits++
  }

  let sent = 0
  let taken = 0
  const send = Effect.suspend(() => Process.send(self, "ball", sent++))
  const take = Effect.map(Tester.receive(), ({ payload }) => {
    if (payload === taken) taken++
  })
  const pass = Effect.gen(function* () {
    for (let i = 0; i < each; i++) {
      yield* send
      yield* take
    }
  })
  const byQueued = yield* factor(pass, queued, (count) =>
    Effect.gen(function* () {
      for (let left = count - (sent - taken); left > 0; left--) yield* send
    })
  )
  const { queued: waiting } = yield* Process.info(self)
  for (let i = 0; i < waiting; i++) yield* take

  const run: Run = {
    measured: { processes: byProcesses, queued: byQueued, monitors: byMonitors },
    proof: { returned, exits, taken, waiting, alive }
  }
  return run
})

const amounts = [processes, queued, monitors].flatMap(({ few, many }) => [few, many])

export const linear: Bench = {
  name: "linear",
  description:
    `a message with ${processes.many.toLocaleString("en")} processes alive beside ${processes.few}, ` +
    `with ${queued.many.toLocaleString("en")} messages queued beside ${queued.few}, ` +
    `with ${monitors.many.toLocaleString("en")} monitors beside ${monitors.few}: by which factor it takes longer`,
  metrics: ["processes", "queued", "monitors"].map((name) => ({ name, unit: "times as long", better: "lower" })),
  rounds: 3,
  work: {
    returned: 2 * 4 * runs * each,
    exits: monitors.many,
    taken: 4 * runs * each + queued.many,
    waiting: queued.many,
    alive: processes.many
  },
  subject: { name: "troupe", run: asBodyOf(Tester, tester, Layer.merge(PongerLive, ParkedLive)) },
  peers: [erlang("Erlang", "linear", [...amounts, each, runs], "main", ["+P", "2000000"])]
}
