/**
 * The typed errors of transports.
 */
import * as Schema from "effect/Schema"
import { sentence } from "./internal/shown.ts"

/**
 * Why nothing can be connected to, or listened on.
 *
 * @category errors
 */
export const Reason = Schema.Literals([
  "AddressInUse",
  "InvalidAddress",
  "NotListening",
  "PermissionDenied",
  "HostNotFound",
  "TimedOut",
  "Untrusted",
  "TooManyConnections",
  "Lost",
  "Unsupported"
])

const hints: { readonly [R in typeof Reason.Type]: string } = {
  AddressInUse: "Another program listens there. Stop it, or choose another address.",
  InvalidAddress: "Mend the address.",
  NotListening: "Nothing listens there. Start the server, or mend the address.",
  PermissionDenied: "The system does not allow it. Check who may use the address.",
  HostNotFound: "There is no host of that name. Mend the name, or look at the resolver.",
  TimedOut: "Nobody answered in time. Check the network between, or give it more time.",
  Untrusted: "The certificates do not fit together. Check those of both sides, and the authorities that they trust.",
  TooManyConnections: "It serves as many as it may. Come back later, or raise its limit.",
  Lost: "The connection was lost before it was there. Try again.",
  Unsupported: "It can't be done here. Choose another transport."
}

/**
 * A transport can't connect or listen.
 *
 * @category errors
 */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  transport: Schema.String,
  address: Schema.String,
  doing: Schema.Literals(["connect", "listen"]),
  reason: Reason,
  detail: Schema.String
}) {
  override get message(): string {
    return `Can't ${this.doing} ${this.doing === "connect" ? "to" : "on"} ${this.address} (${this.transport}): ${sentence(this.detail)} ${hints[this.reason]}`
  }
}

/**
 * A wire is closed: by this side, by the other side in order, or since it was lost.
 *
 * @category errors
 */
export class WireClosed extends Schema.TaggedError<WireClosed>()("WireClosed", {
  transport: Schema.String,
  peer: Schema.String,
  by: Schema.Literals(["this side", "the other side", "loss"]),
  detail: Schema.String
}) {
  override get message(): string {
    const why = {
      "this side": "this side closed it",
      "the other side": "the other side closed it",
      loss: "it was lost"
    }
    return `The wire to ${this.peer} (${this.transport}) is closed: ${why[this.by]}${this.detail === "" ? "" : `, ${this.detail}`}.`
  }
}

/**
 * A frame has more bytes than the wire carries. One that is to be sent was not sent, and the wire goes on; one that came in
 * has closed the wire.
 *
 * @category errors
 */
export class FrameTooLarge extends Schema.TaggedError<FrameTooLarge>()("FrameTooLarge", {
  peer: Schema.String,
  direction: Schema.Literals(["out", "in"]),
  bytes: Schema.Number,
  limit: Schema.Number
}) {
  override get message(): string {
    return `A frame ${this.direction === "out" ? "to" : "from"} ${this.peer} has ${this.bytes} bytes, and the wire carries ${this.limit} at most. Send less at once, as a stream, or raise maxFrame on both sides.`
  }
}
