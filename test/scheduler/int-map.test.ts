/** A map of whole numbers answers as the engine's own does, and keeps nothing that was deleted. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { IntMap } from "../../src/scheduler/internal/IntMap.ts"

// Few keys, so that they meet; some that share a place in every small table, and some beyond 32 bits.
const keys = [0, 1, 2, 3, 4, 5, 6, 7, 4096, 4097, 8192, 12_288, 2 ** 31, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]

const Operation = Schema.Struct({
  do: Schema.Literals(["set", "set", "set", "get", "delete", "delete", "clear"]),
  key: Schema.Literals(keys)
})

describe("IntMap", () => {
  it.prop(
    "is a map",
    [Schema.Array(Operation).check(Schema.isMinLength(20))],
    ([operations]) => {
      const [map, model] = [new IntMap<number>(), new Map<number, number>()]
      for (const [value, { do: what, key }] of operations.entries()) {
        if (what === "set") {
          map.set(key, value)
          model.set(key, value)
        } else if (what === "delete") assert.strictEqual(map.delete(key), model.delete(key))
        else if (what === "clear") {
          map.clear()
          model.clear()
        }
        assert.strictEqual(map.get(key), model.get(key))
        assert.strictEqual(map.has(key), model.has(key))
        assert.strictEqual(map.size, model.size)
      }
      const sorted = [...model].toSorted(([left], [right]) => left - right)
      assert.deepStrictEqual([...map], sorted)
      assert.deepStrictEqual(
        [...map.values()],
        sorted.map(([, value]) => value)
      )
    },
    { arbitrary: { runs: 1000 } }
  )

  it("what is deleted while it is gone through does not come, and what is added does not either", () => {
    const map = new IntMap<string>()
    for (const key of [3, 1, 2]) map.set(key, `${key}`)
    const seen: Array<string> = []
    for (const [key, value] of map) {
      seen.push(value)
      map.delete(2)
      map.set(key + 10, "later")
    }
    assert.deepStrictEqual(seen, ["1", "3"])
  })

  it("no value that was deleted is kept, and no large table when it has run empty", async () => {
    const map = new IntMap<object>()
    const gone: Array<WeakRef<object>> = []
    const add = (key: number): void => {
      const value = { key }
      gone.push(new WeakRef(value))
      map.set(key, value)
    }
    for (let key = 0; key < 20_000; key++) add(key)
    for (let key = 0; key < 20_000; key++) map.delete(key)
    for (let key = 0; key < 8; key++) add(key)
    for (let key = 0; key < 7; key++) map.delete(key)
    // A reference that was read is held until the present task has ended.
    await new Promise((resolve) => setTimeout(resolve))
    globalThis.gc!()
    assert.strictEqual(gone.filter((reference) => reference.deref() !== undefined).length, 1)
    assert.deepStrictEqual([...map.values()], [{ key: 7 }])
  })
})
