/**
 * Named schemas in the order in which they can be defined, those that have each other in them together.
 */
import type * as SchemaRepresentation from "effect/SchemaRepresentation"
import { childrenOf } from "../../../net/internal/contract/flaws.ts"

type Representation = SchemaRepresentation.Representation

/** What a schema names, directly or in what stands in it. */
const namedIn = (root: Representation): ReadonlySet<string> => {
  const names = new Set<string>()
  const pending = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node._tag === "Reference") names.add(node.$ref)
    else pending.push(...childrenOf(node).map(([, child]) => child))
  }
  return names
}

/** Some schemas that are defined together; there are several, or one that has itself in it, when they are recursive. */
export interface Group {
  readonly names: ReadonlyArray<string>
  readonly isRecursive: boolean
}

/** All groups, each behind those that it names: Tarjan's strongly connected components. */
export const groupsOf = (references: SchemaRepresentation.References): ReadonlyArray<Group> => {
  const edges = new Map(Object.entries(references).map(([name, node]) => [name, namedIn(node)]))
  const indexes = new Map<string, number>()
  const stack: Array<string> = []
  const groups: Array<Group> = []

  const visit = (name: string): number => {
    const index = indexes.size
    let low = index
    indexes.set(name, index)
    stack.push(name)
    for (const next of edges.get(name) ?? []) {
      const seen = indexes.get(next)
      if (seen === undefined) low = Math.min(low, visit(next))
      else if (stack.includes(next)) low = Math.min(low, seen)
    }
    if (low === index) {
      const names = stack.splice(stack.indexOf(name))
      groups.push({ names, isRecursive: names.length > 1 || (edges.get(name)?.has(name) ?? false) })
    }
    return low
  }

  for (const name of edges.keys()) if (!indexes.has(name)) visit(name)
  return groups
}

/** A name whose values have no end: it stands in itself as one of several, and in nothing that holds it. */
export const endlessIn = (references: SchemaRepresentation.References): string | undefined => {
  const holds = (node: Representation | undefined, wanted: string, seen: ReadonlySet<string>): boolean => {
    switch (node?._tag) {
      case "Reference":
        return (
          node.$ref === wanted ||
          (!seen.has(node.$ref) && holds(references[node.$ref], wanted, new Set([...seen, node.$ref])))
        )
      case "Suspend":
        return holds(node.thunk, wanted, seen)
      case "Union":
        return node.types.some((type) => holds(type, wanted, seen))
      case "Declaration":
        return (
          unions.has(node.representation?.id ?? "") && node.typeParameters.some((type) => holds(type, wanted, seen))
        )
      default:
        return false
    }
  }
  return Object.keys(references).find((name) => holds(references[name], name, new Set()))
}

/** Declarations whose types are unions, which TypeScript looks into at once. */
const unions: ReadonlySet<string> = new Set(["Option", "Result", "Exit"].map((name) => `effect/schema/${name}`))
