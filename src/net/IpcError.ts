/**
 * The typed errors of servers of clients.
 */
import * as Schema from "effect/Schema"

/**
 * A client can't be reached: it is not connected, or it does not keep up with what is pushed to it, and is disconnected now.
 *
 * @category errors
 */
export class ClientUnreachable extends Schema.TaggedError<ClientUnreachable>()("ClientUnreachable", {
  client: Schema.String,
  reason: Schema.Literals(["NotConnected", "TooSlow"])
}) {
  override get message(): string {
    return this.reason === "NotConnected"
      ? `Client ${this.client} is not connected. It may come back: watch the events of the server.`
      : `Client ${this.client} does not keep up with what is pushed to it, and was disconnected. Push less, or raise the limits of its backlog.`
  }
}
