import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Few } from "../../src/scheduler/internal/Few.ts"

const Value = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))
const Step = Schema.Struct({ op: Schema.Literals(["add", "delete"]), value: Value })

describe("Few", () => {
  it.prop("has the members that a set has", [Schema.Array(Step)], ([steps]) => {
    const few = new Few<number>()
    const model = new Set<number>()
    for (const { op, value } of steps) {
      few[op](value)
      model[op](value)
      assert.strictEqual(few.size, model.size)
      assert.deepStrictEqual([...few].toSorted(), [...model].toSorted())
    }
  })

  it("has those too who come meanwhile", () => {
    const few = new Few<string>()
    few.add("a")
    const seen: Array<string> = []
    for (const name of few) {
      seen.push(name)
      if (name === "a") few.add("b")
      if (name === "b") few.add("c")
    }
    assert.deepStrictEqual(seen, ["a", "b", "c"])
  })

  it("has them in the order in which they came, without those who are deleted meanwhile", () => {
    const few = new Few<string>()
    for (const name of ["a", "b", "c", "d"]) few.add(name)
    few.delete("a")
    few.add("e")
    const seen: Array<string> = []
    for (const name of few) {
      seen.push(name)
      if (name === "c") few.delete("d")
    }
    assert.deepStrictEqual(seen, ["b", "c", "e"])
  })
})
