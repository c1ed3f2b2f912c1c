/**
 * `npm run bench:gate [-- --short] [-- name …]`: runs the benchmarks and fails if a ratio has lost against the one that
 * is committed in `results.json`, in each of up to four measurements. It writes nothing, and compares no times: another
 * machine has others.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { join } from "node:path"
import { benches, inShort } from "./benches.ts"
import { measuredAgain } from "./harness/again.ts"
import { type Comparison, comparisonTable, compare, gone, lostOf, summaryOf } from "./harness/comparison.ts"
import { type Bench, isRowOf, measure, type Row } from "./harness/measure.ts"
import { readResults } from "./harness/results.ts"
import { leftOut, shortened } from "./harness/short.ts"

const file = join(import.meta.dirname, "results.json")

interface Measured {
  readonly bench: Bench
  readonly rows: ReadonlyArray<Row>
}

const run = Effect.fnUntraced(function* (bench: Bench) {
  yield* Console.log(`${bench.name}: ${bench.description}, ${bench.rounds} rounds`)
  return { bench, rows: yield* measure(bench) }
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

  const measured: Array<Measured> = []
  for (const bench of chosen) measured.push(yield* run(bench))
  // Only now: what disturbed the machine may have passed when all others have run.
  const all: Array<Comparison> = []
  for (const { bench, rows } of measured) {
    all.push(...(yield* measuredAgain(committed, bench, compare(committed, rows))))
    if (!isShort) all.push(...gone(committed.filter(isRowOf(bench)), rows))
  }
  yield* Console.log(`\n${comparisonTable(all)}\n`)
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
