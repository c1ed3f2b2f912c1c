/**
 * Handlers for a person to write: each is there, and says that it is not written yet.
 */
import * as Effect from "effect/Effect"
import type { Contract } from "../../../net/Contract.ts"
import type { NotGenerated } from "./NotGenerated.ts"
import { speakingOf } from "./speaking.ts"
import { comment, keyOf, quoted } from "./text.ts"

/**
 * The source of a file with a handler for each route of a contract's server, before it is formatted.
 *
 * **Details**
 *
 * - `module`: where the module of the contract is, of {@link localModule}, as the file imports it.
 *
 * It exports `handlers`: an object, or, where the server speaks streams, an effect that makes them and their streams.
 *
 * **Errors**
 *
 * `NotGenerated` as the module itself.
 *
 * @category modules
 */
export const scaffold = Effect.fnUntraced(function* (options: {
  readonly name: string
  readonly contract: Contract
  readonly module: string
}): Effect.fn.Return<string, NotGenerated> {
  const { isStreaming, own } = yield* speakingOf(options.contract)
  const routes = own.server.map(({ name, stream }) => {
    const unwritten = `${stream ? "Stream" : "Effect"}.die(${quoted(`${name} is not written yet`)})`
    return `${keyOf(name)}: (_payload, _connection) => ${unwritten}`
  })
  const effects = [
    ...(isStreaming || own.server.some(({ stream }) => !stream) ? ["Effect"] : []),
    ...(own.server.some(({ stream }) => stream) ? ["Stream"] : [])
  ]
  const object = `{ ${[...(isStreaming ? ["...streams.handlers"] : []), ...routes].join(", ")} } satisfies Handlers`
  return [
    comment(`The handlers of ${options.name}: this file is yours, and is not written again.`),
    [
      ...(effects.length === 0 ? [] : [`import { ${effects.join(", ")} } from "effect"`]),
      ...(isStreaming ? ['import { DataStream } from "troupe/net"'] : []),
      `import type { Handlers } from ${quoted(options.module)}`
    ].join("\n"),
    isStreaming
      ? `export const handlers = Effect.gen(function* () {
  const streams = yield* DataStream.make()
  return ${object}
})`
      : `export const handlers = ${object}`
  ]
    .join("\n\n")
    .concat("\n")
})
