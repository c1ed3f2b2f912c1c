/**
 * Why a message can't be put aside.
 */
import * as Schema from "effect/Schema"

/**
 * A stash holds as many messages as it can.
 *
 * @category errors
 */
export class StashFull extends Schema.TaggedError<StashFull>()("StashFull", {
  process: Schema.String,
  topic: Schema.String,
  capacity: Schema.Number
}) {
  override get message(): string {
    return `The process ${this.process} could not put "${this.topic}" aside: its stash is full (${this.capacity} messages). Unstash earlier, give it more capacity, or refuse the message.`
  }
}
