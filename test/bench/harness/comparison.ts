/** Compares the ratios of rows with those that were committed: whatever the machine, both sides of a ratio had the same. */
import type { Row } from "./measure.ts"
import type { Result } from "./results.ts"
import { number, table } from "./table.ts"

/** How much of a ratio may be lost. */
export const tolerance = 0.25

/** A ratio that was measured: before, and once or more now, each time by itself. */
interface Judged<Tag extends string> {
  readonly _tag: Tag
  readonly before: number
  /** The best one. */
  readonly now: number
  /** All of them, in the order in which they were measured. */
  readonly measured: ReadonlyArray<number>
}

/** What has become of a ratio. */
export type Verdict =
  /** It is at least as good as it was, but for what is tolerated, in one measurement at least. */
  | Judged<"Held">
  /** It has lost more, in each of them. */
  | Judged<"Lost">
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
  return judged(before, [now])
}

const judged = (before: number, measured: ReadonlyArray<number>): Verdict => {
  const now = Math.max(...measured)
  return { _tag: lossOf({ before, now }) > tolerance ? "Lost" : "Held", before, now, measured }
}

/** Each ratio of rows beside the committed one. */
export const compare = (committed: ReadonlyArray<Result>, rows: ReadonlyArray<Row>): ReadonlyArray<Comparison> =>
  rows.flatMap((row) => {
    const known = committed.find(({ name }) => name === row.name)
    return Object.keys(row.peers).map((peer) => ({ row: row.name, peer, verdict: judge(row, peer, known) }))
  })

/**
 * What is known once some of the ratios were measured again. A ratio that held has held, whatever comes later; one that
 * has lost goes on to be lost only if it has lost again: nothing is pooled, since a median of all rounds keeps what
 * disturbed some of them.
 */
export const afterAnother = (
  known: ReadonlyArray<Comparison>,
  again: ReadonlyArray<Comparison>
): ReadonlyArray<Comparison> =>
  known.map((one) => {
    const other = again.find(isSame(one))?.verdict
    return one.verdict._tag === "Lost" && (other?._tag === "Held" || other?._tag === "Lost")
      ? { ...one, verdict: judged(one.verdict.before, [...one.verdict.measured, ...other.measured]) }
      : one
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

const changeOf = (ratios: { readonly before: number; readonly now: number }): string =>
  `${percent(lossOf(ratios))} ${lossOf(ratios) >= 0 ? "less" : "more"}`

/** A verdict in words; with all measurements, where it was measured again. */
export const wordsOf = (verdict: Verdict): string => {
  switch (verdict._tag) {
    case "Held":
    case "Lost": {
      const { before, measured } = verdict
      const held = verdict._tag === "Held" ? "held" : "lost"
      const best = `${held}, ${changeOf(verdict)}`
      if (measured.length === 1) return best
      const each = measured.map((now) => changeOf({ before, now })).join(", ")
      return `${best} at best of ${measured.length} measurements (${each})`
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

/** All of them as a table. */
export const comparisonTable = (all: ReadonlyArray<Comparison>): string => {
  const lines = all.map(({ peer, row, verdict }) => [row, peer, beforeOf(verdict), nowOf(verdict), wordsOf(verdict)])
  return table([["row", "peer", "ratio before", "ratio now", "verdict"], ...lines], [2, 3])
}

/** Those that have lost. */
export const lostOf = (all: ReadonlyArray<Comparison>): ReadonlyArray<Comparison> =>
  all.filter(({ verdict }) => verdict._tag === "Lost")

// All of them were measured as often.
const inEach = ([first]: ReadonlyArray<Comparison>): string =>
  first?.verdict._tag === "Lost" && first.verdict.measured.length > 1
    ? ` in each of ${first.verdict.measured.length} measurements`
    : ""

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
    `Lost more than ${percent(tolerance)}${inEach(lost)}: ${each.join(", ")}.`,
    `\`npm run bench -- ${names}\` looks closer; where the loss is wanted, commit the results.json that it writes, with the reason.`
  ].join(" ")
}
