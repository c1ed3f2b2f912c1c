/** What is made of runs: nothing here is timed. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { type Absent, type Arm, type Bench, isRowOf, measure, ratio, rowsOf, runsOf, summarize } from "./measure.ts"

/** An arm whose runs measure these values, one after the other, and prove as much work. */
const armOf = (name: string, values: ReadonlyArray<number>, done = 1, order: Array<string> = []): Arm => {
  let run = 0
  return {
    name,
    // So that it is run here, and not in a program of its own.
    startsPrograms: true,
    run: Effect.sync(() => {
      order.push(name)
      return { measured: { rate: values[run++]! }, proof: { done } }
    })
  }
}

const benchOf = (rounds: number, subject: Arm, peers: ReadonlyArray<Arm | Absent>): Bench => ({
  name: "bench",
  description: "a bench",
  metrics: [{ name: "rate", unit: "things/s", better: "higher" }],
  rounds,
  work: { done: 1 },
  subject,
  peers
})

describe("a summary", () => {
  it("has the value in the middle, or the mean of the two there", () => {
    assert.deepStrictEqual(summarize([9, 1, 4]), { median: 4, min: 1, max: 9 })
    assert.deepStrictEqual(summarize([100, 2, 4, 1]), { median: 3, min: 1, max: 100 })
    assert.deepStrictEqual(summarize([7]), { median: 7, min: 7, max: 7 })
  })

  it("sorts by value and not as text", () => {
    assert.deepStrictEqual(summarize([10, 9, 100]), { median: 10, min: 9, max: 100 })
  })
})

describe("a ratio", () => {
  const ours = summarize([20])
  const theirs = summarize([10])

  it("is above 1 where ours is better, be that more or less", () => {
    assert.strictEqual(ratio({ name: "rate", unit: "", better: "higher" }, ours, theirs), 2)
    assert.strictEqual(ratio({ name: "time", unit: "", better: "lower" }, ours, theirs), 0.5)
  })
})

describe("measuring", () => {
  it.effect("answers a row with the ratio to each peer that is there, and names who is absent", () =>
    Effect.gen(function* () {
      const peers = [armOf("peer", [5, 4, 6]), { name: "nobody", absent: "it is not installed" }]
      assert.deepStrictEqual(yield* measure(benchOf(3, armOf("ours", [10, 30, 20]), peers)), [
        {
          name: "bench",
          unit: "things/s",
          subject: "ours",
          median: 20,
          min: 10,
          max: 30,
          rounds: 3,
          peers: { peer: { median: 5, min: 4, max: 6 }, nobody: { absent: "it is not installed" } },
          ratio: { peer: 4 }
        }
      ])
    })
  )

  it.effect("runs all arms in turn, each first as often as any other", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const values = [1, 1, 1, 1]
      yield* runsOf(benchOf(4, armOf("ours", values, 1, order), [armOf("peer", values, 1, order)]))
      assert.deepStrictEqual(order, ["ours", "peer", "peer", "ours", "ours", "peer", "peer", "ours"])
    })
  )

  it.effect("takes an arm that did other work than it should for a defect, and says which", () =>
    Effect.gen(function* () {
      for (const wrong of [armOf("idle", [1], 0), { ...armOf("silent", [1]), run: silent }]) {
        const exit = yield* Effect.exit(measure(benchOf(1, armOf("ours", [1]), [wrong])))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        const said = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
        assert.match(said, new RegExp(`bench, ${wrong.name}: done is (0|undefined), not 1`))
      }
    })
  )

  const silent = Effect.succeed({ measured: { rate: 1 }, proof: {} })

  it("names the rows of several metrics, and knows whose they are", () => {
    const ours = armOf("ours", [])
    const metric = (name: string) => ({ name, unit: "", better: "lower" as const })
    const bench = { ...benchOf(1, ours, []), metrics: [metric("one"), metric("other")] }
    const rows = rowsOf(bench, new Map([[ours, [{ measured: { one: 1, other: 2 }, proof: {} }]]]))
    assert.deepStrictEqual(
      rows.map(({ median, name }) => [name, median]),
      [
        ["bench: one", 1],
        ["bench: other", 2]
      ]
    )
    assert.isTrue(rows.every(isRowOf(bench)))
    assert.isTrue(isRowOf({ name: "bench" })({ name: "bench" }))
    assert.isFalse(isRowOf({ name: "bench" })({ name: "bench-64" }))
  })
})
