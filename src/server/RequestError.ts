/**
 * The typed errors of requests.
 */
import * as Schema from "effect/Schema"

/**
 * A request has the label of another one, whose response has not been received.
 *
 * @category errors
 */
export class DuplicateLabel extends Schema.TaggedError<DuplicateLabel>()("DuplicateLabel", {
  label: Schema.Unknown,
  target: Schema.String,
  topic: Schema.String
}) {
  override get message(): string {
    return `The request "${this.topic}" to ${this.target} was not sent: there is a request labelled ${String(this.label)} already. Give each request a label of its own, receive the response of the other one first, or abandon it.`
  }
}

/**
 * A collection has no request left whose response could be received.
 *
 * @category errors
 */
export class NoRequest extends Schema.TaggedError<NoRequest>()("NoRequest", {}) {
  override get message(): string {
    return "There is no request left to wait for: each was answered or abandoned. Send one first, or stop receiving."
  }
}

/**
 * No response came in time; the requests stay valid.
 *
 * @category errors
 */
export class ResponseTimeout extends Schema.TaggedError<ResponseTimeout>()("ResponseTimeout", {
  pending: Schema.Number
}) {
  override get message(): string {
    return `No response came in time; ${this.pending} requests are outstanding. Receive again later, or abandon them.`
  }
}
