/** A tree of processes, ten to a node, whose million leaves each send their number up: https://github.com/atemerev/skynet. */
import { Effect, Fiber, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import { type Bench, type Run, seconds } from "../harness/measure.ts"
import { nactSkynet } from "../peers/nactSkynet.ts"

const leaves = 1_000_000
const fanOut = 10

const result = (sum: number, took: number): Run => ({ measured: { time: took }, proof: { sum } })

const Sum = Rpc.make("sum", { payload: Schema.Int })

// It stands for the leaves from `first` on, `size` of them.
const Node = Process.make("bench:node", {
  protocol: [Sum],
  args: Schema.Struct({ parent: Pid.of(Sum), first: Schema.Int, size: Schema.Int })
})
const Root = Process.make("bench:root", { protocol: [Sum] })

const NodeLive = Node.toLayer(
  Effect.fnUntraced(function* ({ first, parent, size }) {
    if (size === 1) return yield* Process.send(parent, "sum", first)
    const self = yield* Node.self
    const part = size / fanOut
    for (let i = 0; i < fanOut; i++) yield* Process.spawn(Node, { parent: self, first: first + i * part, size: part })
    let sum = 0
    for (let i = 0; i < fanOut; i++) sum += (yield* Node.receive()).payload
    yield* Process.send(parent, "sum", sum)
  })
)

const root = Effect.gen(function* () {
  const parent = yield* Root.self
  let sum = 0
  const took = yield* seconds(
    Effect.gen(function* () {
      yield* Process.spawn(Node, { parent, first: 0, size: leaves })
      sum = (yield* Root.receive()).payload
    })
  )
  return result(sum, took)
})

// A fiber that starts at once has ended before the next one is started, so that few are there at any time.
const sumOf = (first: number, size: number, options: { readonly startImmediately: boolean }): Effect.Effect<number> =>
  size === 1
    ? Effect.succeed(first)
    : Effect.gen(function* () {
        const part = size / fanOut
        const fibers: Array<Fiber.Fiber<number>> = []
        for (let i = 0; i < fanOut; i++) {
          fibers.push(yield* Effect.forkChild(sumOf(first + i * part, part, options), options))
        }
        let sum = 0
        for (const fiber of fibers) sum += yield* Fiber.join(fiber)
        return sum
      })

const raw = (options: { readonly startImmediately: boolean }): Effect.Effect<Run> =>
  Effect.gen(function* () {
    let sum = 0
    const took = yield* seconds(Effect.map(sumOf(0, leaves, options), (all) => (sum = all)))
    return result(sum, took)
  })

export const skynet: Bench = {
  name: "skynet",
  description: `a tree of processes with ${leaves.toLocaleString("en")} leaves, ${fanOut} to a node, whose sums come back`,
  metrics: [{ name: "time", unit: "s", better: "lower" }],
  rounds: 3,
  work: { sum: (leaves * (leaves - 1)) / 2 },
  subject: { name: "troupe", run: asBodyOf(Root, root, NodeLive) },
  peers: [
    { name: "raw Effect", run: raw({ startImmediately: false }) },
    { name: "raw Effect, started at once", run: raw({ startImmediately: true }) },
    erlang("Erlang", "processes", [leaves, fanOut], "skynet", ["+P", "2000000"]),
    go("processes", "skynet", [leaves, fanOut]),
    nactSkynet(leaves, fanOut)
  ]
}
