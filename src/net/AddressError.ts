/**
 * The typed errors of addresses.
 */
import * as Schema from "effect/Schema"

/**
 * None of the addresses leads anywhere from here: each, and why not.
 *
 * @category errors
 */
export class NotDialable extends Schema.TaggedError<NotDialable>()("NotDialable", {
  attempts: Schema.Array(Schema.Struct({ transport: Schema.String, address: Schema.String, detail: Schema.String }))
}) {
  override get message(): string {
    const attempts = this.attempts.map(({ address, detail, transport }) => `${transport} ${address}: ${detail}`)
    const found = attempts.length === 0 ? "There is no address" : attempts.join("; ")
    return `No address leads there from this program. ${found}. Give a dialer for one of the transports.`
  }
}
