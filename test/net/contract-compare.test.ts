/** Comparing contracts: who can do with which version, and what changed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Contract, Protocol } from "../../src/net/index.ts"
import { contractOf, edited, Edits, examples, reads, schemaOf, Shape, taking } from "./contracts.ts"

const between = Effect.fnUntraced(function* (before: Protocol.Any, after: Protocol.Any) {
  return Contract.compare(yield* contractOf(before), yield* contractOf(after, "2.0.0"))
})

const linesOf = ({ changes }: Contract.Comparison) => changes.map(String)

const Name = Schema.Struct({ name: Schema.String })
const NameAge = Schema.Struct({ name: Schema.String, age: Schema.Int })
const NameMaybeAge = Schema.Struct({ name: Schema.String, age: Schema.optionalKey(Schema.Int) })

class Missing extends Schema.TaggedError<Missing>()("Missing", { id: Schema.String }) {}
class Denied extends Schema.TaggedError<Denied>()("Denied", {}) {}

interface Tree {
  readonly value: number | string
  readonly kids: ReadonlyArray<Tree>
}

const treeOf = (value: Schema.Codec<number> | Schema.Codec<string> | Schema.Codec<number | string>) => {
  const Tree: Schema.Codec<Tree> = Schema.Struct({
    value: value as Schema.Codec<number | string>,
    kids: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
  })
  return Tree
}

/** One edit of a schema, and what it is for whoever writes values of the old and reads them as the new, and the reverse. */
const edits = [
  ["a field that is asked for", Name, NameAge, false, true, ".age: the field was added, and is required"],
  ["a field that may be left out", Name, NameMaybeAge, true, true, ".age: the field was added, and may be left out"],
  ["a field less", NameAge, Name, true, false, ".age: the field was removed, and was required"],
  ["a field may be left out", NameAge, NameMaybeAge, true, false, ".age: the field may be left out now"],
  [
    "a type is wider",
    Schema.Int,
    Schema.Finite,
    true,
    false,
    ": the type was widened from Number (isInt) to Number (isFinite)"
  ],
  ["another type", Schema.Int, Schema.String, false, false, ": the type changed from Number (isInt) to String"],
  ["a member more", Schema.Literals(["a", "b"]), Schema.Literals(["a", "b", "c"]), true, false, ': "c" was added'],
  [
    "a literal is any text",
    Schema.Literal("a"),
    Schema.String,
    true,
    false,
    ': the type was widened from "a" to String'
  ],
  ["null", Schema.String, Schema.NullOr(Schema.String), true, false, ": Null was added"],
  [
    "inside of an array",
    Schema.Array(Name),
    Schema.Array(NameAge),
    false,
    true,
    "[].age: the field was added, and is required"
  ],
  [
    "inside of a record",
    Schema.Record(Schema.String, Schema.Int),
    Schema.Record(Schema.String, Schema.Finite),
    true,
    false,
    "{}: the type was widened from Number (isInt) to Number (isFinite)"
  ],
  [
    "inside of an option",
    Schema.Option(Schema.Int),
    Schema.Option(Schema.Finite),
    true,
    false,
    "<>: the type was widened from Number (isInt) to Number (isFinite)"
  ],
  [
    "inside of a tuple",
    Schema.Tuple([Schema.String, Schema.Int]),
    Schema.Tuple([Schema.String, Schema.Finite]),
    true,
    false,
    "[1]: the type was widened from Number (isInt) to Number (isFinite)"
  ],
  [
    "inside of a member",
    Schema.Union([Schema.TaggedStruct("A", { x: Schema.Int }), Schema.TaggedStruct("B", {})]),
    Schema.Union([Schema.TaggedStruct("B", {}), Schema.TaggedStruct("A", { x: Schema.Finite })]),
    true,
    false,
    "|A.x: the type was widened from Number (isInt) to Number (isFinite)"
  ],
  [
    "a lower bound",
    Schema.String.check(Schema.isMinLength(3)),
    Schema.String.check(Schema.isMinLength(2)),
    true,
    false,
    ': the type was widened from String (isMinLength {"minLength":3}) to String (isMinLength {"minLength":2})'
  ],
  [
    "bounds said otherwise",
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
    Schema.Int.check(Schema.isGreaterThan(0)),
    true,
    false,
    ': the type was widened from Number (isInt, isBetween {"maximum":9,"minimum":1}) to Number (isInt, isGreaterThan {"exclusiveMinimum":0})'
  ],
  [
    "another pattern",
    Schema.String.check(Schema.isPattern(/^a/)),
    Schema.String.check(Schema.isPattern(/^b/)),
    false,
    false,
    ': the type changed from String (isPattern {"flags":"","source":"^a"}) to String (isPattern {"flags":"","source":"^b"})'
  ],
  [
    "inside of itself",
    treeOf(Schema.Int),
    treeOf(Schema.Finite),
    true,
    false,
    ".value: the type was widened from Number (isInt) to Number (isFinite)"
  ]
] as const

const verdict = (backward: boolean, forward: boolean) => (backward ? (forward ? "full" : "backward") : "breaking")

describe("Contract.compare", () => {
  it.effect.each(edits)("%s", ([, before, after, oldFitsNew, newFitsOld, words]) =>
    Effect.gen(function* () {
      const server = (rpc: Rpc.Any) => Protocol.make("app:shop", { server: [rpc] })
      const client = (rpc: Rpc.Any) => Protocol.make("app:shop", { client: [rpc] })
      // What callers send is read by the new version; what they receive, by the old one.
      const sent = verdict(oldFitsNew, newFitsOld)
      const received = verdict(newFitsOld, oldFitsNew)
      const ways = [
        ["server", "payload", server, sent, (schema: Schema.Top) => Rpc.make("go", { payload: schema })],
        ["server", "success", server, received, (schema: Schema.Top) => Rpc.make("go", { success: schema })],
        [
          "server",
          "success",
          server,
          received,
          (schema: Schema.Top) => Rpc.make("go", { success: schema, stream: true })
        ],
        ["server", "error", server, received, (schema: Schema.Top) => Rpc.make("go", { error: schema })],
        ["client", "payload", client, received, (schema: Schema.Top) => Rpc.make("go", { payload: schema })],
        ["client", "success", client, sent, (schema: Schema.Top) => Rpc.make("go", { success: schema })],
        ["client", "error", client, sent, (schema: Schema.Top) => Rpc.make("go", { error: schema })]
      ] as const
      for (const [side, part, protocol, expected, rpc] of ways) {
        const comparison = yield* between(protocol(rpc(before)), protocol(rpc(after)))
        assert.deepStrictEqual(linesOf(comparison), [`${expected}: ${side} route "go", ${part}${words}`])
        assert.strictEqual(comparison.compatibility, expected)
      }
    })
  )

  it.effect("routes of the server may be added, and those of the client removed", () =>
    Effect.gen(function* () {
      const one = Protocol.make("p", { server: [Rpc.make("a")], client: [Rpc.make("x"), Rpc.make("y")] })
      const other = Protocol.make("p", { server: [Rpc.make("a"), Rpc.make("b")], client: [Rpc.make("x")] })
      const forth = yield* between(one, other)
      assert.deepStrictEqual(linesOf(forth), [
        'backward: server route "b": the route was added',
        'backward: client route "y": the route was removed'
      ])
      assert.strictEqual(forth.compatibility, "backward")
      const back = yield* between(other, one)
      assert.deepStrictEqual(linesOf(back), [
        'breaking: server route "b": the route was removed',
        'breaking: client route "y": the route was added'
      ])
      assert.strictEqual(back.compatibility, "breaking")
    })
  )

  it.effect("a stream is no single answer", () =>
    Effect.gen(function* () {
      const one = Protocol.make("p", { server: [Rpc.make("a", { success: Schema.Int })] })
      const stream = Protocol.make("p", { server: [Rpc.make("a", { success: Schema.Int, stream: true })] })
      assert.deepStrictEqual(linesOf(yield* between(one, stream)), [
        'breaking: server route "a": the answer is a stream, and was one value'
      ])
      assert.deepStrictEqual(linesOf(yield* between(stream, one)), [
        'breaking: server route "a": the answer is one value, and was a stream'
      ])
    })
  )

  it.effect("another protocol is not connected", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(linesOf(yield* between(Protocol.make("p", {}), Protocol.make("q", {}))), [
        'breaking: protocol: the protocol was "p", and is "q"'
      ])
    })
  )

  it.effect("errors that callers did not know break them", () =>
    Effect.gen(function* () {
      const failing = (error: Schema.Top) => Protocol.make("p", { server: [Rpc.make("a", { error })] })
      assert.deepStrictEqual(linesOf(yield* between(failing(Missing), failing(Schema.Union([Denied, Missing])))), [
        'breaking: server route "a", error: Denied was added'
      ])
      assert.deepStrictEqual(linesOf(yield* between(failing(Missing), failing(Schema.Never))), [
        'backward: server route "a", error: Missing was removed'
      ])
    })
  )

  it.effect("whoever expects nothing reads whatever comes", () =>
    Effect.gen(function* () {
      const answering = (success: Schema.Top) => Protocol.make("p", { server: [Rpc.make("a", { success })] })
      assert.deepStrictEqual(linesOf(yield* between(answering(Schema.Void), answering(Schema.Int))), [
        'backward: server route "a", success: the type was narrowed from Void to Number (isInt)'
      ])
    })
  )

  it.effect("a type that is named twice is said to have changed once", () =>
    Effect.gen(function* () {
      const withUser = (name: Schema.Top) => {
        const User = Schema.Struct({ name }).annotate({ identifier: "User" })
        return taking(Schema.Struct({ from: User, to: User, copies: Schema.Array(User) }))
      }
      const comparison = Contract.compare(yield* withUser(Schema.String), yield* withUser(Schema.Int))
      assert.deepStrictEqual(linesOf(comparison), [
        'breaking: server route "take", payload.copies[].name: the type changed from String to Number (isInt)'
      ])
    })
  )

  it.effect("ends with types that stand in each other", () =>
    Effect.gen(function* () {
      interface A {
        readonly b?: B
      }
      interface B {
        readonly a?: A
        readonly x: number
      }
      const make = (x: Schema.Codec<number>) => {
        const A: Schema.Codec<A> = Schema.Struct({ b: Schema.optionalKey(Schema.suspend((): Schema.Codec<B> => B)) })
        const B: Schema.Codec<B> = Schema.Struct({ a: Schema.optionalKey(A), x })
        return taking(Schema.Union([A, B, Schema.Array(A)]))
      }
      const comparison = Contract.compare(yield* make(Schema.Int), yield* make(Schema.Finite))
      assert.strictEqual(comparison.compatibility, "backward")
      assert.strictEqual(Contract.compare(yield* make(Schema.Int), yield* make(Schema.Int)).changes.length, 0)
    })
  )

  it.effect.prop("a contract is as it is, however it is written", [Shape], ([shape]) =>
    Effect.gen(function* () {
      const one = yield* taking(schemaOf(shape))
      const other = yield* taking(schemaOf(shape, { otherwise: true }))
      assert.deepStrictEqual(Contract.compare(one, other), { compatibility: "full", changes: [] })
    })
  )

  it.effect.prop(
    "whoever was made before can call exactly if all they send can be read",
    [Shape, Edits],
    ([shape, edits]) =>
      Effect.gen(function* () {
        const next = edited(shape, edits)
        const before = yield* taking(schemaOf(shape))
        const after = yield* taking(schemaOf(next))
        const expected = verdict(reads(shape, next), reads(next, shape))
        const comparison = Contract.compare(before, after)
        assert.strictEqual(comparison.compatibility, expected, linesOf(comparison).join("\n"))
        const paths = linesOf(comparison)
        assert.strictEqual(new Set(paths).size, paths.length)
        // Either way, each version can do with the other exactly if both are backward.
        const back = Contract.compare(after, before).compatibility
        assert.strictEqual(comparison.compatibility === "full", back === "full")
        if (comparison.compatibility === "breaking") return
        const decode = Schema.decodeUnknownExit(Schema.toCodecJson(schemaOf(next) as Schema.Codec<unknown>))
        for (const value of examples(shape)) assert.isTrue(Exit.isSuccess(decode(value)), JSON.stringify(value))
      })
  )
})
