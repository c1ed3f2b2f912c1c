/** Servers that are started under a supervisor one by one, and stopped with it. */
import { Effect } from "effect"
import { ChildSpec, ProcessHost, Server, Supervisor } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { type Arm, type Bench, seconds } from "../harness/measure.ts"
import { inProcess } from "../harness/inProcess.ts"

const Worker = Server.make("bench:worker")
const WorkerLive = Worker.toLayer(() => Effect.succeed(Worker.of({ handlers: {} })))

type Strategy = "dynamic" | "one_for_one"

/** How long, in seconds, it takes to start so many children, to look each of them up and to stop them; and the proof. */
export const children = (strategy: Strategy, count: number) =>
  Effect.gen(function* () {
    const before = (yield* ProcessHost.stats()).live
    const tree = yield* Supervisor.start(Supervisor.make("bench:tree", { strategy }))
    const start = yield* seconds(
      Effect.gen(function* () {
        for (let n = 0; n < count; n++) {
          yield* Supervisor.startChild(tree, ChildSpec.make(Worker, undefined, { id: String(n) }))
        }
      })
    )
    const { active } = yield* Supervisor.count(tree)
    let found = 0
    const find = yield* seconds(
      Effect.gen(function* () {
        for (let n = 0; n < count; n++) {
          const { state } = yield* Supervisor.find(tree, String(n))
          if (state === "running") found++
        }
      })
    )
    const stop = yield* seconds(Supervisor.stop(tree))
    const left = (yield* ProcessHost.stats()).live - before
    return { start, find, stop, proof: { started: active, found, left } }
  }).pipe(Effect.provide(WorkerLive))

const count = 10_000

const troupe = (strategy: Strategy): Arm => ({
  name: `troupe, ${strategy}`,
  run: inProcess(
    Effect.map(children(strategy, count), ({ proof, start, stop }) => ({
      measured: { start: count / start, stop: count / stop },
      proof
    }))
  )
})

const benchOf = (name: string, strategy: Strategy, theirs: string): Bench => ({
  name,
  description: `a supervisor (${strategy}) whose ${count.toLocaleString("en")} servers are started one by one, and stopped`,
  metrics: [
    { name: "start", unit: "children/s", better: "higher" },
    { name: "stop", unit: "children/s", better: "higher" }
  ],
  rounds: 7,
  work: { started: count, found: count, left: 0 },
  subject: troupe(strategy),
  peers: [erlang(`Erlang, ${theirs}`, "supervision", [strategy === "dynamic" ? 1 : 0, count], "start_children")]
})

export const startChildren: ReadonlyArray<Bench> = [
  benchOf("start-children", "dynamic", "simple_one_for_one"),
  benchOf("start-children-ordered", "one_for_one", "one_for_one")
]
