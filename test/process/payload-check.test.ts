import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid } from "troupe"
import { topicsOf } from "../../src/process/internal/definition.ts"

const parsed = Effect.runSync(Pid.parse("{host|0x00001}"))

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
  struct: Schema.Struct({ a: Schema.Int }),
  "struct of structs": Schema.Struct({ a: Schema.Struct({ b: Schema.String }), c: Schema.Array(Schema.Int) }),
  "struct with what may be absent": Schema.Struct({
    a: Schema.optional(Schema.Int),
    b: Schema.optionalKey(Schema.String)
  }),
  "struct with what may be undefined": Schema.Struct({ a: Schema.UndefinedOr(Schema.Int) }),
  "struct with a check": Schema.Struct({ a: Schema.Int, b: Schema.Int }).check(Schema.makeFilter(({ a, b }) => a < b)),
  "struct with two checks": Schema.Struct({ a: Schema.Int }).check(
    Schema.makeFilter(({ a }) => a > 0),
    Schema.makeFilter(({ a }) => a < 2)
  ),
  "struct with a default": Schema.Struct({ a: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1))) }),
  "struct with a pid": Schema.Struct({ pid: Pid.schema, date: Schema.Date }),
  "empty struct": Schema.Struct({}),
  record: Schema.Record(Schema.String, Schema.Int),
  "struct with more": Schema.StructWithRest(Schema.Struct({ a: Schema.Int }), [
    Schema.Record(Schema.String, Schema.Unknown)
  ]),
  class: class extends Schema.Class<{ readonly a: number }>("A")({ a: Schema.Int }) {}
}

const numbers = [0, -1, 1.5, 2 ** 60, Number.NaN, Infinity]
const texts = ["", "a", "abc", "abcde", "1"]
const inherited: unknown = Object.create({ a: 1 })
const objects = [
  {},
  { a: 1 },
  { a: 3 },
  { a: "1" },
  { a: undefined },
  { a: 1, b: "b" },
  { a: 1, b: 2 },
  { a: 2, b: 1 },
  { a: 1, more: true },
  { a: { b: "b" }, c: [1, 2] },
  { a: { b: 1 }, c: [1, 2] },
  { a: { b: "b" }, c: [1, "2"] },
  { pid: parsed, date: new Date(0) },
  { pid: String(parsed), date: new Date(0) },
  inherited
]
const others = [true, undefined, null, 1n, Symbol("a"), ...objects, [], () => 1]

it("plain payloads, which are checked without a parser, fit when their schema says so", () => {
  for (const [name, schema] of Object.entries(payloads)) {
    const accepts = topicsOf([Rpc.make("topic", { payload: schema })]).get("topic")?.accepts
    for (const value of [...numbers, ...texts, ...others]) {
      assert.strictEqual(accepts?.(value), Schema.is(schema)(value), `${name}: ${String(value)}`)
    }
  }
})
