/**
 * What fails a command about events.
 */
import * as Schema from "effect/Schema"

/**
 * Why an event was not sent, or not subscribed to.
 *
 * **Details**
 *
 * - `InvalidTopic`, `InvalidPattern`: not words with dots between them, without space, `*` and `#`; in a pattern a word may
 *   be one of these two.
 * - `InvalidCapacity`: a subscription can't keep this many events.
 * - `NotOpen`: the subscription was ended, or is not one of this process.
 *
 * @category errors
 */
export const EventErrorReason = Schema.TaggedUnion({
  InvalidTopic: { topic: Schema.String },
  InvalidPattern: { pattern: Schema.String },
  InvalidCapacity: { capacity: Schema.Number },
  NotOpen: { subscription: Schema.Int }
})

/**
 * Why an event was not sent, or not subscribed to.
 *
 * @category errors
 */
export type EventErrorReason = typeof EventErrorReason.Type

const because = EventErrorReason.match({
  InvalidTopic: ({ topic }) =>
    `${JSON.stringify(topic)} is not a topic. A topic has words with dots between them, as in "orders.7.created", without space, "*" and "#".`,
  InvalidPattern: ({ pattern }) =>
    `${JSON.stringify(pattern)} is not a pattern. A pattern has words with dots between them, as in "orders.*.created" and "orders.#"; "*" is any one word, "#" any words.`,
  InvalidCapacity: ({ capacity }) => `A subscription can't keep ${capacity} events. Let it keep 1 or more.`,
  NotOpen: ({ subscription }) =>
    `There is no subscription ${subscription}: it was ended, or belongs to another process. Subscribe in the process that receives.`
})

/**
 * An event was not sent, or not subscribed to; `reason` says why.
 *
 * @category errors
 */
export class EventError extends Schema.TaggedError<EventError>()("EventError", { reason: EventErrorReason }) {
  override get message(): string {
    return because(this.reason)
  }
}
