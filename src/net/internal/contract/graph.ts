/**
 * Schemas as a graph of types, without their annotations, and without what their authors call them but for messages.
 */
import type * as SchemaRepresentation from "effect/SchemaRepresentation"
import { checksOf, resolve } from "./flaws.ts"

type Representation = SchemaRepresentation.Representation
type References = SchemaRepresentation.References

/** A type, by its place in the graph. */
export type Id = number

export interface Check {
  readonly id: string
  readonly payload: unknown
  readonly schemas: ReadonlyArray<Id>
}

export interface Field {
  readonly key: string
  readonly isOptional: boolean
  readonly type: Id
}

type Shape =
  | { readonly _tag: "Leaf"; readonly label: string; readonly literal?: string | number | boolean | bigint }
  | { readonly _tag: "Declared"; readonly label: string; readonly parameters: ReadonlyArray<Id> }
  | {
      readonly _tag: "Tuple"
      readonly elements: ReadonlyArray<{ readonly isOptional: boolean; readonly type: Id }>
      readonly rest: ReadonlyArray<Id>
    }
  | {
      readonly _tag: "Struct"
      readonly fields: ReadonlyArray<Field>
      readonly indexes: ReadonlyArray<{ readonly parameter: Id; readonly type: Id }>
    }
  | { readonly _tag: "Union"; readonly members: ReadonlyArray<Id> }

/** A type: what it is, what its values must satisfy besides, and what its author calls it. */
export interface Node {
  readonly shape: Shape
  readonly checks: ReadonlyArray<Check>
  readonly name: string | undefined
}

export interface Graph {
  /** The type of a schema; its members are those that it has on the wire. */
  readonly add: (schema: Representation, references: References) => Id
  readonly node: (id: Id) => Node
  /** The members of a type: those of a union that stand in it directly or through others; of any other type, itself. */
  readonly members: (id: Id) => ReadonlyArray<Id>
  /** Whether something stood deeper than anybody looks, and was left out. */
  readonly isTooDeep: () => boolean
}

/** How deep types may stand in each other, where they are named too: no stack is used up by what others have written. */
export const MaxDepth = 256

const Never: Node = { shape: { _tag: "Union", members: [] }, checks: [], name: undefined }

/** JSON with its keys in order. */
export const ordered = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  )

const keyOf = (name: PropertyKey): string =>
  typeof name === "symbol" ? `Symbol(${Symbol.keyFor(name) ?? ""})` : String(name)

const literalLabel = (value: string | number | boolean | bigint): string =>
  typeof value === "bigint" ? `${value}n` : JSON.stringify(value)

/** What its author calls a schema. */
export const identifierOf = (schema: Representation): string | undefined => {
  if (schema._tag === "Reference") return undefined
  const annotations: Readonly<Record<string, unknown>> = schema.annotations ?? {}
  // What effect calls the encoded side of a class.
  const found = annotations["identifier"] ?? annotations["~identifier"]
  return typeof found === "string" ? found : undefined
}

export const make = (): Graph => {
  const nodes: Array<Node> = []
  const known = new Map<Representation, Id>()
  let depth = 0
  let deepest = 0

  const put = (shape: Shape): Id => nodes.push({ shape, checks: [], name: undefined }) - 1

  const add = (schema: Representation, references: References): Id => {
    const found = resolve(schema, references)
    if (found === undefined) return nodes.push(Never) - 1
    const before = known.get(found)
    if (before !== undefined) return before
    // It has its place before what stands in it is looked at, which may be itself.
    const id = nodes.push(Never) - 1
    known.set(found, id)
    deepest = Math.max(deepest, ++depth)
    if (depth <= MaxDepth) fill(id, found, references)
    depth--
    return id
  }

  const fill = (id: Id, found: Representation, references: References): void => {
    const shape = shapeOf(found, references)
    const checks = checksOf(found).map((check) => ({
      id: check.representation?.id ?? "",
      payload: check.representation?.payload,
      schemas: (check.representation?.schemas ?? []).map((inner) => add(inner, references))
    }))
    nodes[id] = { shape, checks, name: identifierOf(found) }
  }

  const shapeOf = (schema: Representation, references: References): Shape => {
    const inner = (child: Representation) => add(child, references)
    const literal = (value: string | number | boolean | bigint): Shape => ({
      _tag: "Leaf",
      label: literalLabel(value),
      literal: value
    })
    switch (schema._tag) {
      case "Declaration": {
        const { id = "", payload = null } = schema.representation ?? {}
        const label = payload === null ? id : `${id} ${ordered(payload)}`
        return { _tag: "Declared", label, parameters: schema.typeParameters.map(inner) }
      }
      case "Literal":
        return literal(schema.literal)
      case "UniqueSymbol":
        return { _tag: "Leaf", label: keyOf(schema.symbol) }
      // On the wire there are its values alone.
      case "Enum":
        return { _tag: "Union", members: schema.enums.map(([, value]) => put(literal(value))) }
      case "TemplateLiteral":
        return { _tag: "Declared", label: "TemplateLiteral", parameters: schema.parts.map(inner) }
      case "String": {
        const { content } = schema
        if (content === undefined) return { _tag: "Leaf", label: "String" }
        const parameters = content.schema === undefined ? [] : [inner(content.schema)]
        return { _tag: "Declared", label: `String of ${content.mediaType}`, parameters }
      }
      case "Arrays":
        return {
          _tag: "Tuple",
          elements: schema.elements.map(({ isOptional, type }) => ({ isOptional, type: inner(type) })),
          rest: schema.rest.map(inner)
        }
      case "Objects":
        return {
          _tag: "Struct",
          fields: schema.propertySignatures
            .map(({ isOptional, name, type }) => ({ key: keyOf(name), isOptional, type: inner(type) }))
            .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
          indexes: schema.indexSignatures.map(({ parameter, type }) => ({
            parameter: inner(parameter),
            type: inner(type)
          }))
        }
      case "Union":
        return { _tag: "Union", members: schema.types.map(inner) }
      case "Never":
        return Never.shape
      // Both take anything.
      case "Any":
        return { _tag: "Leaf", label: "Unknown" }
      default:
        return { _tag: "Leaf", label: schema._tag }
    }
  }

  const node = (id: Id): Node => nodes[id] ?? Never

  const members = (id: Id): ReadonlyArray<Id> => {
    const found = new Set<Id>()
    const seen = new Set<Id>()
    const visit = (at: Id): void => {
      if (seen.has(at)) return
      seen.add(at)
      const { checks, shape } = node(at)
      if (shape._tag === "Union" && checks.length === 0) shape.members.forEach(visit)
      else found.add(at)
    }
    visit(id)
    return [...found]
  }

  return { add, node, members, isTooDeep: () => deepest > MaxDepth }
}
