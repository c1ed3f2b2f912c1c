import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Heap } from "../../src/scheduler/internal/Heap.ts"

const of = (values: ReadonlyArray<number>): Heap<number> => {
  const heap = new Heap<number>((left, right) => left < right)
  for (const value of values) heap.push(value)
  return heap
}

const drain = (heap: Heap<number>): Array<number> => {
  const values: Array<number> = []
  while (heap.length > 0) values.push(heap.shift() as number)
  return values
}

const sorted = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)

describe("a heap", () => {
  it.prop("gives what was pushed in order", [Schema.Array(Schema.Int)], ([values]) => {
    assert.deepStrictEqual(drain(of(values)), sorted(values))
  })

  it.prop("keeps what it is told to, and its order", [Schema.Array(Schema.Int)], ([values]) => {
    const heap = of(values)
    heap.retain((value) => value % 2 === 0)
    assert.strictEqual(
      heap.first,
      sorted(values).find((value) => value % 2 === 0)
    )
    assert.deepStrictEqual(drain(heap), sorted(values.filter((value) => value % 2 === 0)))
  })

  it.prop("goes on in order when values are taken and pushed in turn", [Schema.Array(Schema.Int)], ([values]) => {
    const heap = of([])
    const model: Array<number> = []
    for (const value of values) {
      heap.push(value)
      model.push(value)
      if (value % 3 !== 0) continue
      model.sort((a, b) => a - b)
      assert.strictEqual(heap.shift(), model.shift())
    }
    assert.deepStrictEqual(drain(heap), sorted(model))
  })

  it("that is empty has nothing", () => {
    assert.deepStrictEqual([of([]).first, of([]).shift()], [undefined, undefined])
  })
})
