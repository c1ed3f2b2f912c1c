/** Which instance takes the next invocation, as a function of those that could. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Balance, Memory } from "troupe/net"
import { countOf, instanceOf } from "./invoked.ts"

const candidate = (position: number, underway = 0): Balance.Candidate => ({
  instance: instanceOf(String(position), Memory.make()),
  position,
  underway
})

const candidates = (count: number): [Balance.Candidate, ...Array<Balance.Candidate>] => [
  candidate(0),
  ...Array.from({ length: count - 1 }, (_, at) => candidate(at + 1))
]

const Few = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
const Weights = Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))

const times = (count: number, choose: () => Balance.Candidate) =>
  Array.from({ length: count }, () => choose().instance.id.instance)

describe("Balance", () => {
  it.prop("K49 round robin: any n in a row go to each of n once", [Few, Few], ([count, rounds]) => {
    const choose = Balance.roundRobin()
    const all = candidates(count)
    times(rounds, () => choose(all))
    assert.strictEqual(new Set(times(count, () => choose(all))).size, count)
  })

  it.prop(
    "K49 round robin: those who are always candidates have the same share, whoever comes and goes",
    [Schema.Array(Schema.Array(Schema.Boolean))],
    ([rounds]) => {
      const choose = Balance.roundRobin()
      const [a, b] = [candidate(0), candidate(3)]
      const others = [candidate(1), candidate(2), candidate(4)]
      let [ofA, ofB, last] = [0, 0, ""]
      for (const present of rounds) {
        const all = [a, ...others.filter((_, at) => present[at] === true), b].toSorted(
          (x, y) => x.position - y.position
        )
        const chosen = choose(all as [Balance.Candidate, ...Array<Balance.Candidate>])
        assert.include(all, chosen)
        if (chosen === a) {
          assert.notStrictEqual(last, "a")
          ;[ofA, last] = [ofA + 1, "a"]
        } else if (chosen === b) {
          assert.notStrictEqual(last, "b")
          ;[ofB, last] = [ofB + 1, "b"]
        }
      }
      assert.isAtMost(Math.abs(ofA - ofB), 1)
    }
  )

  it.prop("K49 weighted: over the sum of the weights each has exactly its weight", [Weights], ([weights]) => {
    const choose = Balance.weighted(({ id }) => weights[Number(id.instance)] as number)()
    const all = candidates(weights.length)
    const sum = weights.reduce((left, right) => left + right)
    const counts = countOf(times(2 * sum, () => choose(all)))
    weights.forEach((weight, at) => assert.strictEqual(counts[at], 2 * weight))
  })

  it.prop("K49 weighted: any number of choices is within one round of the shares", [Weights, Few], ([weights, few]) => {
    const choose = Balance.weighted(({ id }) => (weights[Number(id.instance)] as number) / 7)()
    const all = candidates(weights.length)
    const sum = weights.reduce((left, right) => left + right)
    const count = few * 7
    const counts = countOf(times(count, () => choose(all)))
    weights.forEach((weight, at) =>
      assert.isAtMost(Math.abs((counts[at] ?? 0) - (count * weight) / sum), weights.length)
    )
  })

  it("K49 weighted: one without a weight gets none while there is another, and all when there is none", () => {
    const choose = Balance.weighted(({ id }) => [0, 2, Number.NaN, -1][Number(id.instance)] as number)()
    assert.deepStrictEqual(countOf(times(10, () => choose(candidates(4)))), { "1": 10 })
    assert.deepStrictEqual(
      times(2, () => choose([candidate(0), candidate(2)])),
      ["0", "0"]
    )
  })

  it.prop(
    "least outstanding: none has fewer, and those that have as few take turns",
    [Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })))],
    ([underway]) => {
      const choose = Balance.leastOutstanding()
      const all = underway.map((count, at) => candidate(at, count)) as unknown as Parameters<typeof choose>[0]
      const fewest = Math.min(...underway)
      const among = underway.flatMap((count, at) => (count === fewest ? [String(at)] : []))
      assert.deepStrictEqual(new Set(times(among.length, () => choose(all))), new Set(among))
    }
  )
})
