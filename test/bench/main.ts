/** `npm run bench [-- name …]`: runs the benchmarks, prints a table, keeps the figures in `results.json`, and what measured them in `machine.json`. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { benches } from "./benches.ts"
import { noted, readMachines, thisMachine } from "./harness/machine.ts"
import { type Bench, isRowOf, measure, type Row } from "./harness/measure.ts"
import { readResults, type Result } from "./harness/results.ts"
import { number, table } from "./harness/table.ts"

const file = join(import.meta.dirname, "results.json")
const machineFile = join(import.meta.dirname, "machine.json")

const range = (summary: { readonly median: number; readonly min: number; readonly max: number }): Array<string> =>
  [summary.median, summary.min, summary.max].map(number)

/** A line for our figures, and one for those of each peer. */
const linesOf = (row: Row): Array<Array<string>> => [
  [row.name, row.subject, ...range(row), row.unit, ""],
  ...Object.entries(row.peers).map(([name, peer]) => {
    if ("absent" in peer) return ["", name, "absent", "", "", peer.absent, ""]
    if ("unmeasured" in peer) return ["", name, "not measured", "", "", "", ""]
    return ["", name, ...range(peer), row.unit, `${number(row.ratio[name]!)} ×`]
  })
]

const head = ["bench", "", "median", "min", "max", "", "ours is better by"]

/** Replaces the rows of the benches that ran; those of the others stay. */
const keep = (known: ReadonlyArray<Result>, ran: ReadonlyArray<Bench>, rows: ReadonlyArray<Row>): void => {
  const others = known.filter((row) => !ran.some((bench) => isRowOf(bench)(row)))
  const all = [...others, ...rows].toSorted((a, b) => benchOf(a) - benchOf(b))
  writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`)
}

const benchOf = (row: Result | Row): number => benches.findIndex((bench) => isRowOf(bench)(row))

const main = Effect.gen(function* () {
  const names = process.argv.slice(2)
  const unknown = names.filter((name) => benches.every((bench) => bench.name !== name))
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(", ")}; there are:`)
    for (const { description, name } of benches) console.error(`  ${name.padEnd(22)} ${description}`)
    process.exitCode = 1
    return
  }
  const chosen = names.length === 0 ? benches : benches.filter((bench) => names.includes(bench.name))
  const machine = thisMachine()
  console.log(`Node ${machine.node}, ${machine.cores} × ${machine.processor}\n`)
  const known = existsSync(file) ? yield* readResults(file) : []
  const rows: Array<Row> = []
  for (const bench of chosen) {
    console.log(`${bench.name}: ${bench.description}, ${bench.rounds} rounds`)
    rows.push(...(yield* measure(bench)))
  }
  console.log(`\n${table([head, ...rows.flatMap(linesOf)], [2, 3, 4])}`)
  keep(known, chosen, rows)
  const machines = noted(
    readMachines(machineFile),
    machine,
    chosen.map(({ name }) => name)
  )
  writeFileSync(machineFile, `${JSON.stringify(machines, undefined, 2)}\n`)
})

NodeRuntime.runMain(main)
