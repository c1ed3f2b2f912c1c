/** The list of benchmarks, and the choice of the gate's short form. */
import { assert, describe, it } from "@effect/vitest"
import { benches, inShort } from "./benches.ts"
import { leftOut, shortened, slow, unsteady } from "./harness/short.ts"
import { themes } from "./themes.ts"

const short = benches.filter(({ name }) => inShort.includes(name))

describe("benchmarks", () => {
  it("have names of their own", () => {
    const names = benches.map(({ name }) => name)
    assert.deepStrictEqual([...new Set(names)], names)
  })

  it("are shown in the order of their themes", () => {
    assert.deepStrictEqual(
      benches.map(({ name }) => name),
      themes.flatMap((theme) => Object.keys(theme.benches))
    )
  })

  it("have arms with names of their own", () => {
    for (const { name, peers, subject } of benches) {
      const arms = [subject, ...peers].map((arm) => arm.name)
      assert.deepStrictEqual([...new Set(arms)], arms, name)
    }
  })
})

describe("the short form", () => {
  it("has an odd number of rounds, of which two may be disturbed", () => {
    for (const { rounds } of short.map(shortened)) {
      assert.strictEqual(rounds % 2, 1)
      assert.isAtLeast(rounds, 5)
    }
  })

  it("leaves out peers that there are, those whose figures are unsteady among them", () => {
    const kept = short.flatMap((bench) => shortened(bench).peers.map(({ name }) => name))
    assert.notInclude(kept, "a direct call")
    for (const name of [...unsteady, ...slow]) assert.include(short.flatMap(leftOut), name)
  })

  it("is made of benches that there are", () => {
    assert.deepStrictEqual(short.map(({ name }) => name).toSorted(), inShort.toSorted())
  })

  it("starts no programs but those of its arms, and has a peer for each bench", () => {
    for (const bench of short) {
      const { peers, subject } = shortened(bench)
      assert.isAbove(peers.length, 0, bench.name)
      assert.isTrue(
        [subject, ...peers].every((arm) => "run" in arm && arm.startsPrograms !== true),
        bench.name
      )
      assert.deepStrictEqual(
        [...peers.map(({ name }) => name), ...leftOut(bench)].toSorted(),
        bench.peers.map(({ name }) => name).toSorted()
      )
    }
  })
})
