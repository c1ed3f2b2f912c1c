/** Contracts as documents: what is written, what is read back, and what can't be either. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ActorType, Contract, Protocol } from "../../src/net/index.ts"
import { contractOf, edited, Edits, normal, schemaOf, Shape, taking } from "./contracts.ts"

class User extends Schema.Class<User>("User")({ name: Schema.NonEmptyString, born: Schema.Date }) {}
class Missing extends Schema.TaggedError<Missing>()("Missing", { id: Schema.String }) {}

interface Tree {
  readonly value: number
  readonly kids: ReadonlyArray<Tree>
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  value: Schema.Number,
  kids: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
})

const Everything = Protocol.make("app:everything", {
  server: [
    Rpc.make("save", { payload: { user: User, age: Schema.NumberFromString }, success: User, error: Missing }),
    Rpc.make("grow", { payload: Tree, success: Tree, error: Missing, stream: true }),
    Rpc.make("other", {
      payload: Schema.Struct({
        tuple: Schema.Tuple([Schema.String, Schema.optionalKey(Schema.BigInt)]),
        record: Schema.Record(Schema.String, Schema.Option(Schema.Int)),
        text: Schema.fromJsonString(Schema.Struct({ a: Schema.Int })),
        choice: Schema.Union([Schema.Literals(["a", 1, true]), Schema.Null, Schema.Uint8Array]),
        id: Schema.TemplateLiteral(["id-", Schema.Number])
      })
    }),
    Rpc.make("nothing")
  ],
  client: [Rpc.make("saved", { payload: User })]
})

const local = Symbol("local")
const code = Schema.declare((value: unknown): value is string => typeof value === "string")
const filtered = Schema.String.check(Schema.makeFilter((text: string) => text !== "x"))

/** What can't be exported, with where that is. */
const unexportable = [
  ["a check", filtered, "payload has a check that is code alone"],
  ["a declaration", code, "payload is a declaration that is code alone"],
  ["a local symbol", Schema.UniqueSymbol(local), "payload is named by a symbol"],
  [
    "a field",
    Schema.Struct({ items: Schema.Array(Schema.Struct({ name: filtered })) }),
    "payload.items[].name has a check"
  ],
  ["an element", Schema.Tuple([Schema.String, code]), "payload[1] is a declaration"],
  ["a member", Schema.Union([Schema.String, Schema.Struct({ a: code })]), "payload|1.a is a declaration"],
  ["a value", Schema.Record(Schema.String, code), "payload{} is a declaration"],
  ["a parameter", Schema.Struct({ a: Schema.Option(code) }), "payload.a<0> is a declaration"],
  ["a class", Schema.Class<{ readonly a: string }>("Some")({ a: code }), "payload.a is a declaration"],
  ["a suspended one", Schema.Struct({ a: Schema.suspend(() => code) }), "payload.a is a declaration"],
  [
    "a group of checks",
    Schema.String.check(
      Schema.makeFilterGroup([Schema.isMinLength(1), Schema.makeFilter((text: string) => text !== "x")])
    ),
    "payload has a check"
  ]
] as const

const good = Effect.map(contractOf(Everything), Contract.toJson)

/** Documents that are none, with where that is. */
const invalid = [
  ["nothing", () => undefined, ""],
  ["a text", () => "contract", ""],
  ["another format", (json: Json) => ({ ...json, format: "troupe-contract/9" }), "format"],
  ["no type", (json: Json) => ({ ...json, type: undefined }), "type"],
  ["another type", (json: Json) => ({ ...json, type: "acme" }), "type"],
  ["no routes", (json: Json) => ({ ...json, server: {} }), "server"],
  [
    "a route without a name",
    (json: Json) => ({ ...json, client: [{ ...json.client[0], name: "" }] }),
    "client[0].name"
  ],
  ["a route that is twice there", (json: Json) => ({ ...json, client: [json.client[0], json.client[0]] }), "client"],
  [
    "a schema that is none",
    (json: Json) => ({ ...json, client: [{ ...json.client[0], success: { _tag: "Nonsense" } }] }),
    "client[0].success"
  ],
  [
    "a schema with something that is none",
    (json: Json) => ({
      ...json,
      server: json.server.with(1, {
        ...json.server[1],
        error: { _tag: "Arrays", checks: [], elements: [], rest: [{ _tag: "String", checks: 1 }] }
      })
    }),
    "server[1].error.rest[0].checks"
  ],
  [
    "a name that stands for nothing",
    (json: Json) => ({ ...json, client: [{ ...json.client[0], payload: { _tag: "Reference", $ref: "Nobody" } }] }),
    'payload of "saved"'
  ],
  [
    "a name that stands for itself",
    (json: Json) => ({
      ...json,
      client: [{ ...json.client[0], payload: { _tag: "Reference", $ref: "A" } }],
      references: { ...json.references, A: { _tag: "Reference", $ref: "B" }, B: { _tag: "Reference", $ref: "A" } }
    }),
    'payload of "saved"'
  ],
  ["names of everybody", (json: Json) => ({ ...json, references: { ...json.references, X: 1 } }), "references.X"]
] as const

const Json = Schema.Struct({
  format: Schema.String,
  type: Schema.String,
  protocol: Schema.String,
  server: Schema.Array(Schema.JsonObject),
  client: Schema.Array(Schema.JsonObject),
  references: Schema.JsonObject
})

type Json = typeof Json.Type

/** Types that stand in each other, by their numbers. */
const Graph = Schema.Array(
  Schema.Struct({
    kind: Schema.Literals(["list", "pair", "may"]),
    one: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
    other: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))
  })
).check(Schema.isBetweenLength(1, 3))

type Graph = typeof Graph.Type

/** The first type of a graph. With several copies, each type is there as often, and they stand in each other's. */
const graphSchema = (graph: Graph, copies: number): Schema.Top => {
  const all: Array<Schema.Top> = []
  const at = (index: number): Schema.Top => Schema.suspend(() => all[index % all.length] ?? Schema.Never)
  for (let copy = 0; copy < copies; copy++) {
    for (const { kind, one, other } of graph) {
      const [x, y] = [(one % graph.length) + graph.length * ((copy + one) % copies), other % graph.length]
      if (kind === "list") all.push(Schema.Array(at(x)))
      else if (kind === "pair") all.push(Schema.Struct(copy > 0 ? { b: at(y), a: at(x) } : { a: at(x), b: at(y) }))
      else all.push(Schema.Struct({ a: Schema.optionalKey(at(x)) }))
    }
  }
  return all[0] ?? Schema.Never
}

/** The first type of a graph, as deep as is enough to tell any two of so many types apart. */
const unrolled = (graph: Graph, index = 0, depth = 6): string => {
  const type = graph[index % graph.length]
  if (type === undefined || depth === 0) return "…"
  const inner = (index: number) => unrolled(graph, index % graph.length, depth - 1)
  if (type.kind === "pair") return `{${inner(type.one)},${inner(type.other)}}`
  return type.kind === "list" ? `[${inner(type.one)}]` : `(${inner(type.one)})`
}

describe("Contract", () => {
  it.effect("reads what it prints", () =>
    Effect.gen(function* () {
      const contract = yield* contractOf(Everything)
      const read = yield* Contract.parse(Contract.print(contract))
      assert.deepStrictEqual(read, contract)
      assert.strictEqual(Contract.print(read), Contract.print(contract))
      assert.strictEqual(yield* Contract.fingerprint(read), yield* Contract.fingerprint(contract))
      assert.deepStrictEqual(
        contract.server.map(({ name, stream }) => [name, stream]),
        [
          ["grow", true],
          ["nothing", false],
          ["other", false],
          ["save", false]
        ]
      )
    })
  )

  it.effect.prop("reads whatever it prints", [Shape], ([shape]) =>
    Effect.gen(function* () {
      const contract = yield* taking(schemaOf(shape))
      const read = yield* Contract.parse(Contract.print(contract))
      assert.deepStrictEqual(read, contract)
      assert.deepStrictEqual(Contract.compare(contract, read).changes, [])
    })
  )

  it.effect("a protocol may have no routes", () =>
    Effect.gen(function* () {
      const contract = yield* contractOf(Protocol.make("app:empty", {}))
      assert.deepStrictEqual(yield* Contract.parse(Contract.print(contract)), contract)
    })
  )

  it.effect("takes the routes of a group", () =>
    Effect.gen(function* () {
      const group = RpcGroup.make(Rpc.make("a"), Rpc.make("b", { payload: Schema.String }))
      const contract = yield* contractOf(Protocol.make("app:group", { server: [...group.requests.values()] }))
      assert.deepStrictEqual(
        contract.server.map(({ name }) => name),
        ["a", "b"]
      )
    })
  )

  it.effect.each(unexportable)("can't hold %s that is code", ([, schema, words]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(taking(schema))
      assert.strictEqual(error._tag, "NotExportable")
      assert.include(error.message, `Route "take" of acme/Shop@1.0.0 can't be exported: ${words}`)
    })
  )

  it.effect("says in which part of which route", () =>
    Effect.gen(function* () {
      const routes = [Rpc.make("a", { payload: Schema.String }), Rpc.make("b", { error: code, stream: true })]
      const error = yield* Effect.flip(contractOf(Protocol.make("p", { client: routes })))
      assert.deepStrictEqual(error._tag === "NotExportable" && [error.route, error.path], ["b", "error"])
    })
  )

  it.effect("can't hold types that stand too deep in each other", () =>
    Effect.gen(function* () {
      let deep: Schema.Top = Schema.String
      for (let depth = 0; depth < 300; depth++) deep = Schema.Array(deep)
      const error = yield* Effect.flip(taking(deep))
      assert.include(error.message, "a schema has types that stand more than 256 deep in each other")
    })
  )

  it.effect("can't hold more types that stand in themselves than can be told apart in time", () =>
    Effect.gen(function* () {
      // Each is another one, and stands in itself by way of the first.
      const knot = (count: number): Schema.Top => {
        const up = Schema.suspend((): Schema.Top => first)
        const others = Array.from({ length: count }, (_, at) => Schema.Struct({ up, [`field${at}`]: Schema.String }))
        const first: Schema.Top = Schema.Struct(
          Object.fromEntries(others.map((other, at) => [`of${at}`, Schema.optionalKey(other)]))
        ).annotate({ identifier: "First" })
        return first
      }
      yield* taking(knot(499))
      const error = yield* Effect.flip(taking(knot(500)))
      assert.include(error.message, "a schema has more than 500 types, with those before, that stand in themselves")
    })
  )

  it.effect("has each route once", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(contractOf(Protocol.make("p", { server: [Rpc.make("a"), Rpc.make("a")] })))
      assert.include(error.message, 'Route "a" of acme/Shop@1.0.0 can\'t be exported: the server has two routes')
    })
  )

  it.effect("survives a schema that can't be looked at", () =>
    Effect.gen(function* () {
      const broken: Schema.Top = Schema.suspend((): Schema.Top => JSON.parse("{"))
      const error = yield* Effect.flip(taking(Schema.Array(broken)))
      assert.strictEqual(error._tag, "NotExportable")
    })
  )

  it.effect.each(invalid)("does not read %s", ([, change, path]) =>
    Effect.gen(function* () {
      const json = yield* Effect.flatMap(good, Schema.decodeUnknownEffect(Json))
      const error = yield* Effect.flip(Contract.fromJson(change(json)))
      assert.strictEqual(error._tag, "InvalidContract")
      assert.strictEqual(error.path, path, error.message)
      assert.isBelow(error.message.length, 400)
    })
  )

  it.effect("does not read what is no JSON", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Contract.parse("{"))
      assert.include(error.message, "The document is no contract: it is not JSON")
    })
  )

  it.effect.each([300, 20_000])("does not read what is %i deep", (levels) =>
    Effect.gen(function* () {
      const json = yield* Effect.flatMap(good, Schema.decodeUnknownEffect(Json))
      let deep: unknown = { _tag: "String", checks: [] }
      for (let depth = 0; depth < levels; depth++) deep = { _tag: "Arrays", checks: [], elements: [], rest: [deep] }
      const error = yield* Effect.flip(Contract.fromJson({ ...json, client: [{ ...json.client[0], error: deep }] }))
      assert.strictEqual(error._tag, "InvalidContract")
    })
  )
})

describe("Contract.fingerprint", () => {
  const fingerprint = (schema: Schema.Top) => Effect.flatMap(taking(schema), Contract.fingerprint)

  it.effect("is a SHA-256", () =>
    Effect.gen(function* () {
      // Kept, since locks keep it: another text here makes every lock stale.
      assert.strictEqual(
        yield* fingerprint(Schema.Struct({ name: Schema.String, tags: Schema.Array(Schema.String) })),
        "79ef446d15d65f3aab112d3ea7da019cdb5450c07c395e917192671d393d6b37"
      )
    })
  )

  it.effect.prop("is the same exactly for those that mean the same", [Shape, Edits], ([one, edits]) =>
    Effect.gen(function* () {
      const other = edited(one, edits)
      const [first, written, second] = yield* Effect.all([
        fingerprint(schemaOf(one)),
        fingerprint(schemaOf(one, { otherwise: true })),
        fingerprint(schemaOf(other))
      ])
      assert.strictEqual(first, written)
      assert.strictEqual(first === second, normal(one) === normal(other))
    })
  )

  it.effect("does not tell how a recursive type is written", () =>
    Effect.gen(function* () {
      const Named: Schema.Codec<Tree> = Schema.Struct({
        kids: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Named)),
        value: Schema.Number
      }).annotate({ identifier: "Named" })
      const Unrolled = Schema.Struct({
        value: Schema.Number,
        kids: Schema.Array(Schema.Struct({ value: Schema.Number, kids: Schema.Array(Named) }))
      })
      const Flat = Schema.Struct({ value: Schema.Number, kids: Schema.Array(Schema.Struct({ value: Schema.Number })) })
      const texts = yield* Effect.forEach([Tree, Named, Unrolled, Flat], fingerprint)
      assert.strictEqual(new Set(texts.slice(0, 3)).size, 1)
      assert.notStrictEqual(texts[3], texts[0])
    })
  )

  it.effect.prop("is the same exactly for recursive types that mean the same", [Graph, Graph], ([graph, other]) =>
    Effect.gen(function* () {
      const [one, copied, another] = [graphSchema(graph, 1), graphSchema(graph, 2), graphSchema(other, 1)]
      const first = yield* fingerprint(one)
      assert.strictEqual(first, yield* fingerprint(copied))
      assert.deepStrictEqual(Contract.compare(yield* taking(one), yield* taking(copied)).changes, [])
      assert.strictEqual(first === (yield* fingerprint(another)), unrolled(graph) === unrolled(other))
    })
  )

  it.effect("does not tell the type, its version and the order of routes", () =>
    Effect.gen(function* () {
      const [a, b] = [Rpc.make("a", { payload: User }), Rpc.make("b")]
      const one = yield* contractOf(Protocol.make("p", { server: [a, b] }), "1.0.0")
      const other = yield* Contract.make({
        type: yield* ActorType.parse("other/Actor@2.0.0"),
        protocol: Protocol.make("p", { server: [b, a] })
      })
      assert.strictEqual(yield* Contract.fingerprint(one), yield* Contract.fingerprint(other))
    })
  )

  it.effect("tells protocols, sides, names, parts and streams apart", () =>
    Effect.gen(function* () {
      const protocols = [
        Protocol.make("p", { server: [Rpc.make("a", { success: Schema.String })] }),
        Protocol.make("q", { server: [Rpc.make("a", { success: Schema.String })] }),
        Protocol.make("p", { client: [Rpc.make("a", { success: Schema.String })] }),
        Protocol.make("p", { server: [Rpc.make("b", { success: Schema.String })] }),
        Protocol.make("p", { server: [Rpc.make("a", { payload: Schema.String })] }),
        Protocol.make("p", { server: [Rpc.make("a", { error: Schema.String })] }),
        Protocol.make("p", { server: [Rpc.make("a", { success: Schema.String, stream: true })] }),
        Protocol.make("p", { server: [Rpc.make("a", { success: Schema.String.check(Schema.isMinLength(1)) })] }),
        Protocol.make("p", { server: [Rpc.make("a", { success: Schema.String.check(Schema.isMinLength(2)) })] }),
        Protocol.make("p", { server: [Rpc.make("a", { success: Schema.Date })] })
      ]
      const texts = yield* Effect.forEach(protocols, (one) => Effect.flatMap(contractOf(one), Contract.fingerprint))
      assert.strictEqual(new Set(texts).size, protocols.length)
    })
  )
})
