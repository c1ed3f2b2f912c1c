/** `npm run bench [-- name …]`: runs the benchmarks, prints a table and keeps the figures in `results.json`. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { benches } from "./benches.ts"
import { type Bench, measure, type Row } from "./harness/measure.ts"

const file = join(import.meta.dirname, "results.json")

const number = (value: number): string =>
  value.toLocaleString("en", value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 })

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

const table = (rows: ReadonlyArray<Row>): string => {
  const lines = [["bench", "", "median", "min", "max", "", "ours is better by"], ...rows.flatMap(linesOf)]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const isNumber = (column: number) => column >= 2 && column <= 4
  return lines
    .map((line) =>
      line
        .map((text, column) => (isNumber(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** Replaces the rows of the benches that ran; those of the others stay. */
const keep = (ran: ReadonlyArray<Bench>, rows: ReadonlyArray<Row>): void => {
  const known: ReadonlyArray<Row> = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Array<Row>) : []
  const others = known.filter((row) => !ran.some(({ name }) => row.name === name || row.name.startsWith(`${name}: `)))
  const all = [...others, ...rows].toSorted((a, b) => benchOf(a) - benchOf(b))
  writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`)
}

const benchOf = (row: Row): number =>
  benches.findIndex(({ name }) => row.name === name || row.name.startsWith(`${name}: `))

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
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}\n`)
  const rows: Array<Row> = []
  for (const bench of chosen) {
    console.log(`${bench.name}: ${bench.description}, ${bench.rounds} rounds`)
    rows.push(...(yield* measure(bench)))
  }
  console.log(`\n${table(rows)}`)
  keep(chosen, rows)
})

NodeRuntime.runMain(main)
