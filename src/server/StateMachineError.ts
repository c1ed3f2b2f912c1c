/**
 * The typed errors of state machines.
 */
import * as Schema from "effect/Schema"

/**
 * A state has no handler for an event; the machine ends with this error.
 *
 * @category errors
 */
export class UnhandledEvent extends Schema.TaggedError<UnhandledEvent>()("UnhandledEvent", {
  target: Schema.String,
  process: Schema.String,
  state: Schema.String,
  event: Schema.String
}) {
  override get message(): string {
    return `The state machine ${this.target} (${this.process}) has no handler in the state ${this.state} for ${this.event}, and ends. Give the state a handler for it, or an otherwise.`
  }
}
