/**
 * Which routes of a contract are written, and which are those of `DataStream`.
 */
import * as Effect from "effect/Effect"
import type { Contract } from "../../../net/Contract.ts"
import { isStreamRoute, streamsOf } from "../../../net/internal/contract/streams.ts"
import { NotGenerated } from "./NotGenerated.ts"

/** A contract in two parts: its own routes, and whether both sides speak streams besides. */
export interface Speaking {
  readonly own: Contract
  readonly isStreaming: boolean
}

const sides = ["server", "client"] as const

/** Tells the routes of streams from others; names that begin with @ are the system's own. */
export const speakingOf = Effect.fnUntraced(function* (contract: Contract): Effect.fn.Return<Speaking, NotGenerated> {
  const streams = { server: false, client: false }
  const fail = (route: string, path: string, detail: string) =>
    new NotGenerated({ contract: String(contract.type), route, path, detail })
  for (const side of sides) {
    const said = yield* streamsOf(contract, side)
    if (said._tag === "Other") {
      const detail = `${said.detail}: generate with the version of Troupe that the ${side} has, or bring both to one`
      return yield* fail(said.route, `the ${side}'s route`, detail)
    }
    const strange = contract[side].find((route) => route.name.startsWith("@") && !isStreamRoute(route))
    if (strange !== undefined) {
      return yield* fail(strange.name, "its name", "begins with @, which is for the system's own: give it another")
    }
    streams[side] = said._tag === "All"
  }
  if (streams.server !== streams.client) {
    const [one, other] = streams.server ? ["server", "client"] : ["client", "server"]
    const detail = `are those of the ${one} alone, which handles none without the other side: give the ${other} DataStream.routes`
    return yield* fail("@stream", "the routes of streams", detail)
  }
  const own = {
    ...contract,
    server: contract.server.filter((route) => !isStreamRoute(route)),
    client: contract.client.filter((route) => !isStreamRoute(route))
  }
  return { own, isStreaming: streams.server }
})
