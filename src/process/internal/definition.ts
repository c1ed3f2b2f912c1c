/**
 * What a host needs to know to run a process: its name, the messages that it takes, and its body.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import type { Options } from "../Inbox.ts"
import { InvalidArguments, InvalidBody, InvalidMessage } from "../ProcessError.ts"
import { guardOf } from "./guard.ts"
import type { MessageImpl } from "./message.ts"

/** A topic that a process takes. */
export interface Topic {
  readonly schema: Schema.Top
  readonly accepts: (payload: unknown) => boolean
  /** Whether a call of it is answered with a stream. */
  readonly streams: boolean
  /** The `Rpc` that it was made of. */
  readonly rpc: Rpc.AnyWithProps
}

/** Topics by name. */
export type Topics = ReadonlyMap<string, Topic>

/** A process definition, without its types. */
export interface Definition {
  readonly name: string
  /** The key under which its implementation is provided. */
  readonly key: Context.Service<Implementation, Implementation>
  readonly topics: Topics
  readonly args: Schema.Top
  readonly acceptsArgs: (args: unknown) => boolean
  /** What its body returns. */
  readonly success: Schema.Top
  readonly inbox: Options | undefined
  /** When the process has started: once it is spawned, or once its body says so. */
  readonly start: "spawned" | "acknowledged"
  /** What happens to messages of topics that are not in the protocol. */
  readonly otherTopics: "refused" | "accepted"
}

/** A definition with a body, and the services that the body was built with. */
export interface Implementation {
  readonly definition: Definition
  readonly body: (args: never) => Effect.Effect<unknown, unknown, never>
  readonly services: Context.Context<never>
}

/** The topics of a protocol, by name. */
export const topicsOf = (protocol: ReadonlyArray<Rpc.Any>): Topics =>
  new Map(
    (protocol as ReadonlyArray<Rpc.AnyWithProps>).map((rpc) => [
      rpc._tag,
      {
        schema: rpc.payloadSchema,
        accepts: guardOf(rpc.payloadSchema),
        streams: RpcSchema.isStreamSchema(rpc.successSchema),
        rpc
      }
    ])
  )

/** What is wrong with a value that does not fit the schema. */
export const issueOf = (schema: Schema.Top, value: unknown): string => {
  const exit = Schema.decodeUnknownExit(Schema.toType(schema))(value)
  return Exit.isFailure(exit) ? String(exit.cause.reasons.map((r) => (r._tag === "Fail" ? r.error : r)).join("; ")) : ""
}

/** What is wrong with a message to a process of this definition; `undefined` when it fits. */
export const refusalOf = (
  definition: Definition,
  target: { toString(): string },
  message: MessageImpl
): InvalidMessage | undefined => {
  const { payload, topic } = message
  const known = definition.topics.get(topic)
  if (known === undefined) {
    if (topic.startsWith("@")) {
      return new InvalidMessage({
        target: String(target),
        request: message.request,
        reason: "ReservedTopic",
        detail: "topics that begin with @ are the system's own. Choose another name for the topic."
      })
    }
    if (definition.otherTopics === "accepted") return undefined
    return new InvalidMessage({
      target: String(target),
      request: message.request,
      reason: "UnknownTopic",
      detail: `${definition.name} takes ${namesOf(definition)}. Add the topic to its protocol, or send it elsewhere.`
    })
  }
  return known.accepts(payload)
    ? undefined
    : new InvalidMessage({
        target: String(target),
        request: message.request,
        reason: "InvalidPayload",
        detail: `the payload does not fit its schema: ${issueOf(known.schema, payload)}`
      })
}

const namesOf = (definition: Definition): string =>
  definition.topics.size === 0 ? "no messages" : Array.from(definition.topics.keys(), (name) => `"${name}"`).join(", ")

/** What is wrong with the arguments of a spawn; `undefined` when they fit. */
export const argumentsRefusalOf = (definition: Definition, args: unknown): InvalidArguments | undefined =>
  definition.acceptsArgs(args)
    ? undefined
    : new InvalidArguments({ process: definition.name, detail: issueOf(definition.args, args) })

/** The body, applied to its arguments; it fails where what was given for a body does not answer with an effect. */
export const bodyOf = (implementation: Implementation, args: unknown): Effect.Effect<unknown, unknown> => {
  const effect: unknown = implementation.body(args as never)
  return Effect.isEffect(effect)
    ? (effect as Effect.Effect<unknown, unknown>)
    : Exit.fail(new InvalidBody({ process: implementation.definition.name, received: describe(effect) }))
}

const describe = (value: unknown): string => {
  if (value instanceof Promise) return "a Promise"
  if (typeof value === "function") return "a function"
  return value === undefined ? "nothing" : `a value of type ${typeof value}`
}
