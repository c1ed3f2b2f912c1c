/**
 * Modules for contracts of one's own: the protocol, and what its handlers have to be.
 */
import type * as Effect from "effect/Effect"
import * as SemVer from "effect/SemVer"
import { type ModuleOptions, moduleSource } from "./moduleSource.ts"
import type { NotGenerated } from "./NotGenerated.ts"
import { quoted } from "./text.ts"

/**
 * The source of a module for who serves a contract, before it is formatted.
 *
 * **Details**
 *
 * It exports the schemas that the contract names, the protocol under the name in Pascal case, the type of the actor as
 * `type`, and the type of its handlers as `Handlers`.
 *
 * **Errors**
 *
 * `NotGenerated` for what is code alone, and for routes of the system that this version does not have.
 *
 * @category modules
 */
export const localModule = (options: ModuleOptions): Effect.Effect<string, NotGenerated> =>
  moduleSource(options, (protocol) => {
    const { manufacturer, name, version } = options.contract.type
    return {
      effect: ["SemVer"],
      net: ["ActorType"],
      source: `/** What the server is, and in which version. */
export const type = new ActorType.ActorType({
  manufacturer: ${quoted(manufacturer)},
  name: ${quoted(name)},
  version: SemVer.parseUnsafe(${quoted(SemVer.format(version))})
})

/** What handles the routes of the server. */
export type Handlers = Protocol.Handlers<(typeof ${protocol}.server)[number], (typeof ${protocol}.client)[number]>`
    }
  })
