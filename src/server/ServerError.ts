/**
 * The typed errors of servers.
 */
import * as Schema from "effect/Schema"

/**
 * A process is neither a server nor a state machine.
 *
 * @category errors
 */
export class NotAServer extends Schema.TaggedError<NotAServer>()("NotAServer", {
  target: Schema.String,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.target} (${this.process}) is neither a server nor a state machine, and can't be stopped as one. End it with Process.cancel or Process.terminate.`
  }
}
