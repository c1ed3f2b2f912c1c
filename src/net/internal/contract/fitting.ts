/**
 * Whether each value of one type can be read as another. A field that whoever reads does not know is left out.
 */
import type { Check, Graph, Id, Node } from "./graph.ts"
import { ordered } from "./graph.ts"
import { impliesAll } from "./checks.ts"

export interface Fitting {
  (from: Id, to: Id): boolean
  /** Whether what satisfies the checks of the one satisfies those of the other. */
  readonly checksFit: (from: Node, to: Node) => boolean
  readonly sameChecks: (a: Node, b: Node) => boolean
  /** By what a member of a union is told from the others: the literal that a field has. */
  readonly tagOf: (id: Id) => string | undefined
}

export const fitting = (graph: Graph, same: (a: Id, b: Id) => boolean): Fitting => {
  // What a check is but for its schemas, which are compared by what they mean.
  const sameCheck = (a: Check, b: Check): boolean =>
    a.id === b.id &&
    ordered(a.payload ?? null) === ordered(b.payload ?? null) &&
    a.schemas.length === b.schemas.length &&
    a.schemas.every((schema, index) => same(schema, b.schemas[index] ?? -1))

  const checksFit = (from: Node, to: Node): boolean =>
    impliesAll(
      from.checks,
      to.checks.filter((check) => !from.checks.some((own) => sameCheck(own, check)))
    )

  const sameChecks = (a: Node, b: Node): boolean =>
    a.checks.every((x) => b.checks.some((y) => sameCheck(x, y))) &&
    b.checks.every((y) => a.checks.some((x) => sameCheck(x, y)))

  // What is asked for while it is being found out is so, as nothing speaks against it: in the order in which it was assumed.
  const assumed = new Set<string>()
  // With all that was assumed they did not fit: without it they don't either.
  const refuted = new Set<string>()

  const fits = (from: Id, to: Id): boolean => {
    const pair = `${from} ${to}`
    if (same(from, to) || assumed.has(pair)) return true
    if (refuted.has(pair)) return false
    const before = assumed.size
    assumed.add(pair)
    if (decide(from, to)) return true
    // What was found under way may rest on this.
    for (const later of [...assumed].slice(before)) assumed.delete(later)
    refuted.add(pair)
    return false
  }

  const decide = (from: Id, to: Id): boolean => {
    const [a, b] = [graph.node(from), graph.node(to)]
    if (b.shape._tag === "Leaf" && b.shape.label === "Unknown" && b.checks.length === 0) return true
    if (a.shape._tag === "Union") {
      if (a.checks.length > 0 && b.checks.length > 0 && !checksFit(a, b)) return false
      return a.checks.length === 0
        ? graph.members(from).every((member) => fits(member, to))
        : a.shape.members.every((member) => fits(member, to))
    }
    if (b.shape._tag === "Union") {
      return (
        checksFit(a, b) &&
        (b.checks.length === 0 ? graph.members(to) : b.shape.members).some((member) => fits(from, member))
      )
    }
    return shapesFit(a, b) && checksFit(a, b)
  }

  const shapesFit = ({ shape: a }: Node, { shape: b }: Node): boolean => {
    if (b._tag === "Leaf") {
      if (a._tag === "Leaf") return a.label === b.label || widthOf(a.literal) === b.label
      if (b.label === "ObjectKeyword") return a._tag === "Struct" || a._tag === "Tuple"
      return b.label === "String" && a._tag === "Declared" && /^TemplateLiteral$|^String of /.test(a.label)
    }
    if (a._tag === "Declared" && b._tag === "Declared") {
      const each = a.label === "TemplateLiteral" ? same : fits
      return (
        a.label === b.label &&
        a.parameters.length === b.parameters.length &&
        a.parameters.every((type, index) => each(type, b.parameters[index] ?? -1))
      )
    }
    if (a._tag === "Tuple" && b._tag === "Tuple") {
      // What follows a rest has no place of its own.
      if (a.rest.length > 1 || b.rest.length > 1) return false
      const [more, others] = [a.rest[0], b.rest[0]]
      const length = Math.max(a.elements.length, b.elements.length)
      return (
        (more === undefined || (others !== undefined && fits(more, others))) &&
        Array.from({ length }, (_, index) => [a.elements[index], b.elements[index]] as const).every(([x, y]) => {
          const sent = x?.type ?? more
          if (y !== undefined && !y.isOptional && (x === undefined || x.isOptional)) return false
          const read = y?.type ?? others
          return sent === undefined || (read !== undefined && fits(sent, read))
        })
      )
    }
    return a._tag === "Struct" && b._tag === "Struct" && structsFit(a, b)
  }

  type Struct = Extract<Node["shape"], { readonly _tag: "Struct" }>

  const structsFit = (a: Struct, b: Struct): boolean =>
    b.fields.every((field) => {
      const sent = a.fields.find(({ key }) => key === field.key)
      if (sent !== undefined) return (field.isOptional || !sent.isOptional) && fits(sent.type, field.type)
      // An index may have it, or not.
      return field.isOptional && a.indexes.every(({ type }) => fits(type, field.type))
    }) &&
    b.indexes.every(
      ({ parameter, type }) =>
        a.indexes.every((index) => !mayMeet(index.parameter, parameter) || fits(index.type, type)) &&
        a.fields
          .filter(({ key }) => !b.fields.some((field) => field.key === key))
          .every((field) => fits(field.type, type))
    )

  // Symbols are no texts; any other keys may be the same.
  const mayMeet = (a: Id, b: Id): boolean => isSymbol(a) === isSymbol(b)

  const isSymbol = (id: Id): boolean => {
    const { shape } = graph.node(id)
    return shape._tag === "Leaf" && shape.label === "Symbol"
  }

  const tagOf = (id: Id): string | undefined => {
    const { shape } = graph.node(id)
    if (shape._tag !== "Struct") return undefined
    const tags = shape.fields.flatMap(({ isOptional, key, type }) => {
      const { shape } = graph.node(type)
      return !isOptional && shape._tag === "Leaf" && shape.literal !== undefined ? [[key, shape.label] as const] : []
    })
    const [first] = tags.toSorted(([a], [b]) => Number(b === "_tag") - Number(a === "_tag"))
    return first === undefined ? undefined : first[1].replaceAll('"', "")
  }

  return Object.assign(fits, { checksFit, sameChecks, tagOf })
}

const widthOf = (literal: string | number | boolean | bigint | undefined): string | undefined => {
  switch (typeof literal) {
    case "string":
      return "String"
    case "number":
      return "Number"
    case "boolean":
      return "Boolean"
    case "bigint":
      return "BigInt"
    default:
      return undefined
  }
}
