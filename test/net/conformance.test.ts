import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { ConnectionConformance, TransportConformance } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import { type Fault, faults, make, underway } from "./planted.ts"

const subject = (fault?: Fault): TransportConformance.Subject => {
  // One address for all that a case asks of it, and another for the next case.
  let made = make(fault)
  return {
    make: Effect.sync(() => (made = make(fault)).transport),
    lose: (wire) => made.lose(wire),
    withMaxFrame: (transport, limit) => made.withMaxFrame(transport, limit),
    underway,
    patience: "5 seconds"
  }
}

describe("a transport that keeps everything", () => {
  it.conforms("planted", subject())
})

describe("a transport that breaks one guarantee", () => {
  for (const [fault, words] of Object.entries(faults)) {
    it.live(`${fault}: the case names it`, () =>
      Effect.gen(function* () {
        const named = TransportConformance.cases.filter(({ name }) => name.includes(words))
        assert.lengthOf(named, 1)
        const one = named[0]!
        const error = yield* Effect.flip(Effect.scoped(one.run({ ...subject(fault as Fault), patience: "400 millis" })))
        assert.instanceOf(error, TransportConformance.NotKept)
        assert.strictEqual(error.guarantee, one.name)
        assert.isTrue(error.message.startsWith(`It is promised that ${one.name}. But `), error.message)
      })
    )
  }

  it("each case is failed by one of them", () => {
    const words = Object.values(faults)
    const never = TransportConformance.cases.filter(({ name }) => !words.some((word) => name.includes(word)))
    assert.deepStrictEqual(never, [])
  })
})

describe("a subject that can do less", () => {
  it("is not asked for what it can't do", () => {
    const { lose: _, ...less } = subject()
    const skipped = TransportConformance.cases.filter((one) => !TransportConformance.applies(one, less))
    assert.deepStrictEqual([...new Set(skipped.map(({ needs }) => needs))], ["lose"])
  })
})

describe("the suite", () => {
  it("has each case that every transport is to be proved by", () => {
    const promised = [
      "I1",
      "I2",
      "I3",
      "I5",
      "I10",
      "I12",
      "I13",
      "I14",
      "I20",
      "K1",
      "K2",
      "K3",
      "K4",
      "K5",
      "K6",
      "K7",
      "K8",
      "K9",
      "K10",
      "K11",
      "K12",
      "K13",
      "K14",
      "K15",
      "K16",
      "K17",
      "K18",
      "K19",
      "K21",
      "K22",
      "K23",
      "K24",
      "K30",
      "K31",
      "K32",
      "K33",
      "K34",
      "K35",
      "K36",
      "K38",
      "K39",
      "K40",
      "K43",
      "K44",
      "K45",
      "K46",
      "K47",
      "K48"
    ]
    const had = new Set(
      [...TransportConformance.cases, ...ConnectionConformance.cases].flatMap(({ id = "" }) => id.split(" "))
    )
    assert.deepStrictEqual(
      promised.filter((id) => !had.has(id)),
      []
    )
  })
})
