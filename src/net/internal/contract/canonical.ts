/**
 * The canonical form of a contract: one text for all contracts that say the same.
 */
import type { Contract, Route } from "../../Contract.ts"
import { parts } from "./document.ts"
import { classify } from "./classes.ts"
import { make, ordered } from "./graph.ts"

export const canonicalOf = (contract: Contract): string => {
  const graph = make()
  const added = (routes: ReadonlyArray<Route>) =>
    routes.map((route) => ({ route, types: parts.map((part) => graph.add(route[part], contract.references)) }))
  const sides = [added(contract.server), added(contract.client)]
  const classes = classify(
    graph,
    sides.flatMap((routes) => routes.flatMap(({ types }) => types))
  )
  const said = sides.map((routes) =>
    routes.map(({ route, types }) => [route.name, route.stream, types.map(classes.of)])
  )
  return ordered([contract.protocol, said, classes.described])
}
