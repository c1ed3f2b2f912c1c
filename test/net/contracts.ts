/** Contracts for tests: of one route whose schemas are generated, with examples of their values. */
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Contract, Protocol } from "../../src/net/index.ts"

/** The contract of a protocol. */
export const contractOf = Effect.fnUntraced(function* (protocol: Protocol.Any, version = "1.0.0") {
  return yield* Contract.make({ type: yield* ActorType.parse(`acme/Shop@${version}`), protocol })
})

/** The contract of a server with one route that takes values of the schema. */
export const taking = (payload: Schema.Top) =>
  contractOf(Protocol.make("app:shop", { server: [Rpc.make("take", { payload })] }))

const Leaf = Schema.TaggedStruct("Leaf", { of: Schema.Literals(["String", "Int", "Finite", "Boolean", "a", "b"]) })

type Leaf = typeof Leaf.Type

/** What a schema is, as data. */
export type Shape =
  | Leaf
  | { readonly _tag: "List"; readonly of: Shape }
  | { readonly _tag: "Either"; readonly of: ReadonlyArray<Shape> }
  | { readonly _tag: "Fields"; readonly of: ReadonlyArray<FieldShape> }

export interface FieldShape {
  readonly key: "a" | "b" | "c"
  readonly isOptional: boolean
  readonly type: Shape
}

const level = <S extends Schema.Codec<Shape>>(inner: S) =>
  Schema.Union([
    Leaf,
    Schema.TaggedStruct("List", { of: inner }),
    Schema.TaggedStruct("Either", { of: Schema.Array(inner).check(Schema.isBetweenLength(1, 3)) }),
    Schema.TaggedStruct("Fields", {
      of: Schema.Array(
        Schema.Struct({ key: Schema.Literals(["a", "b", "c"]), isOptional: Schema.Boolean, type: inner })
      ).check(Schema.isMaxLength(3))
    })
  ])

/** Shapes of a few levels. */
export const Shape: Schema.Codec<Shape> = level(level(level(Leaf)))

/** The fields that a shape has: of those with one key, the first. */
export const fieldsOf = (fields: ReadonlyArray<FieldShape>): ReadonlyArray<FieldShape> =>
  fields.filter(({ key }, index) => fields.findIndex((other) => other.key === key) === index)

interface Writing {
  /** Which of several ways to write what means the same. */
  readonly otherwise: boolean
}

const leaves = { String: Schema.String, Int: Schema.Int, Finite: Schema.Finite, Boolean: Schema.Boolean }

/** The schema of a shape. */
export const schemaOf = (shape: Shape, { otherwise }: Writing = { otherwise: false }): Schema.Top => {
  const inner = (shape: Shape): Schema.Top => {
    const schema = schemaOf(shape, { otherwise })
    return otherwise ? Schema.suspend(() => schema.annotate({ description: "a note" })) : schema
  }
  const order = <A>(all: ReadonlyArray<A>) => (otherwise ? all.toReversed() : all)
  switch (shape._tag) {
    case "Leaf":
      return shape.of === "a" || shape.of === "b" ? Schema.Literal(shape.of) : leaves[shape.of]
    case "List":
      return Schema.Array(inner(shape.of))
    case "Either": {
      const members = order(shape.of).map(inner)
      return otherwise ? Schema.Union([Schema.Union(members), ...members]) : Schema.Union(members)
    }
    case "Fields": {
      const fields = order(fieldsOf(shape.of)).map(({ isOptional, key, type }) => [
        key,
        isOptional ? Schema.optionalKey(inner(type)) : inner(type)
      ])
      const struct = Schema.Struct(Object.fromEntries(fields))
      return otherwise ? struct.annotate({ identifier: "SomeName", title: "Something" }) : struct
    }
  }
}

/** The members of a shape: those of an either that stand in it directly or through others. */
export const membersOf = (shape: Shape): ReadonlyArray<Shape> =>
  shape._tag === "Either" ? shape.of.flatMap(membersOf) : [shape]

/** One text for each meaning. */
export const normal = (shape: Shape): string => {
  switch (shape._tag) {
    case "Leaf":
      return shape.of
    case "List":
      return `[${normal(shape.of)}]`
    case "Either":
      return [...new Set(membersOf(shape).map(normal))].toSorted().join("|")
    case "Fields": {
      const fields = fieldsOf(shape.of).map(
        ({ isOptional, key, type }) => `${key}${isOptional ? "?" : ""}:(${normal(type)})`
      )
      return `{${fields.toSorted().join()}}`
    }
  }
}

/** Whether whoever expects the second shape can read whatever has the first. */
export const reads = (from: Shape, to: Shape): boolean => {
  if (from._tag === "Either") return membersOf(from).every((member) => reads(member, to))
  if (to._tag === "Either") return membersOf(to).some((member) => reads(from, member))
  if (from._tag === "Leaf" && to._tag === "Leaf") {
    const wider = { a: ["String"], b: ["String"], Int: ["Finite"], Finite: [], String: [], Boolean: [] }
    return from.of === to.of || wider[from.of].some((label) => label === to.of)
  }
  if (from._tag === "List" && to._tag === "List") return reads(from.of, to.of)
  if (from._tag !== "Fields" || to._tag !== "Fields") return false
  return fieldsOf(to.of).every(({ isOptional, key, type }) => {
    const sent = fieldsOf(from.of).find((field) => field.key === key)
    return sent === undefined ? isOptional : (isOptional || !sent.isOptional) && reads(sent.type, type)
  })
}

/** Some values of a shape: one of each kind that there is. */
export const examples = (shape: Shape): ReadonlyArray<unknown> => {
  switch (shape._tag) {
    case "Leaf":
      return { String: ["", "a", "x"], Int: [0, -3], Finite: [0.5, 7], Boolean: [true], a: ["a"], b: ["b"] }[shape.of]
    case "List":
      return [[], examples(shape.of).slice(0, 3)]
    case "Either":
      return membersOf(shape).flatMap(examples)
    case "Fields": {
      let all: ReadonlyArray<Readonly<Record<string, unknown>>> = [{}]
      for (const { isOptional, key, type } of fieldsOf(shape.of)) {
        const some = examples(type).slice(0, 3)
        const withIt = all.flatMap((value) => some.map((inner) => ({ ...value, [key]: inner })))
        all = (isOptional ? [...all, ...withIt] : withIt).slice(0, 50)
      }
      return all
    }
  }
}

/** A shape that is another in one place or some, as the numbers say. */
export const edited = (shape: Shape, [number = 0, ...more]: ReadonlyArray<number>): Shape => {
  const leaves = ["String", "Int", "Finite", "Boolean", "a", "b"] as const
  const leaf: Shape = { _tag: "Leaf", of: leaves[number % leaves.length] ?? "a" }
  if (more.length === 0 || shape._tag === "Leaf") return number % 3 === 0 ? leaf : { _tag: "Either", of: [shape, leaf] }
  switch (shape._tag) {
    case "List":
      return { _tag: "List", of: edited(shape.of, more) }
    case "Either": {
      const at = number % shape.of.length
      if (number % 4 === 0 && shape.of.length > 1) return { _tag: "Either", of: shape.of.toSpliced(at, 1) }
      return { _tag: "Either", of: shape.of.map((member, index) => (index === at ? edited(member, more) : member)) }
    }
    case "Fields": {
      const fields = fieldsOf(shape.of)
      const at = number % Math.max(1, fields.length)
      const field = fields[at]
      if (field === undefined || number % 5 === 0) {
        return { _tag: "Fields", of: [...fields, { key: "c", isOptional: number % 2 === 0, type: leaf }] }
      }
      if (number % 5 === 1) return { _tag: "Fields", of: fields.toSpliced(at, 1) }
      if (number % 5 === 2) return { _tag: "Fields", of: fields.with(at, { ...field, isOptional: !field.isOptional }) }
      return { _tag: "Fields", of: fields.with(at, { ...field, type: edited(field.type, more) }) }
    }
  }
}

/** Where to edit a shape. */
export const Edits = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 59 }))).check(
  Schema.isBetweenLength(1, 4)
)
