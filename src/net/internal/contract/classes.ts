/**
 * Classes of types: two types mean the same exactly if they have the same class, however they are written, recursive ones too.
 * Names, annotations and the order of what has none make no difference.
 */
import { type Graph, type Id, type Node, ordered } from "./graph.ts"

/** The classes of types: those that mean the same have the same. */
export interface Classes {
  readonly of: (id: Id) => number
  /** What each class is, by its number, in words of the others. */
  readonly described: ReadonlyArray<string>
}

/**
 * Refines one class of all types into those that can be told apart, until no round tells more. Classes are numbered by what
 * they are, never by where they stand: the numbers are the same for any graph of the same types.
 */
export const classify = (graph: Graph, roots: ReadonlyArray<Id>): Classes => {
  // A union that has one member is that member, be it written several times.
  const alias = new Map<Id, Id>()
  const find = (id: Id): Id => {
    const next = alias.get(id)
    return next === undefined ? id : find(next)
  }
  const membersOf = (id: Id): ReadonlyArray<Id> => [
    ...new Set(graph.members(id).map(find).flatMap(graph.members).map(find))
  ]

  while (true) {
    const childrenOf = (id: Id): ReadonlyArray<Id> => inside(graph.node(id), membersOf(id)).map(find)
    const layers = layersOf(roots.map(find), childrenOf)
    const reached = layers.flat()
    const classes = new Map<Id, number>()
    const of = (id: Id): number => classes.get(find(id)) ?? 0
    const text = (id: Id): string => JSON.stringify([of(id), describe(graph.node(id), of, membersOf(id))])
    let before = 0
    for (const layer of layers) {
      // Nothing is known of what stands in itself at first: as many rounds as tell more.
      for (const id of layer) classes.set(id, before)
      let count = 0
      for (let last = -1; count !== last;) {
        last = count
        const texts = layer.map((id) => [id, text(id)] as const)
        const sorted = [...new Set(texts.map(([, said]) => said))].toSorted()
        const numbers = new Map(sorted.map((said, index) => [said, before + index]))
        for (const [id, said] of texts) classes.set(id, numbers.get(said) ?? before)
        count = sorted.length
      }
      before += count
    }
    const single = reached.filter((id) => {
      const { checks, shape } = graph.node(id)
      return shape._tag === "Union" && checks.length === 0 && new Set(membersOf(id).map(of)).size === 1
    })
    if (single.length === 0) return { of, described: describedBy(graph, reached, of, membersOf) }
    for (const id of single) {
      // The others of its members mean the same, too.
      const [member, ...others] = membersOf(id)
      if (member !== undefined) for (const other of [id, ...others]) alias.set(other, member)
    }
  }
}

const describedBy = (
  graph: Graph,
  reached: ReadonlyArray<Id>,
  of: (id: Id) => number,
  membersOf: (id: Id) => ReadonlyArray<Id>
): ReadonlyArray<string> => {
  const described: Array<string> = []
  for (const id of reached) described[of(id)] = JSON.stringify(describe(graph.node(id), of, membersOf(id)))
  return described
}

const asSet = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(texts)].toSorted()

const describe = ({ checks, shape }: Node, of: (id: Id) => number, members: ReadonlyArray<Id>): unknown => {
  const said = ((): unknown => {
    switch (shape._tag) {
      case "Leaf":
        return shape.label
      case "Declared":
        return [shape.label, shape.parameters.map(of)]
      case "Tuple":
        return ["Tuple", shape.elements.map(({ isOptional, type }) => [isOptional, of(type)]), shape.rest.map(of)]
      case "Struct":
        return [
          "Struct",
          shape.fields.map(({ isOptional, key, type }) => [key, isOptional, of(type)]),
          asSet(shape.indexes.map(({ parameter, type }) => JSON.stringify([of(parameter), of(type)])))
        ]
      case "Union":
        // With checks it is its own member; they are said apart.
        return ["Union", asSet((checks.length === 0 ? members : shape.members).map((member) => String(of(member))))]
    }
  })()
  return [said, asSet(checks.map(({ id, payload, schemas }) => ordered([id, payload ?? null, schemas.map(of)])))]
}

/** What stands in a type. */
const inside = ({ checks, shape }: Node, members: ReadonlyArray<Id>): ReadonlyArray<Id> => {
  const own = ((): ReadonlyArray<Id> => {
    switch (shape._tag) {
      case "Leaf":
        return []
      case "Declared":
        return shape.parameters
      case "Tuple":
        return [...shape.elements.map(({ type }) => type), ...shape.rest]
      case "Struct":
        return [
          ...shape.fields.map(({ type }) => type),
          ...shape.indexes.flatMap(({ parameter, type }) => [parameter, type])
        ]
      case "Union":
        return checks.length === 0 ? members : shape.members
    }
  })()
  return [...own, ...checks.flatMap(({ schemas }) => schemas)]
}

/** How many types behind the roots stand in themselves, or have such in them. */
export const recursive = (graph: Graph, roots: ReadonlyArray<Id>): number =>
  [...heightsOf(roots, (id) => inside(graph.node(id), graph.members(id))).values()].filter((it) => it === Infinity)
    .length

/**
 * All types behind the roots: first those that have nothing in them, then those with only these in them, and so on. The last
 * layer are those that stand in themselves, and what these stand in. Types that mean the same are in the same layer.
 */
const layersOf = (
  roots: ReadonlyArray<Id>,
  childrenOf: (id: Id) => ReadonlyArray<Id>
): ReadonlyArray<ReadonlyArray<Id>> => {
  const layers = new Map<number, Array<Id>>()
  for (const [id, height] of heightsOf(roots, childrenOf)) {
    const layer = layers.get(height)
    if (layer === undefined) layers.set(height, [id])
    else layer.push(id)
  }
  return [...layers].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, layer]) => layer)
}

/** How high types stand above those that have nothing in them: infinitely, where they stand in themselves. */
const heightsOf = (roots: ReadonlyArray<Id>, childrenOf: (id: Id) => ReadonlyArray<Id>): ReadonlyMap<Id, number> => {
  // Infinite while it is not known, too.
  const heights = new Map<Id, number>()
  const visit = (id: Id): number => {
    const known = heights.get(id)
    if (known !== undefined) return known
    heights.set(id, Infinity)
    const height = childrenOf(id).reduce((most, child) => Math.max(most, visit(child) + 1), 0)
    heights.set(id, height)
    return height
  }
  roots.forEach(visit)
  return heights
}
