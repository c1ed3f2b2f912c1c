/**
 * Modules for contracts of others: the protocol, and a client that finds who speaks it.
 */
import type * as Effect from "effect/Effect"
import * as SemVerRange from "effect/SemVerRange"
import type { Range } from "../../../net/ActorType.ts"
import { type ModuleOptions, moduleSource } from "./moduleSource.ts"
import type { NotGenerated } from "./NotGenerated.ts"
import { quoted } from "./text.ts"

/**
 * The source of a module that connects to the servers of a contract, before it is formatted.
 *
 * **Details**
 *
 * It exports the schemas that the contract names, the protocol under the name in Pascal case, the range as `range`, and
 * `connect`, which is `Directory.connect` to a server of the range.
 *
 * **Errors**
 *
 * `NotGenerated` for what is code alone, and for routes of the system that this version does not have.
 *
 * @category modules
 */
export const remoteModule = ({
  range,
  ...options
}: ModuleOptions & { readonly range: Range }): Effect.Effect<string, NotGenerated> =>
  moduleSource(options, (protocol, { hasClient }) => {
    const { manufacturer, name, versions } = range
    const client = `(typeof ${protocol}.client)[number]`
    const [generics, type] = hasClient
      ? [
          `<const H extends Protocol.Handlers<${client}, (typeof ${protocol}.server)[number]>>`,
          `Directory.ConnectOptions & { readonly handlers: H } & Protocol.OnlyRoutes<${client}, H>`
        ]
      : ["", "Directory.ConnectOptions"]
    return {
      effect: ["SemVerRange"],
      net: ["ActorType", "Directory"],
      source: `/** The servers that will do. */
export const range = new ActorType.Range({
  manufacturer: ${quoted(manufacturer)},
  name: ${quoted(name)},
  versions: SemVerRange.parseUnsafe(${quoted(SemVerRange.format(versions))})
})

/** Finds the servers of the range in the directory, and connects to the best of them; it is closed with the scope. */
export const connect = ${generics}(options: ${type}) => Directory.connect(range, ${protocol}, options)`
    }
  })
