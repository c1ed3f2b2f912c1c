/** The verdicts of the gate on figures that are made up. */
import { assert, describe, it } from "@effect/vitest"
import { afterAnother, compare, comparisonTable, gone, lossOf, lostOf, summaryOf, wordsOf } from "./comparison.ts"
import type { Row } from "./measure.ts"
import type { Result } from "./results.ts"

const summary = { median: 1, min: 1, max: 1 }

const rowOf = (name: string, ratio: Record<string, number>, absent: Record<string, string> = {}): Row => ({
  name,
  unit: "things/s",
  subject: "troupe",
  ...summary,
  rounds: 3,
  peers: {
    ...Object.fromEntries(Object.keys(ratio).map((peer) => [peer, summary])),
    ...Object.fromEntries(Object.entries(absent).map(([peer, why]) => [peer, { absent: why }]))
  },
  ratio
})

const verdictsOf = (committed: ReadonlyArray<Result>, rows: ReadonlyArray<Row>) =>
  compare(committed, rows).map(({ peer, row, verdict }) => [row, peer, verdict._tag])

describe("a comparison", () => {
  it("tolerates a quarter and no more, whatever the figures behind the ratio", () => {
    const before = [rowOf("call", { a: 2, b: 2, c: 2, d: 0.4 })]
    const now = { ...rowOf("call", { a: 1.5, b: 1.49, c: 8, d: 0.29 }), median: 0.001 }
    assert.deepStrictEqual(verdictsOf(before, [now]), [
      ["call", "a", "Held"],
      ["call", "b", "Lost"],
      ["call", "c", "Held"],
      ["call", "d", "Lost"]
    ])
    assert.closeTo(lossOf({ before: 2, now: 1.49 }), 0.255, 1e-9)
    assert.strictEqual(lossOf({ before: 2, now: 3 }), -0.5)
  })

  it("skips peers that are absent now, also where they were there", () => {
    const now = rowOf("call", { nact: 2 }, { Erlang: "there is no erlc" })
    const all = compare([rowOf("call", { nact: 2, Erlang: 9 })], [now])
    assert.deepStrictEqual(all[1]?.verdict, { _tag: "Absent", why: "there is no erlc" })
    assert.strictEqual(wordsOf(all[1]!.verdict), "absent, skipped: there is no erlc")
    assert.deepStrictEqual(lostOf(all), [])
  })

  it("names rows and peers that were never committed as new; peers that were absent then, too", () => {
    const before = [rowOf("call", { nact: 2 }, { Erlang: "there was no erlc" })]
    const all = compare(before, [rowOf("call", { nact: 2, Erlang: 0.1, other: 0.1 }), rowOf("skynet", { nact: 0.1 })])
    assert.deepStrictEqual(
      all.map(({ verdict }) => wordsOf(verdict)),
      [
        "held, 0 % less",
        "new: results.json has no such peer",
        "new: results.json has no such peer",
        "new: results.json has no such row"
      ]
    )
  })

  it("can't compare a ratio of nothing", () => {
    const before = [{ ...rowOf("memory", {}), ratio: { a: 0, b: null, c: 1, d: 1 } }]
    const now = rowOf("memory", { a: 1, b: 1, c: Number.NaN, d: Number.POSITIVE_INFINITY })
    assert.deepStrictEqual(
      compare(before, [now]).map(({ verdict }) => verdict._tag),
      ["Unclear", "Unclear", "Unclear", "Unclear"]
    )
  })

  it("names what was committed and is not measured any more", () => {
    const before = [rowOf("call: one", { nact: 2, other: 3 }), rowOf("call: two", { nact: 2 })]
    const all = gone(before, [rowOf("call: one", { nact: 2 }, { other: "it is gone" })])
    assert.deepStrictEqual(all, [{ row: "call: two", peer: "nact", verdict: { _tag: "Gone", before: 2 } }])
    assert.deepStrictEqual(
      gone(before, [rowOf("call: one", { nact: 2 }), rowOf("call: two", { nact: 2 })]).map(({ peer }) => peer),
      ["other"]
    )
  })
})

describe("another measurement", () => {
  const committed = [rowOf("call", { lost: 2, held: 2, better: 2, absent: 2 })]
  const first = compare(committed, [rowOf("call", { lost: 1, held: 2, better: 1, absent: 1 })])

  it("clears what has held in it, and leaves lost what has lost again", () => {
    const all = afterAnother(first, compare(committed, [rowOf("call", { lost: 1.4, better: 1.5 })]))
    assert.deepStrictEqual(
      lostOf(all).map(({ peer }) => peer),
      ["lost", "absent"]
    )
    assert.deepStrictEqual(all[0]?.verdict, { _tag: "Lost", before: 2, now: 1.4, measured: [1, 1.4] })
    assert.deepStrictEqual(all[2]?.verdict, { _tag: "Held", before: 2, now: 1.5, measured: [1, 1.5] })
  })

  it("can't turn what has held into a loss", () => {
    const all = afterAnother(first, compare(committed, [rowOf("call", { lost: 2, held: 0.1, better: 2, absent: 2 })]))
    assert.deepStrictEqual(all[1], first[1])
    assert.deepStrictEqual(lostOf(all), [])
  })

  it("counts only if it measured something", () => {
    const nothing = rowOf("call", { lost: Number.NaN }, { absent: "there is none" })
    assert.deepStrictEqual(afterAnother(first, compare(committed, [nothing])), first)
  })
})

describe("what the gate says", () => {
  const before = [rowOf("call", { nact: 2 }), rowOf("yield: id", { Deferred: 4 })]
  const first = compare(before, [rowOf("call", { nact: 1 }), rowOf("yield: id", { Deferred: 1 })])

  it("has a line for each ratio, with all measurements where there are several", () => {
    const again = compare(before, [rowOf("call", { nact: 1.9 }), rowOf("yield: id", { Deferred: 1.2 })])
    const all = [...afterAnother(first, again), ...compare(before, [rowOf("new", { nact: 1 })])]
    assert.deepStrictEqual(comparisonTable(all).split("\n"), [
      "row        peer      ratio before  ratio now  verdict",
      "call       nact               2 ×      1.9 ×  held, 5 % less at best of 2 measurements (50 % less, 5 % less)",
      "yield: id  Deferred           4 ×      1.2 ×  lost, 70 % less at best of 2 measurements (75 % less, 70 % less)",
      "new        nact                          1 ×  new: results.json has no such row"
    ])
  })

  it("says of a loss how often it was measured", () => {
    const all = afterAnother(afterAnother(first, first), first)
    assert.match(
      summaryOf(all),
      /^Lost more than 25 % in each of 3 measurements: call against nact by 50 %, yield: id /
    )
  })

  it("ends with who has lost how much, and what to do", () => {
    assert.strictEqual(
      summaryOf(first),
      "Lost more than 25 %: call against nact by 50 %, yield: id against Deferred by 75 %. " +
        "`npm run bench -- call yield` looks closer; " +
        "where the loss is wanted, commit the results.json that it writes, with the reason."
    )
  })

  it("counts what held, and what was not compared", () => {
    const rows = [rowOf("call", { nact: 5, other: 1 }, { Erlang: "there is no erlc" }), rowOf("skynet", { nact: 1 })]
    assert.strictEqual(summaryOf(compare(before, rows)), "No ratio has lost more than 25 %: 1 held, 2 new, 1 absent.")
    assert.strictEqual(wordsOf(compare(before, rows)[0]!.verdict), "held, 150 % more")
  })
})
