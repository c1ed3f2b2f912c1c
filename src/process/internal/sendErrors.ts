/**
 * The errors of a send as a recording has them: without what was sent, which it has beside them.
 */
import type * as Schema from "effect/Schema"
import {
  HostStopped,
  InboxFull,
  InvalidMessage,
  NoConnection,
  ProcessClosed,
  ProcessNotFound,
  type Request,
  type SendError
} from "../ProcessError.ts"

const classes = { HostStopped, InboxFull, InvalidMessage, NoConnection, ProcessClosed, ProcessNotFound }

export const sendErrorToJson = (error: SendError): Schema.Json => {
  const { request: _, ...fields } = error
  // Texts and numbers, which are written as they are.
  return { ...fields, _tag: error._tag } as object as Schema.Json
}

export const sendErrorOf = (json: Schema.Json, request: Request): SendError => {
  const { _tag, ...fields } = json as { readonly _tag: keyof typeof classes }
  const Class = classes[_tag] as new (fields: object) => SendError
  return new Class({ ...fields, request })
}
