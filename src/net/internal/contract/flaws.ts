/**
 * What keeps schemas from being written down, and where it stands.
 */
import type * as SchemaRepresentation from "effect/SchemaRepresentation"

type Representation = SchemaRepresentation.Representation

/** Something that can't be written, with its path. */
export interface Flaw {
  readonly path: string
  readonly detail: string
}

/** What stands in a schema, each with its path behind that of the schema. */
export const childrenOf = (node: Representation): ReadonlyArray<readonly [path: string, child: Representation]> => {
  const own = ((): ReadonlyArray<readonly [string, Representation]> => {
    switch (node._tag) {
      case "Declaration":
        return node.typeParameters.map((type, index) => [`<${index}>`, type])
      case "Suspend":
        return [["", node.thunk]]
      case "String":
        return node.content?.schema === undefined ? [] : [["", node.content.schema]]
      case "TemplateLiteral":
        return node.parts.map((part) => ["", part])
      case "Arrays":
        return [
          ...node.elements.map((element, index) => [`[${index}]`, element.type] as const),
          ...node.rest.map((type) => ["[]", type] as const)
        ]
      case "Objects":
        return [
          ...node.propertySignatures.map(({ name, type }) => [`.${String(name)}`, type] as const),
          ...node.indexSignatures.flatMap(
            ({ parameter, type }) =>
              [
                ["{key}", parameter],
                ["{}", type]
              ] as const
          )
        ]
      case "Union":
        return node.types.map((type, index) => [`|${index}`, type])
      default:
        return []
    }
  })()
  return [
    ...own,
    ...checksOf(node)
      .flatMap((check) => check.representation?.schemas ?? [])
      .map((schema) => ["", schema] as const)
  ]
}

/** The checks of a schema, those of groups included. */
export const checksOf = (node: Representation): ReadonlyArray<SchemaRepresentation.Check> =>
  node._tag === "Reference" ? [] : node.checks.flatMap(flat)

const flat = (check: SchemaRepresentation.Check): ReadonlyArray<SchemaRepresentation.Check> =>
  check._tag === "FilterGroup" && check.representation === undefined ? check.checks.flatMap(flat) : [check]

const isLocal = (key: PropertyKey): boolean => typeof key === "symbol" && Symbol.keyFor(key) === undefined

const symbolDetail = "is named by a symbol that is not registered: use Symbol.for, or a text"

const ownFlaw = (node: Representation): string | undefined => {
  if (node._tag === "Declaration" && node.representation === undefined) {
    return "is a declaration that is code alone: give it the annotation `representation`, or a transformation to what it is on the wire"
  }
  if (node._tag === "UniqueSymbol" && isLocal(node.symbol)) return symbolDetail
  return checksOf(node).some((check) => check.representation === undefined)
    ? "has a check that is code alone: use one of Schema's own, or give it the annotation `representation`"
    : undefined
}

/** The first thing that can't be written; what a name stands for is looked at once. */
export const flawOf = (
  root: Representation,
  references: SchemaRepresentation.References,
  start: string
): Flaw | undefined => {
  const seen = new Set<string>()
  const visit = (node: Representation, path: string): Flaw | undefined => {
    if (node._tag === "Reference") {
      const named = references[node.$ref]
      if (seen.has(node.$ref) || named === undefined) return undefined
      seen.add(node.$ref)
      return visit(named, path)
    }
    const detail = ownFlaw(node)
    if (detail !== undefined) return { path, detail }
    if (node._tag === "Objects") {
      const local = node.propertySignatures.find(({ name }) => isLocal(name))
      if (local !== undefined) return { path: `${path}.${String(local.name)}`, detail: symbolDetail }
    }
    for (const [step, child] of childrenOf(node)) {
      const found = visit(child, path + step)
      if (found !== undefined) return found
    }
    return undefined
  }
  return visit(root, start)
}

/** What a name stands for, and behind which names it stands; nothing if that is nowhere. */
export const resolve = (
  node: Representation,
  references: SchemaRepresentation.References
): Representation | undefined => {
  const seen = new Set<Representation>()
  let at: Representation | undefined = node
  while (at !== undefined && (at._tag === "Reference" || at._tag === "Suspend")) {
    if (seen.has(at)) return undefined
    seen.add(at)
    at = at._tag === "Suspend" ? at.thunk : Object.hasOwn(references, at.$ref) ? references[at.$ref] : undefined
  }
  return at
}

/** The first name in a schema that stands for nothing. */
export const looseReference = (
  root: Representation,
  references: SchemaRepresentation.References
): string | undefined => {
  const seen = new Set<Representation>()
  const pending = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    if (node._tag === "Reference") {
      const named = resolve(node, references)
      if (named === undefined) return node.$ref
      pending.push(named)
    } else {
      if (node._tag === "Suspend" && resolve(node, references) === undefined) {
        return node.thunk._tag === "Reference" ? node.thunk.$ref : "suspended"
      }
      for (const [, child] of childrenOf(node)) pending.push(child)
    }
  }
  return undefined
}
