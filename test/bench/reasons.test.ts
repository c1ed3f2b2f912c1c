/** What the page of the benchmarks says: it has every row, and a reason for each that is slower than a peer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { benchmarksOf } from "../../docs/.vitepress/theme/benchmarks.ts"
import { benches } from "./benches.ts"
import { isRowOf } from "./harness/measure.ts"
import { readResults, type Result } from "./harness/results.ts"
import { reasonOf, reasons } from "./reasons.ts"
import { themes } from "./themes.ts"

const results = Effect.runSync(readResults(join(import.meta.dirname, "results.json")))

/** Where a row is slower than a peer. */
const slower = (rows: ReadonlyArray<Pick<Result, "name" | "ratio">>) =>
  rows.flatMap(({ name, ratio }) =>
    Object.entries(ratio).flatMap(([peer, value]) => (value !== null && value < 1 ? [{ row: name, peer }] : []))
  )

describe("a row that is slower than a peer", () => {
  it("has a reason", () => {
    const without = slower(results).filter(({ peer, row }) => reasonOf(row, peer) === undefined)
    assert.deepStrictEqual(
      without.map(({ peer, row }) => `${row} is slower than ${peer}: say why in reasons.ts`),
      []
    )
  })

  it("may not slip past this test", () => {
    const rows = [{ name: "call", ratio: { nact: 0.99, Erlang: 1, Go: null } }]
    assert.deepStrictEqual(slower(rows), [{ row: "call", peer: "nact" }])
    assert.isUndefined(reasonOf("call", "nact"))
    assert.isUndefined(reasonOf("channel-1000", "Go"))
  })

  it("is one that there is, as are its peers", () => {
    for (const { peers, rows } of reasons) {
      const meant = results.filter((row) => rows.some((name) => isRowOf({ name })(row)))
      for (const name of rows) assert.isTrue(meant.some(isRowOf({ name })), `there is no row ${name}`)
      for (const peer of peers)
        assert.isTrue(
          meant.some((row) => peer in row.peers),
          `no row has a peer ${peer}`
        )
    }
  })
})

describe("the page of the benchmarks", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/benchmarks.md"), "utf8")
  const { sections, unknown } = benchmarksOf(results, [])

  it("has every bench under one theme, with what it is about", () => {
    const themed = themes.flatMap((theme) => Object.keys(theme.benches))
    assert.deepStrictEqual(themed.toSorted(), benches.map(({ name }) => name).toSorted())
  })

  it("has the tables of every theme", () => {
    const shown = [...page.matchAll(/<BenchmarkTable theme="([a-z-]+)" \/>/g)].map((match) => match[1]!)
    assert.deepStrictEqual(
      shown,
      themes.map(({ id }) => id)
    )
  })

  it("shows every row once, with all peers and the figures of each", () => {
    const tables = Object.values(sections).flatMap((section) => section.tables)
    const shown = tables.flatMap(({ groups, peers }) =>
      groups.flatMap(({ bench, lines }) =>
        lines.map(({ cells, name }) => {
          assert.strictEqual(cells.length, peers.length)
          return { name: name === "" ? bench : `${bench}: ${name}`, peers }
        })
      )
    )
    assert.deepStrictEqual(shown.map(({ name }) => name).toSorted(), results.map(({ name }) => name).toSorted())
    for (const { name, peers } of shown) {
      assert.deepStrictEqual([...peers], Object.keys(results.find((row) => row.name === name)!.peers))
    }
  })

  it("leads from what is slower to its reason, and says what is absent", () => {
    const row: Result = {
      name: "channel-0",
      unit: "values/s",
      subject: "troupe",
      median: 1_234_567,
      min: 1_000_000,
      max: 2_000_000,
      rounds: 7,
      peers: { "raw Effect": { median: 600_000, min: 1, max: 700_000 }, "Go": { median: 9e6, min: 9e6, max: 9e6 } },
      ratio: { "raw Effect": 2.0576, "Go": 0.1372 }
    }
    const { peers: _, ...figures } = row
    const without: Result = { ...figures, peers: { ...row.peers, Go: { absent: "there is no go" } }, ratio: {} }
    const [table] = benchmarksOf([row], []).sections["channels"]!.tables
    const [ours, go] = table!.groups[0]!.lines[0]!.cells
    assert.deepInclude(ours, { median: "600K", range: "1 – 700K", ratio: "2.06 ×", isBetter: true })
    assert.deepInclude(go, { ratio: "0.137 ×", isBetter: false, reason: 1 })
    assert.deepInclude(benchmarksOf([row], []).sections["channels"]!.reasons[0], { peers: "Go" })
    assert.deepStrictEqual(benchmarksOf([without], []).absent, ["Go: there is no go"])
    const [lacking] = benchmarksOf([without], []).sections["channels"]!.tables
    assert.deepStrictEqual(lacking!.groups[0]!.lines[0]!.cells[1]!.missing, { what: "absent", why: "there is no go" })
  })

  it("says of a peer that has no figure for a metric that it is not measured", () => {
    const peers = { "raw Effect": { unmeasured: true as const } }
    const figures = { unit: "ms", subject: "troupe", median: 1, min: 1, max: 1, rounds: 7, ratio: {} }
    const shown = benchmarksOf([{ name: "reaction: socket p50", ...figures, peers }], [])
    const cell = shown.sections["latency"]!.tables[0]!.groups[0]!.lines[0]!.cells[0]!
    assert.strictEqual(cell.missing?.what, "not measured")
    assert.deepStrictEqual(shown.absent, [])
  })

  it("says of which benches nobody knows what measured them", () => {
    assert.strictEqual(unknown.length, benches.filter((bench) => results.some(isRowOf(bench))).length)
    assert.strictEqual(unknown.length > 0 && benchmarksOf([], []).unknown.length, 0)
  })
})
