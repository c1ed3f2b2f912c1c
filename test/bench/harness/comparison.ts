/** Compares the ratios of rows with those that were committed: whatever the machine, both sides of a ratio had the same. */
import type { Row } from "./measure.ts"
import type { Result } from "./results.ts"
import { number, table } from "./table.ts"

/** How much of a ratio may be lost. */
export const tolerance = 0.25

/** What has become of a ratio. */
export type Verdict =
  /** It is at least as good as it was, but for what is tolerated. */
  | { readonly _tag: "Held"; readonly before: number; readonly now: number; readonly rounds: number }
  /** It has lost more. */
  | { readonly _tag: "Lost"; readonly before: number; readonly now: number; readonly rounds: number }
  /** The peer can't be run here. */
  | { readonly _tag: "Absent"; readonly why: string }
  /** There is no committed row of this name, or no committed ratio to this peer. */
  | { readonly _tag: "New"; readonly what: "row" | "peer"; readonly now: number }
  /** It was committed, and the bench has no such row or peer any more. */
  | { readonly _tag: "Gone"; readonly before: number }
  /** One of the two ratios is no positive number, so that no part of it can be lost. */
  | { readonly _tag: "Unclear" }

export interface Comparison {
  readonly row: string
  readonly peer: string
  readonly verdict: Verdict
}

/** Which part of a ratio is lost; below 0 where it has become better. */
export const lossOf = ({ before, now }: { readonly before: number; readonly now: number }): number => 1 - now / before

const isPositive = (ratio: number | null | undefined): ratio is number =>
  typeof ratio === "number" && Number.isFinite(ratio) && ratio > 0

const judge = (row: Row, peer: string, known: Result | undefined): Verdict => {
  const summary = row.peers[peer]!
  if ("absent" in summary) return { _tag: "Absent", why: summary.absent }
  const now = row.ratio[peer] ?? Number.NaN
  if (known === undefined) return { _tag: "New", what: "row", now }
  const before = known.ratio[peer]
  if (before === undefined) return { _tag: "New", what: "peer", now }
  if (!isPositive(before) || !isPositive(now)) return { _tag: "Unclear" }
  return { _tag: lossOf({ before, now }) > tolerance ? "Lost" : "Held", before, now, rounds: row.rounds }
}

/** Each ratio of rows beside the committed one. */
export const compare = (committed: ReadonlyArray<Result>, rows: ReadonlyArray<Row>): ReadonlyArray<Comparison> =>
  rows.flatMap((row) => {
    const known = committed.find(({ name }) => name === row.name)
    return Object.keys(row.peers).map((peer) => ({ row: row.name, peer, verdict: judge(row, peer, known) }))
  })

/** The committed ratios of a bench which it has no longer: their row, or their peer, is not among its own. */
export const gone = (committed: ReadonlyArray<Result>, rows: ReadonlyArray<Row>): ReadonlyArray<Comparison> =>
  committed.flatMap((known) => {
    const row = rows.find(({ name }) => name === known.name)
    return Object.entries(known.ratio)
      .filter(([peer]) => row?.peers[peer] === undefined)
      .map(([peer, before]) => ({
        row: known.name,
        peer,
        verdict: { _tag: "Gone" as const, before: before ?? Number.NaN }
      }))
  })

const percent = (part: number): string => `${number(Math.round(Math.abs(part) * 100))} %`

const times = (ratio: number): string => (Number.isFinite(ratio) ? `${number(ratio)} ×` : "")

/** A verdict in words; with the one before, where it was measured again. */
export const wordsOf = (verdict: Verdict, first?: Verdict): string => {
  switch (verdict._tag) {
    case "Held":
    case "Lost": {
      const loss = lossOf(verdict)
      const change = loss >= 0 ? `${percent(loss)} less` : `${percent(loss)} more`
      const held = verdict._tag === "Held" ? "held" : "lost"
      if (first?._tag !== "Held" && first?._tag !== "Lost") return `${held}, ${change}`
      const firstChange = lossOf(first) >= 0 ? `${percent(lossOf(first))} less` : `${percent(lossOf(first))} more`
      return `${held}, ${change} in ${verdict.rounds} rounds (${firstChange} in the first ${first.rounds})`
    }
    case "Absent":
      return `absent, skipped: ${verdict.why}`
    case "New":
      return `new: results.json has no such ${verdict.what}`
    case "Gone":
      return "gone: results.json has it, the bench does not"
    case "Unclear":
      return "skipped: a ratio of nothing can't be compared"
  }
}

const beforeOf = (verdict: Verdict): string => ("before" in verdict ? times(verdict.before) : "")
const nowOf = (verdict: Verdict): string => ("now" in verdict ? times(verdict.now) : "")

const isSame = (a: Comparison) => (b: Comparison) => a.row === b.row && a.peer === b.peer

/** All of them as a table; `first` has those that were measured again as they were at first. */
export const comparisonTable = (all: ReadonlyArray<Comparison>, first: ReadonlyArray<Comparison>): string => {
  const lines = all.map((one) => {
    const again = first.find(isSame(one))
    return [one.row, one.peer, beforeOf(one.verdict), nowOf(one.verdict), wordsOf(one.verdict, again?.verdict)]
  })
  return table([["row", "peer", "ratio before", "ratio now", "verdict"], ...lines], [2, 3])
}

/** Those that have lost. */
export const lostOf = (all: ReadonlyArray<Comparison>): ReadonlyArray<Comparison> =>
  all.filter(({ verdict }) => verdict._tag === "Lost")

/** What came out, in a line; and where something was lost, what to do. */
export const summaryOf = (all: ReadonlyArray<Comparison>): string => {
  const count = (tag: Verdict["_tag"]) => all.filter(({ verdict }) => verdict._tag === tag).length
  const lost = lostOf(all)
  if (lost.length === 0) {
    const others = [
      [count("New"), "new"],
      [count("Absent"), "absent"],
      [count("Gone"), "gone"],
      [count("Unclear"), "skipped"]
    ] as const
    const rest = others.filter(([many]) => many > 0).map(([many, what]) => `, ${many} ${what}`)
    return `No ratio has lost more than ${percent(tolerance)}: ${count("Held")} held${rest.join("")}.`
  }
  const each = lost.map(({ peer, row, verdict }) =>
    verdict._tag === "Lost" ? `${row} against ${peer} by ${percent(lossOf(verdict))}` : ""
  )
  const names = [...new Set(lost.map(({ row }) => row.split(": ")[0]!))].join(" ")
  return [
    `Lost more than ${percent(tolerance)}: ${each.join(", ")}.`,
    `\`npm run bench -- ${names}\` looks closer; where the loss is wanted, commit the results.json that it writes, with the reason.`
  ].join(" ")
}
