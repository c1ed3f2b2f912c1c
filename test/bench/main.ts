/** `npm run bench [-- name …]`: runs the benchmarks, prints a table, keeps the figures in `results.json`, and what measured them in `machine.json`. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { benches } from "./benches.ts"
import { type Machine, noted, readMachines, thisMachine } from "./harness/machine.ts"
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

const write = (path: string, what: unknown): void => writeFileSync(path, `${JSON.stringify(what, undefined, 2)}\n`)

/** Replaces the rows of a bench that ran; those of the others stay. */
const keep = (bench: Bench, rows: ReadonlyArray<Row>, machine: Machine) =>
  Effect.gen(function* () {
    const known = existsSync(file) ? yield* readResults(file) : []
    const others = known.filter((row) => !isRowOf(bench)(row))
    write(
      file,
      [...others, ...rows].toSorted((a, b) => benchOf(a) - benchOf(b))
    )
    write(machineFile, noted(readMachines(machineFile), machine, [bench.name]))
  })

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
  // A file that can't be used is told of before anything is measured.
  if (existsSync(file)) yield* readResults(file)
  const all: Array<Row> = []
  for (const bench of chosen) {
    console.log(`${bench.name}: ${bench.description}, ${bench.rounds} rounds`)
    const rows = yield* measure(bench)
    all.push(...rows)
    // Right away, so that whoever interrupts it keeps what was measured before.
    yield* keep(bench, rows, machine)
  }
  console.log(`\n${table([head, ...all.flatMap(linesOf)], [2, 3, 4])}`)
})

NodeRuntime.runMain(main)
