/**
 * The errors of a send as a recording has them: without what was sent, which it has beside them.
 */
import type * as Schema from "effect/Schema"
import {
  HostStopped,
  InboxFull,
  InvalidMessage,
  ProcessClosed,
  ProcessNotFound,
  type Request,
  type SendError
} from "../ProcessError.ts"
import { canonical } from "./canonical.ts"

const classes = { HostStopped, InboxFull, InvalidMessage, ProcessClosed, ProcessNotFound }

export const sendErrorToJson = (error: SendError): Schema.Json => {
  const { request: _, ...fields } = error
  return canonical({ ...fields, _tag: error._tag })
}

export const sendErrorOf = (json: Schema.Json, request: Request): SendError => {
  const { _tag, ...fields } = json as { readonly _tag: keyof typeof classes }
  const Class = classes[_tag] as new (fields: object) => SendError
  return new Class({ ...fields, request })
}
