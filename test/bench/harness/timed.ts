/** A run that is timed as a whole: its proof, and how often it did its work in a second. */
import { Effect } from "effect"
import { type Run, seconds } from "./measure.ts"

/** Times an effect that answers its proof; the metric is the count over the seconds. */
export const timed = <E, R>(metric: string, count: number, work: Effect.Effect<Run["proof"], E, R>) =>
  Effect.gen(function* () {
    let proof: Run["proof"] = {}
    const took = yield* seconds(Effect.map(work, (done) => (proof = done)))
    const run: Run = { measured: { [metric]: count / took }, proof }
    return run
  })
