/** How often the gate measures what seems to have lost: on arms that are made up. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { measuredAgain } from "./again.ts"
import { compare, lostOf } from "./comparison.ts"
import { type Arm, type Bench, measure } from "./measure.ts"
import type { Result } from "./results.ts"

/** A bench whose arms measure these values, one after the other; a run more is a defect, since it measures nothing. */
const benchOf = (ours: ReadonlyArray<number>, theirs: Readonly<Record<string, ReadonlyArray<number>>>) => {
  const runs: Array<string> = []
  const armOf = (name: string, values: ReadonlyArray<number>): Arm => {
    const left = [...values]
    return {
      name,
      startsPrograms: true,
      run: Effect.sync(() => {
        runs.push(name)
        return { measured: { rate: left.shift() ?? Number.NaN }, proof: {} }
      })
    }
  }
  const bench: Bench = {
    name: "bench",
    description: "a bench",
    metrics: [{ name: "rate", unit: "things/s", better: "higher" }],
    rounds: 1,
    work: {},
    subject: armOf("ours", ours),
    peers: Object.entries(theirs).map(([name, values]) => armOf(name, values))
  }
  return { bench, runs }
}

const summary = { median: 1, min: 1, max: 1 }

/** What is committed: each ratio is 1. */
const committedOf = (peers: ReadonlyArray<string>): ReadonlyArray<Result> => [
  {
    name: "bench",
    unit: "things/s",
    subject: "ours",
    ...summary,
    rounds: 1,
    peers: Object.fromEntries(peers.map((peer) => [peer, summary])),
    ratio: Object.fromEntries(peers.map((peer) => [peer, 1]))
  }
]

const judge = Effect.fnUntraced(function* (
  ours: ReadonlyArray<number>,
  theirs: Readonly<Record<string, ReadonlyArray<number>>>
) {
  const { bench, runs } = benchOf(ours, theirs)
  const committed = committedOf(Object.keys(theirs))
  const first = compare(committed, yield* measure(bench))
  const all = yield* measuredAgain(committed, bench, first)
  return { runs, lost: lostOf(all).map(({ peer }) => peer), all }
})

describe("what seems to have lost", () => {
  it.effect("is not measured again where nothing has", () =>
    Effect.gen(function* () {
      const { lost, runs } = yield* judge([0.75], { peer: [1] })
      assert.deepStrictEqual(lost, [])
      assert.deepStrictEqual(runs, ["ours", "peer"])
    })
  )

  it.effect("has held if it does in one of the measurements, the last one of four at the latest", () =>
    Effect.gen(function* () {
      for (const ours of [
        [0.1, 0.9],
        [0.1, 0.1, 0.1, 0.75]
      ]) {
        const { all, lost, runs } = yield* judge(ours, { peer: ours.map(() => 1) })
        assert.deepStrictEqual(lost, [])
        assert.strictEqual(runs.length, 2 * ours.length)
        assert.deepInclude(all[0]?.verdict, { _tag: "Held", measured: ours })
      }
    })
  )

  it.effect("has lost if it does in each of four", () =>
    Effect.gen(function* () {
      const { all, lost, runs } = yield* judge([0.7, 0.74, 0.5, 0.6, 2], { peer: [1, 1, 1, 1, 1] })
      assert.deepStrictEqual(lost, ["peer"])
      assert.strictEqual(runs.length, 8)
      assert.deepInclude(all[0]?.verdict, { _tag: "Lost", now: 0.74, measured: [0.7, 0.74, 0.5, 0.6] })
    })
  )

  it.effect("is measured beside those peers only against which it has", () =>
    Effect.gen(function* () {
      const { lost, runs } = yield* judge([0.5, 0.5, 0.5, 0.5], { slow: [0.5], fast: [1, 0.5], steady: [1, 1, 1, 1] })
      assert.deepStrictEqual(lost, ["steady"])
      const count = (name: string) => runs.filter((one) => one === name).length
      assert.deepStrictEqual([count("ours"), count("slow"), count("fast"), count("steady")], [4, 1, 2, 4])
    })
  )
})
