/**
 * Which side of a contract speaks streams: has the routes of `DataStream`, as this version has them.
 */
import * as Effect from "effect/Effect"
import type { Contract, Route } from "../../Contract.ts"
import * as DataStream from "../../DataStream.ts"
import * as Protocol from "../../Protocol.ts"
import { canonicalOf } from "./canonical.ts"
import * as document from "./document.ts"

/**
 * What a side says of streams: all that is to be said, nothing, or something else, from which route on.
 */
export type Streams =
  | { readonly _tag: "All" }
  | { readonly _tag: "None" }
  | { readonly _tag: "Other"; readonly route: string; readonly detail: string }

/** Whether a route is one of streams, by its name. */
export const isStreamRoute = ({ name }: Pick<Route, "name">): boolean => name.startsWith("@stream.")

const sameText = (contract: Contract, route: Route): string =>
  canonicalOf({ ...contract, protocol: "", server: [route], client: [] })

/** What a side says of streams. */
export const streamsOf = Effect.fnUntraced(function* (
  contract: Contract,
  side: "server" | "client"
): Effect.fn.Return<Streams> {
  const said = contract[side].filter(isStreamRoute)
  if (said.length === 0) return { _tag: "None" }
  const protocol = Protocol.make("", { server: DataStream.routes })
  // All of its schemas are such as can be written.
  const ours = yield* Effect.orDie(document.make({ type: contract.type, protocol }))
  for (const route of ours.server) {
    const theirs = said.find(({ name }) => name === route.name)
    if (theirs === undefined)
      return { _tag: "Other", route: route.name, detail: "is not there, but others of streams are" }
    if (sameText(contract, theirs) !== sameText(ours, route)) {
      return { _tag: "Other", route: route.name, detail: "is another than in this version of Troupe" }
    }
  }
  const more = said.find(({ name }) => ours.server.every((route) => route.name !== name))
  if (more !== undefined) return { _tag: "Other", route: more.name, detail: "is none that this version of Troupe has" }
  return { _tag: "All" }
})

/** Whether both sides speak streams, which is what `.proto` can say; `partly` is anything else than both or neither. */
export const streaming = Effect.fnUntraced(function* (
  contract: Contract
): Effect.fn.Return<"both" | "neither" | "partly"> {
  const said = [yield* streamsOf(contract, "server"), yield* streamsOf(contract, "client")]
  if (said.every(({ _tag }) => _tag === "All")) return "both"
  return said.every(({ _tag }) => _tag === "None") ? "neither" : "partly"
})
