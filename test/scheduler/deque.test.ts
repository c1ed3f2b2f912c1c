import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Deque } from "../../src/scheduler/internal/Deque.ts"

describe("Deque", () => {
  // Few, so that a value is found that is to be removed.
  const Value = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))
  const Step = Schema.Union([
    Schema.Struct({ op: Schema.Literal("push"), value: Value }),
    Schema.Struct({ op: Schema.Literal("shift") }),
    Schema.Struct({ op: Schema.Literal("pop") }),
    Schema.Struct({
      op: Schema.Literal("removeAt"),
      index: Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 8 }))
    }),
    Schema.Struct({ op: Schema.Literal("remove"), value: Value }),
    Schema.Struct({ op: Schema.Literal("drain") })
  ])

  it.effect.prop("behaves as an array does", [Schema.Array(Step)], ([steps]) =>
    Effect.sync(() => {
      const deque = new Deque<number>()
      const model: Array<number> = []
      for (const step of steps) {
        switch (step.op) {
          case "push":
            deque.push(step.value)
            model.push(step.value)
            break
          case "shift":
            assert.strictEqual(deque.shift(), model.shift())
            break
          case "pop":
            assert.strictEqual(deque.pop(), model.pop())
            break
          case "removeAt":
            assert.strictEqual(deque.removeAt(step.index), step.index < 0 ? undefined : model.splice(step.index, 1)[0])
            break
          case "remove": {
            const index = model.indexOf(step.value)
            assert.strictEqual(deque.remove(step.value), index >= 0)
            if (index >= 0) model.splice(index, 1)
            break
          }
          case "drain":
            assert.deepStrictEqual(deque.drain(), model.splice(0))
        }
        assert.strictEqual(deque.length, model.length)
        assert.deepStrictEqual(
          Array.from(model, (_, i) => deque.at(i)),
          model
        )
      }
    })
  )

  it.effect("holds a burst and is empty after it", () =>
    Effect.sync(() => {
      const deque = new Deque<number>()
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 5000; i++) deque.push(i)
        for (let i = 0; i < 5000; i++) assert.strictEqual(deque.shift(), i)
        assert.isUndefined(deque.shift())
      }
    })
  )
})
