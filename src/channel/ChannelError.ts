/**
 * The typed errors of channels: each says what to do next.
 */
import * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"

/**
 * A channel is closed: there is nothing more to receive, and nothing can be sent.
 *
 * **Details**
 *
 * `value` is what was to be sent, when it was a send that failed: it was not accepted, and is the sender's again. `cause`
 * is what the channel was closed with, if anything.
 *
 * @category errors
 */
export class ChannelClosed extends Schema.TaggedError<ChannelClosed>()("ChannelClosed", {
  value: Schema.optionalKey(Schema.Any),
  cause: Schema.optionalKey(Schema.Any)
}) {
  override get message(): string {
    const why = Cause.isCause(this.cause) ? ` with: ${Cause.pretty(this.cause)}` : ""
    return `The channel is closed${why}. Receive until it says so, and send only while its owner keeps it open.`
  }
}

/**
 * A channel can't have this capacity.
 *
 * @category errors
 */
export class InvalidCapacity extends Schema.TaggedError<InvalidCapacity>()("InvalidCapacity", {
  capacity: Schema.Number
}) {
  override get message(): string {
    return `A channel can't have a capacity of ${this.capacity}; it must be a whole number from 1 on. Use Channel.rendezvous for one that holds nothing, and Channel.unbounded for one without limit.`
  }
}
