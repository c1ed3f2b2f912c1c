/**
 * Messages at the border of a node: the schemas by which they cross, and why the other node did not take them.
 */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import {
  type CallError,
  CalleeExited,
  HostStopped,
  InboxFull,
  InvalidMessage,
  MessageDropped,
  ProcessClosed,
  ProcessNotFound,
  ProcessRestarting
} from "../ProcessError.ts"
import type { Topic, Topics } from "./definition.ts"
import type { MessageImpl } from "./message.ts"
import type { NodeId } from "./remoteCrossing.ts"
import { detailOf, encode, exitFromWire, exitToWire } from "./remoteExit.ts"
import type { Answer, Refusal } from "./remoteSignal.ts"

const exits = new WeakMap<Topic, Schema.Top>()

/** How a call of the topic is answered. */
export const exitSchema = (topic: Topic): Schema.Top => {
  let schema = exits.get(topic)
  if (schema === undefined) {
    const { errorSchema, successSchema } = topic.rpc
    schema = Schema.Exit(successSchema, errorSchema, Schema.Defect())
    exits.set(topic, schema)
  }
  return schema
}

interface Crossed {
  readonly topic: Topic
  readonly payload: Schema.Json
}

/** The payload of a message as it crosses, and the topic by which it does; or why it can't. */
export const payloadOf = (
  topics: Topics | undefined,
  target: string,
  message: MessageImpl,
  self: NodeId
): Crossed | InvalidMessage => {
  const invalid = (reason: InvalidMessage["reason"], detail: string) =>
    new InvalidMessage({ target, request: message.request, reason, detail })
  if (message.topic.startsWith("@")) {
    return invalid("ReservedTopic", "topics that begin with @ are the system's own. Choose another name for the topic.")
  }
  if (topics === undefined) {
    return invalid(
      "UnknownSchema",
      "this node does not know the schema by which it would cross. Decode the pid with Pid.of and the topics that it takes, or make the name with the definition's named."
    )
  }
  const topic = topics.get(message.topic)
  if (topic === undefined) {
    const known = Array.from(topics.keys(), (name) => `"${name}"`).join(", ")
    return invalid("UnknownTopic", `the address is known to take ${known === "" ? "no messages" : known}.`)
  }
  const payload = encode(topic.rpc.payloadSchema, message.payload, self)
  return Exit.isSuccess(payload)
    ? { topic, payload: payload.value }
    : invalid("InvalidPayload", `the payload does not fit its schema: ${detailOf(payload)}`)
}

/** Why a message was refused, as it crosses. */
export const refusalOf = (error: CallError, self: NodeId): Refusal => {
  switch (error._tag) {
    case "ProcessClosed":
    case "ProcessRestarting":
    case "MessageDropped":
      return { _tag: error._tag }
    case "HostStopped":
      return { _tag: "HostStopped", host: error.host }
    case "InboxFull":
      return { _tag: "InboxFull", capacity: error.capacity }
    case "InvalidMessage": {
      const { detail, reason } = error
      return { _tag: "InvalidMessage", reason: reason === "UnknownSchema" ? "UnknownTopic" : reason, detail }
    }
    case "CalleeExited":
      return { _tag: "CalleeExited", exit: exitToWire(error.exit, Schema.Unknown, self) }
    // The others are of the side that asks.
    case "ProcessNotFound":
    case "NoConnection":
    case "CallingSelf":
    case "CallTimeout":
      return { _tag: "ProcessNotFound" }
  }
}

/** That the answer to a call can't cross. */
export const invalidAnswer = (detail: string): Answer => ({
  _tag: "Refused",
  refusal: {
    _tag: "InvalidMessage",
    reason: "InvalidAnswer",
    detail: `it does not fit the schema of the topic: ${detail}`
  }
})

/** The error that a refusal stands for, with what was sent. */
export const errorOf = (
  refusal: Refusal,
  target: string,
  { request }: MessageImpl,
  self: NodeId
): Exclude<CallError, { readonly _tag: "NoConnection" | "CallingSelf" | "CallTimeout" }> => {
  switch (refusal._tag) {
    case "ProcessNotFound":
      return new ProcessNotFound({ target, request })
    case "ProcessClosed":
      return new ProcessClosed({ target, request })
    case "ProcessRestarting":
      return new ProcessRestarting({ target, request })
    case "MessageDropped":
      return new MessageDropped({ target, request })
    case "HostStopped":
      return new HostStopped({ host: refusal.host, request })
    case "InboxFull":
      return new InboxFull({ target, request, capacity: refusal.capacity })
    case "InvalidMessage":
      return new InvalidMessage({ target, request, reason: refusal.reason, detail: refusal.detail })
    case "CalleeExited":
      return new CalleeExited({ target, request, exit: exitFromWire(refusal.exit, self) })
  }
}
