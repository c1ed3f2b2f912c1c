/**
 * Why a request was not answered by its handler, on its way to whoever asked.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  HandlerFailed,
  InvalidMessage,
  LimitExceeded,
  PermissionDenied,
  type RequestError,
  Unavailable,
  UnknownRoute
} from "../../ConnectionError.ts"
import { FrameTooLarge } from "../../TransportError.ts"
import { textOf } from "./packet.ts"

const Fault = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("UnknownRoute") }),
  Schema.Struct({ _tag: Schema.tag("PermissionDenied"), detail: Schema.String }),
  Schema.Struct({
    _tag: Schema.tag("LimitExceeded"),
    limit: LimitExceeded.fields.limit,
    allowed: LimitExceeded.fields.allowed
  }),
  Schema.Struct({ _tag: Schema.tag("InvalidMessage"), part: InvalidMessage.fields.part, detail: Schema.String }),
  Schema.Struct({ _tag: Schema.tag("HandlerFailed"), how: HandlerFailed.fields.how }),
  Schema.Struct({ _tag: Schema.tag("FrameTooLarge"), bytes: Schema.Number, limit: Schema.Number }),
  // It takes no more requests, and has not begun this one.
  Schema.Struct({ _tag: Schema.tag("Leaving") })
])

export type Fault = typeof Fault.Type

const json = Schema.fromJsonString(Fault)
const decode = Schema.decodeUnknownOption(json)

export const bodyOf = (fault: Fault): string => JSON.stringify(fault)

export const read = (body: Uint8Array): Fault | undefined => Option.getOrUndefined(decode(textOf(body)))

/** Why a side that is leaving begins nothing. */
export const leaving = "it stops, and takes no more requests"

/** What whoever asked is told. */
export const errorOf = (fault: Fault, peer: string, route: string): RequestError => {
  switch (fault._tag) {
    case "UnknownRoute":
      return new UnknownRoute({ peer, route })
    case "PermissionDenied":
      return new PermissionDenied({ peer, route, detail: fault.detail })
    case "LimitExceeded":
      return new LimitExceeded({ peer, route, limit: fault.limit, allowed: fault.allowed })
    case "InvalidMessage":
      return new InvalidMessage({ peer, route, part: fault.part, foundBy: "the other side", detail: fault.detail })
    case "HandlerFailed":
      return new HandlerFailed({ peer, route, how: fault.how })
    case "FrameTooLarge":
      return new FrameTooLarge({ peer, direction: "in", bytes: fault.bytes, limit: fault.limit })
    case "Leaving":
      return new Unavailable({ peer, route, delivery: "not sent", detail: leaving })
  }
}
