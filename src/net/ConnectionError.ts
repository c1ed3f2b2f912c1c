/**
 * The typed errors of connections.
 */
import * as Schema from "effect/Schema"
import { FrameTooLarge, TransportError } from "./TransportError.ts"
import { sentence } from "./internal/shown.ts"

/**
 * The connection is closed for good: by this side, by the other side, or since it was lost and is not made again.
 *
 * @category errors
 */
export class ConnectionClosed extends Schema.TaggedError<ConnectionClosed>()("ConnectionClosed", {
  peer: Schema.String,
  by: Schema.Literals(["this side", "the other side", "loss"]),
  detail: Schema.String
}) {
  override get message(): string {
    const detail = this.detail === "" ? "" : `: ${this.detail}`
    return `${sentence(`The connection to ${this.peer} was closed by ${this.by}${detail}`)} Make a new one.`
  }
}

/**
 * There was no answer in time. The other side may have done what was asked all the same.
 *
 * @category errors
 */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", {
  peer: Schema.String,
  route: Schema.String,
  milliseconds: Schema.Number
}) {
  override get message(): string {
    return `${this.peer} did not answer "${this.route}" within ${this.milliseconds} ms. Give it more time, or look at what its handler does.`
  }
}

/**
 * There is no link to the other side now.
 *
 * **Details**
 *
 * `delivery`: `"not sent"` when nothing has left this side, so that it can be tried again at any rate; `"uncertain"` when
 * the other side may have got it, and may have handled it.
 *
 * @category errors
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  peer: Schema.String,
  route: Schema.String,
  delivery: Schema.Literals(["not sent", "uncertain"]),
  detail: Schema.String
}) {
  override get message(): string {
    const next =
      this.delivery === "not sent"
        ? "Nothing was sent: try again."
        : "It may have been handled: ask before it is repeated, or allow retries, which are handled once."
    return `${this.peer} is not available for "${this.route}": ${sentence(this.detail)} ${next}`
  }
}

/**
 * The other side has no handler of the name.
 *
 * @category errors
 */
export class UnknownRoute extends Schema.TaggedError<UnknownRoute>()("UnknownRoute", {
  peer: Schema.String,
  route: Schema.String
}) {
  override get message(): string {
    return `${this.peer} does not know "${this.route}". Compare the protocols of both sides, and their versions.`
  }
}

/**
 * The other side does not allow it to who we are there.
 *
 * @category errors
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>()("PermissionDenied", {
  peer: Schema.String,
  route: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.peer} refuses "${this.route}": ${sentence(this.detail)}`
  }
}

/**
 * A limit of the other side, or of this one, is reached; nothing was handled.
 *
 * @category errors
 */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  peer: Schema.String,
  route: Schema.String,
  /** What there is a limit of: how many requests may be pending, or how many there may be in a time. */
  limit: Schema.Literals(["pending", "rate"]),
  allowed: Schema.Number
}) {
  override get message(): string {
    const what = this.limit === "pending" ? `requests pending` : `requests a second`
    return `"${this.route}" is beyond what ${this.peer} takes: ${this.allowed} ${what}. Ask for less at once, or raise the limit.`
  }
}

/**
 * What was asked can't be sent, or what came can't be read: it is not what the schema says.
 *
 * @category errors
 */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", {
  peer: Schema.String,
  route: Schema.String,
  /** Which part is wrong, as this side or the other has found. */
  part: Schema.Literals(["payload", "reply"]),
  foundBy: Schema.Literals(["this side", "the other side"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The ${this.part} of "${this.route}" (${this.peer}) is not what its schema says, as ${this.foundBy} finds: ${sentence(this.detail)} Compare the protocols of both sides.`
  }
}

/**
 * An argument is not what it may be; nothing was sent.
 *
 * @category errors
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  argument: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.argument} ${sentence(this.detail)}`
  }
}

/**
 * The handler on the other side died or was interrupted: it has neither a reply nor a typed error.
 *
 * @category errors
 */
export class HandlerFailed extends Schema.TaggedError<HandlerFailed>()("HandlerFailed", {
  peer: Schema.String,
  route: Schema.String,
  how: Schema.Literals(["died", "interrupted"])
}) {
  override get message(): string {
    const next = this.how === "died" ? "Its log says why." : "It may be about to stop: try again later."
    return `The handler of "${this.route}" at ${this.peer} ${this.how === "died" ? "died" : "was interrupted"}. ${next}`
  }
}

/**
 * Who we are was not accepted, or who the other side is.
 *
 * @category errors
 */
export class AuthenticationFailed extends Schema.TaggedError<AuthenticationFailed>()("AuthenticationFailed", {
  peer: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Authentication with ${this.peer} failed: ${sentence(this.detail)}`
  }
}

/**
 * The other side does not take the connection, for a reason other than who we are.
 *
 * @category errors
 */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  peer: Schema.String,
  reason: Schema.Literals(["WrongProtocol", "WrongVersion", "WrongInstance", "Stopping", "NoGreeting"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.peer} does not take the connection: ${sentence(this.detail)}`
  }
}

/**
 * The runtime can't do with the transport that was asked for.
 *
 * @category errors
 */
export class UnsupportedTransport extends Schema.TaggedError<UnsupportedTransport>()("UnsupportedTransport", {
  transport: Schema.String,
  runtime: Schema.String,
  supported: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `A ${this.runtime} runtime does not speak ${this.transport}. Use one of: ${this.supported.join(", ")}.`
  }
}

/**
 * One attempt to connect, and why it failed.
 *
 * @category models
 */
export const Attempt = Schema.Struct({
  transport: Schema.String,
  address: Schema.String,
  error: Schema.Union([TransportError, AuthenticationFailed, Refused])
})

/**
 * No connection could be made: each transport that was tried, in order, with its own address and why it failed.
 *
 * @category errors
 */
export class ConnectionFailed extends Schema.TaggedError<ConnectionFailed>()("ConnectionFailed", {
  attempts: Schema.NonEmptyArray(Attempt)
}) {
  override get message(): string {
    const attempts = this.attempts.map(
      ({ address, error, transport }) => `${transport} to ${address}: ${error.message}`
    )
    return `No connection could be made. Tried ${attempts.join(" Then ")}`
  }
}

/**
 * How a request can fail besides the route's own error.
 *
 * @category errors
 */
export const RequestError = Schema.Union([
  ConnectionClosed,
  Timeout,
  Unavailable,
  UnknownRoute,
  PermissionDenied,
  LimitExceeded,
  InvalidMessage,
  InvalidArgument,
  HandlerFailed,
  FrameTooLarge
])

/**
 * The type of {@link RequestError}.
 *
 * @category errors
 */
export type RequestError = typeof RequestError.Type

/**
 * How a message that has no answer can fail to be sent.
 *
 * @category errors
 */
export type TellError = ConnectionClosed | Unavailable | UnknownRoute | InvalidMessage | FrameTooLarge
