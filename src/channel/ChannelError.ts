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
 * So many wait at a channel already that nobody else is let wait: its limit is the option `waiters`.
 *
 * **Details**
 *
 * `side` says who they are. `value` is what was to be sent, when it was a send that failed: it was not accepted, and is the
 * sender's again.
 *
 * @category errors
 */
export class TooManyWaiters extends Schema.TaggedError<TooManyWaiters>()("TooManyWaiters", {
  side: Schema.Literals(["senders", "receivers"]),
  waiters: Schema.Number,
  value: Schema.optionalKey(Schema.Any)
}) {
  override get message(): string {
    const more = this.side === "senders" ? "receive faster, or send later" : "send more, or receive later"
    return `The channel lets no more than ${this.waiters} ${this.side} wait, and as many do. Have fewer of them: ${more}; or make it with more \`waiters\`.`
  }
}

/**
 * A channel can't have this capacity, or this limit on those who wait.
 *
 * **Details**
 *
 * `option` says which of the two, and `capacity` what it was.
 *
 * @category errors
 */
export class InvalidCapacity extends Schema.TaggedError<InvalidCapacity>()("InvalidCapacity", {
  option: Schema.Literals(["capacity", "waiters"]),
  capacity: Schema.Number
}) {
  override get message(): string {
    return this.option === "capacity"
      ? `A channel can't have a capacity of ${this.capacity}; it must be a whole number from 1 on. Use Channel.rendezvous for one that holds nothing, and Channel.unbounded for one without limit.`
      : `A channel can't let ${this.capacity} waiters wait; it must be a whole number from 1 on. Leave \`waiters\` out for one without limit, and use Channel.trySend and Channel.tryReceive to never wait.`
  }
}
