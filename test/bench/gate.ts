/**
 * `npm run bench:gate [-- --short] [-- name …]`: runs the benchmarks and fails if a ratio has lost against the one that
 * is committed in `results.json`. It writes nothing, and compares no times: another machine has others.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { join } from "node:path"
import { benches, inShort } from "./benches.ts"
import { type Comparison, comparisonTable, compare, gone, lostOf, summaryOf } from "./harness/comparison.ts"
import { type Bench, isRowOf, pool, rowsOf, type Runs, runsOf } from "./harness/measure.ts"
import { readResults, type Result } from "./harness/results.ts"
import { leftOut, shortened } from "./harness/short.ts"

const file = join(import.meta.dirname, "results.json")

interface Measured {
  readonly bench: Bench
  readonly runs: Runs
}

const compareAll = (committed: ReadonlyArray<Result>, { bench, runs }: Measured): ReadonlyArray<Comparison> =>
  compare(committed, rowsOf(bench, runs))

const run = Effect.fnUntraced(function* (bench: Bench) {
  yield* Console.log(`${bench.name}: ${bench.description}, ${bench.rounds} rounds`)
  return { bench, runs: yield* runsOf(bench) }
})

// What disturbed the machine may have passed when all others have run, and the programs of the arms are new ones.
const runAgain = Effect.fnUntraced(function* (committed: ReadonlyArray<Result>, measured: Measured) {
  const lost = lostOf(compareAll(committed, measured))
  if (lost.length === 0) return measured
  const { bench, runs } = measured
  const peers = [...new Set(lost.map(({ peer }) => peer))].join(", ")
  yield* Console.log(`${bench.name} seems to have lost against ${peers}: measured again, ${bench.rounds} rounds more`)
  return { bench, runs: pool(runs, yield* runsOf(bench)) }
})

const main = Effect.gen(function* () {
  const options = process.argv.slice(2)
  const isShort = options.includes("--short")
  const names = options.filter((option) => option !== "--short")
  const unknown = names.filter((name) => benches.every((bench) => bench.name !== name))
  if (unknown.length > 0) {
    yield* Console.error(`There is no bench ${unknown.join(", ")}.`)
    process.exitCode = 1
    return
  }
  const committed = yield* readResults(file)
  const wanted = benches.filter(({ name }) =>
    names.length > 0 ? names.includes(name) : !isShort || inShort.includes(name)
  )
  const chosen = isShort ? wanted.map(shortened) : wanted

  const first: Array<Measured> = []
  for (const bench of chosen) first.push(yield* run(bench))
  const last: Array<Measured> = []
  for (const measured of first) last.push(yield* runAgain(committed, measured))

  const again = first.filter((measured) => !last.includes(measured)).flatMap((one) => compareAll(committed, one))
  const all = last.flatMap((one) => {
    const rows = isShort ? [] : gone(committed.filter(isRowOf(one.bench)), rowsOf(one.bench, one.runs))
    return [...compareAll(committed, one), ...rows]
  })
  yield* Console.log(`\n${comparisonTable(all, again)}\n`)
  const out = isShort ? [...new Set(wanted.flatMap(leftOut))] : []
  if (out.length > 0) yield* Console.log(`Left out of the short form: ${out.join(", ")}.`)
  yield* Console.log(summaryOf(all))
  if (lostOf(all).length > 0) process.exitCode = 1
}).pipe(
  Effect.catchTag("BadResults", ({ message }) =>
    Effect.andThen(
      Console.error(message),
      Effect.sync(() => void (process.exitCode = 1))
    )
  )
)

NodeRuntime.runMain(main)
