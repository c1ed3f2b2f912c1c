/**
 * The entries of a recording as a body makes them. Recording and replaying make them in the same way, so that what is
 * equal reads equal, byte for byte.
 */
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import type { Pending } from "../../dispatch/internal/pending.ts"
import type { SendError } from "../ProcessError.ts"
import type { Entry } from "../RecordingEntry.ts"
import type { AnyMessage } from "../Spy.ts"
import { canonical } from "./canonical.ts"
import type { Cell } from "./cell.ts"
import { exitOf, jsonOf } from "./codecs.ts"
import type { MessageImpl } from "./message.ts"
import { sendErrorToJson } from "./sendErrors.ts"

/** An entry; or what is wrong with a value that can't be written. */
export type Made = Exit.Exit<Entry, Schema.SchemaError>

export const began = (cell: Cell, seed: number, args: unknown): Made =>
  Exit.map(jsonOf(cell.definition.args).encode(args), (args) => ({
    _tag: "Began",
    version: 1,
    process: cell.definition.name,
    pid: cell.name,
    seed,
    tag: cell.door.given,
    args
  }))

export const yielded = ({ command, payload, tag }: Pending): Made =>
  Exit.map(jsonOf(command.payloadSchema).encode(payload), (payload) => ({
    _tag: "Yielded",
    tag,
    id: command.id,
    command: command._tag,
    payload
  }))

export const completed = ({ command, tag }: Pending, exit: Exit.Exit<unknown, unknown>, atOnce: boolean): Made =>
  Exit.map(exitOf(command).encode(exit), (exit) => ({ _tag: "Completed", tag, exit, atOnce }))

export const givenUp = ({ tag }: Pending): Made => Exit.succeed({ _tag: "GivenUp", tag })

export const received = (cell: Cell, message: MessageImpl): Made => {
  const { call, sender, topic } = message
  const schema = cell.definition.topics.get(topic)?.schema
  const payload = schema === undefined ? canonical(message.payload) : jsonOf(schema).encode(message.payload)
  return Exit.map(payload, (payload) => ({
    _tag: "Received",
    topic,
    payload,
    from: sender === undefined ? null : String(sender),
    call: call !== undefined
  }))
}

export const told = (event: unknown): Made => Exit.map(canonical(event), (event) => ({ _tag: "Told", event }))

export const drained: Made = Exit.succeed({ _tag: "Drained" })

// What the receiver takes is not known where it is played again, so that no schema can say how to write it.
export const sent = (to: string, { payload, topic }: AnyMessage, error: SendError | undefined): Made =>
  Exit.map(canonical(payload), (payload) => ({
    _tag: "Sent",
    to,
    topic,
    payload,
    error: error === undefined ? null : sendErrorToJson(error)
  }))

export const replied = (topic: string, exit: Exit.Exit<unknown, unknown>): Made =>
  Exit.map(canonical(exit), (exit) => ({ _tag: "Replied", topic, exit }))

export const unplayable = (what: string): Made => Exit.succeed({ _tag: "Unplayable", what })

export const ended = (exit: Exit.Exit<unknown, unknown>): Made =>
  Exit.map(canonical(exit), (json) => ({ _tag: "Ended", exit: json, interrupted: Exit.hasInterrupts(exit) }))
