import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { topicsOf } from "../../src/process/internal/definition.ts"

const payloads: Readonly<Record<string, Schema.Top>> = {
  string: Schema.String,
  "string that is not empty": Schema.NonEmptyString,
  "string with two checks": Schema.String.check(Schema.isMinLength(2), Schema.isMaxLength(4)),
  number: Schema.Number,
  "finite number": Schema.Finite,
  integer: Schema.Int,
  "integer with a brand": Schema.Int.pipe(Schema.brand("Count")),
  "number in text": Schema.NumberFromString,
  boolean: Schema.Boolean,
  bigint: Schema.BigInt,
  void: Schema.Void,
  undefined: Schema.Undefined,
  struct: Schema.Struct({ a: Schema.Int })
}

const numbers = [0, -1, 1.5, 2 ** 60, Number.NaN, Infinity]
const texts = ["", "a", "abc", "abcde", "1"]
const others = [true, undefined, null, 1n, Symbol("a"), {}, { a: 1 }, { a: "1" }, [], () => 1]

it("plain payloads, which are checked without a parser, fit when their schema says so", () => {
  for (const [name, schema] of Object.entries(payloads)) {
    const accepts = topicsOf([Rpc.make("topic", { payload: schema })]).get("topic")?.accepts
    for (const value of [...numbers, ...texts, ...others]) {
      assert.strictEqual(accepts?.(value), Schema.is(schema)(value), `${name}: ${String(value)}`)
    }
  }
})
