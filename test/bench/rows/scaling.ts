/** A hundred times the children: by which factor it takes longer to start them, to look them up and to stop them. */
import { Effect } from "effect"
import { erlang } from "../harness/erlang.ts"
import type { Arm, Bench } from "../harness/measure.ts"
import { inProcess } from "../harness/inProcess.ts"
import { children } from "./start-children.ts"

const few = 1_000
const many = 100_000

// A thousand take some milliseconds: the mean of so many runs counts, which is disturbed as often as a long run, after
// as many that warm up.
const runs = 25

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b) / values.length

const troupe = (strategy: "dynamic" | "one_for_one"): Arm => ({
  name: `troupe, ${strategy}`,
  run: inProcess(
    Effect.gen(function* () {
      yield* Effect.replicateEffect(children(strategy, few), runs)
      const ofFew = yield* Effect.replicateEffect(children(strategy, few), runs)
      const ofMany = yield* children(strategy, many)
      const factor = (what: "start" | "find" | "stop") => ofMany[what] / mean(ofFew.map((run) => run[what]))
      return {
        measured: { start: factor("start"), find: factor("find"), stop: factor("stop") },
        proof: ofMany.proof
      }
    })
  )
})

export const scaling: Bench = {
  name: "scaling",
  description: `${many.toLocaleString("en")} supervised servers beside ${few.toLocaleString("en")}: by which factor they take longer`,
  metrics: [
    { name: "start", unit: "times as long", better: "lower" },
    { name: "find", unit: "times as long", better: "lower" },
    { name: "stop", unit: "times as long", better: "lower" }
  ],
  rounds: 3,
  work: { started: many, found: many, left: 0 },
  subject: troupe("dynamic"),
  peers: [troupe("one_for_one"), erlang("Erlang, one_for_one", "supervision", [few, many, runs], "scaling")]
}
