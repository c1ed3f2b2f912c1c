/** Makes the tables of the page about benchmarks out of rows: no figure on it is written by hand. */
import { isRowOf } from "../../../test/bench/harness/measure.ts"
import type { Measured } from "../../../test/bench/harness/machine.ts"
import type { Result } from "../../../test/bench/harness/results.ts"
import { type Reason, reasonOf } from "../../../test/bench/reasons.ts"
import { themes } from "../../../test/bench/themes.ts"

/** The figures of a peer beside ours. */
export interface Cell {
  readonly median: string
  readonly range: string
  readonly ratio: string
  readonly isBetter: boolean
  /** The number of the reason why ours is worse, among those of its theme. */
  readonly reason: number | undefined
  /** What there is in place of figures, and why. */
  readonly missing: { readonly what: string; readonly why: string } | undefined
}

export interface Line {
  readonly name: string
  readonly unit: string
  readonly median: string
  readonly range: string
  readonly rounds: number
  readonly cells: ReadonlyArray<Cell>
}

export interface Group {
  readonly bench: string
  readonly what: string
  readonly lines: ReadonlyArray<Line>
}

/** Benches with the same arms, which are the columns. */
export interface Table {
  readonly subject: string
  readonly peers: ReadonlyArray<string>
  readonly groups: ReadonlyArray<Group>
}

export interface Section {
  readonly tables: ReadonlyArray<Table>
  readonly reasons: ReadonlyArray<{ readonly peers: string; readonly why: string }>
}

export interface Benchmarks {
  readonly sections: Readonly<Record<string, Section>>
  readonly machines: ReadonlyArray<Measured>
  /** Benches of which nobody has written down what measured them. */
  readonly unknown: ReadonlyArray<string>
  /** Peers that could not be run, and why. */
  readonly absent: ReadonlyArray<string>
}

const number = (value: number): string =>
  value.toLocaleString("en", { maximumSignificantDigits: 3, ...(value >= 10_000 ? { notation: "compact" } : {}) })

const rangeOf = ({ max, min }: { readonly max: number; readonly min: number }): string =>
  `${number(min)} – ${number(max)}`

const nothing = { median: "", range: "", ratio: "", isBetter: false, reason: undefined, missing: undefined }

const unmeasured = { what: "not measured", why: "The peer has no figure for this." }

const sectionOf = (benches: Readonly<Record<string, string>>, all: ReadonlyArray<Result>): Section => {
  const rows = all.filter((row) => Object.keys(benches).some((name) => isRowOf({ name })(row)))
  const worse = rows.flatMap(({ name, ratio }) =>
    Object.entries(ratio)
      .filter(([, value]) => value !== null && value < 1)
      .map(([peer]) => ({ peer, reason: reasonOf(name, peer) }))
  )
  // In the order in which their numbers are met.
  const used = [...new Set(worse.flatMap(({ reason }) => (reason === undefined ? [] : [reason])))]
  // "Effect RPC, binary" has a comma of its own.
  const peersOf = (reason: Reason): string =>
    reason.peers.filter((peer) => worse.some((one) => one.peer === peer && one.reason === reason)).join("; ")

  const cellOf = (row: Result, name: string): Cell => {
    const peer = row.peers[name]
    if (peer === undefined || "unmeasured" in peer) return { ...nothing, missing: unmeasured }
    if ("absent" in peer) return { ...nothing, missing: { what: "absent", why: peer.absent } }
    const ratio = row.ratio[name] ?? undefined
    const reason = ratio !== undefined && ratio < 1 ? reasonOf(row.name, name) : undefined
    return {
      ...nothing,
      median: number(peer.median),
      range: rangeOf(peer),
      ratio: ratio === undefined ? "–" : `${number(ratio)} ×`,
      isBetter: ratio !== undefined && ratio >= 1,
      reason: reason === undefined ? undefined : used.indexOf(reason) + 1
    }
  }

  const tables: Array<{ subject: string; peers: ReadonlyArray<string>; groups: Array<Group> }> = []
  for (const [bench, what] of Object.entries(benches)) {
    const own = rows.filter(isRowOf({ name: bench }))
    const [first] = own
    if (first === undefined) continue
    const peers = Object.keys(first.peers)
    const lines = own.map((row) => ({
      name: row.name === bench ? "" : row.name.slice(bench.length + 2),
      unit: row.unit,
      median: number(row.median),
      range: rangeOf(row),
      rounds: row.rounds,
      cells: peers.map((peer) => cellOf(row, peer))
    }))
    const last = tables.at(-1)
    const isSame = last?.subject === first.subject && JSON.stringify(last.peers) === JSON.stringify(peers)
    if (last !== undefined && isSame) last.groups.push({ bench, what, lines })
    else tables.push({ subject: first.subject, peers, groups: [{ bench, what, lines }] })
  }
  return { tables, reasons: used.map((reason) => ({ peers: peersOf(reason), why: reason.why })) }
}

/** All that the page shows. */
export const benchmarksOf = (rows: ReadonlyArray<Result>, machines: ReadonlyArray<Measured>): Benchmarks => {
  const absent = rows.flatMap(({ peers }) =>
    Object.entries(peers).flatMap(([name, peer]) => ("absent" in peer ? [`${name}: ${peer.absent}`] : []))
  )
  return {
    sections: Object.fromEntries(themes.map(({ benches, id }) => [id, sectionOf(benches, rows)])),
    machines,
    unknown: themes
      .flatMap(({ benches }) => Object.keys(benches))
      .filter((bench) => rows.some(isRowOf({ name: bench })))
      .filter((bench) => machines.every(({ benches }) => !benches.includes(bench))),
    absent: [...new Set(absent)]
  }
}
