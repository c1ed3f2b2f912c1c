/** Processes that begin and end one after the other: what a process costs to whoever starts it and learns of its end. */
import { Effect, Exit, Fiber } from "effect"
import { Process, Selectable } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import { type Bench, type Run, seconds } from "../harness/measure.ts"
import { nactSpawnExit } from "../peers/nactSpawnExit.ts"

const count = 200_000

const result = (ended: number, took: number): Run => ({ measured: { processes: count / took }, proof: { ended } })

const Child = Process.make("bench:child")
const ChildLive = Child.toLayer(() => Effect.void)
const Parent = Process.make("bench:parent")

const parent = Effect.gen(function* () {
  const events = yield* Parent.events
  let ended = 0
  const took = yield* seconds(
    Effect.gen(function* () {
      for (let i = 0; i < count; i++) {
        const monitor = yield* Process.spawnMonitored(Child)
        const event = yield* Selectable.take(events)
        if (event._tag === "Exit" && event.monitor === monitor && Exit.isSuccess(event.exit)) ended++
      }
    })
  )
  return result(ended, took)
})

// A fiber that starts at once has ended before whoever has started it goes on: it is a call, with the cost of a fiber.
const raw = (options: { readonly startImmediately: boolean }): Effect.Effect<Run> =>
  Effect.gen(function* () {
    let ended = 0
    const took = yield* seconds(
      Effect.gen(function* () {
        for (let i = 0; i < count; i++) {
          const fiber = yield* Effect.forkDetach(Effect.void, options)
          if (Exit.isSuccess(yield* Fiber.await(fiber))) ended++
        }
      })
    )
    return result(ended, took)
  })

export const spawnExit: Bench = {
  name: "spawn-exit",
  description: `a process that starts ${count.toLocaleString("en")} others, one after the other, and learns of each one's end`,
  metrics: [{ name: "processes", unit: "processes/s", better: "higher" }],
  rounds: 7,
  work: { ended: count },
  subject: { name: "troupe", run: asBodyOf(Parent, parent, ChildLive) },
  peers: [
    { name: "raw Effect", run: raw({ startImmediately: false }) },
    { name: "raw Effect, started at once", run: raw({ startImmediately: true }) },
    erlang("Erlang", "processes", [count], "spawn_exit"),
    go("processes", "spawn-exit", [count]),
    nactSpawnExit(count)
  ]
}
