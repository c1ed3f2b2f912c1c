/** A supervised server that ends again and again: what it costs until the next one is up. */
import { Effect, Layer, References } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, Pid, Process, ProcessHost, Server, Supervisor } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { type Bench, seconds } from "../harness/measure.ts"

// Erlang's supervisor looks through the times of its restarts once there are more than a thousand within its period:
// several supervisors, one after the other, keep below.
const supervisors = 20
const times = 900
const count = supervisors * times

const Crash = Rpc.make("crash")
const Up = Rpc.make("up", { payload: Pid.of(Crash) })

const Worker = Server.make("bench:worker", { protocol: [Crash], args: Pid.of(Up) })
const WorkerLive = Worker.toLayer(
  Effect.fnUntraced(function* (tester) {
    // It is up when its supervisor knows that it has started, and not while it still starts.
    yield* Server.continueWith(Process.send(tester, "up", yield* Worker.self))
    return Worker.of({ handlers: { crash: () => Effect.die("crashed") } })
  })
)

type End = (worker: Pid.Pid<typeof Crash>) => Effect.Effect<void, unknown, ProcessHost.ProcessHost>

const crash: End = (worker) => Process.send(worker, "crash")
const kill: End = (worker) => Process.kill(worker)

const testerOf = (name: string, end: End) => {
  const Tester = Process.make(name, { protocol: [Up] })
  const done = { ended: 0, took: 0 }

  // Each worker that comes up is ended, but the last one.
  const underOne = Effect.gen(function* () {
    const Tree = Supervisor.make("bench:tree", {
      intensity: 1_000_000_000,
      period: "1 second",
      children: [ChildSpec.make(Worker, yield* Tester.self)]
    })
    const tree = yield* Supervisor.start(Tree)
    let { payload: worker } = yield* Tester.receive()
    done.took += yield* seconds(
      Effect.gen(function* () {
        for (let n = 0; n < times; n++) {
          yield* end(worker)
          const { payload: next } = yield* Tester.receive()
          if (next !== worker) done.ended++
          worker = next
        }
      })
    )
    yield* Supervisor.stop(tree)
  })
  const TesterLive = Tester.toLayer(() =>
    Effect.gen(function* () {
      for (let n = 0; n < supervisors; n++) yield* underOne
    })
  )
  return Process.spawn(Tester).pipe(
    Effect.flatMap(Process.await),
    Effect.flatten,
    Effect.map(() => done),
    Effect.provide(TesterLive.pipe(Layer.provide(WorkerLive), Layer.provideMerge(ProcessHost.layer("bench")))),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.orDie
  )
}

const troupe = Effect.gen(function* () {
  const crashed = yield* testerOf("bench:crashing", crash)
  const killed = yield* testerOf("bench:killing", kill)
  return {
    measured: { crash: count / crashed.took, kill: count / killed.took },
    proof: { crashed: crashed.ended, killed: killed.ended }
  }
})

export const restart: Bench = {
  name: "restart",
  description: `a supervised server that crashes, or is killed, ${count.toLocaleString("en")} times`,
  metrics: [
    { name: "crash", unit: "restarts/s", better: "higher" },
    { name: "kill", unit: "restarts/s", better: "higher" }
  ],
  rounds: 7,
  work: { crashed: count, killed: count },
  subject: { name: "troupe", run: Effect.suspend(() => troupe) },
  peers: [erlang("Erlang", "supervision", [supervisors, times], "restart")]
}
