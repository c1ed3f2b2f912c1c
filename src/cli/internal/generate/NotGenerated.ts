/**
 * A contract can't be written as source.
 */
import * as Schema from "effect/Schema"

/**
 * A contract has something for which no code can be written: a declaration that only its own program knows, say.
 *
 * @category errors
 */
export class NotGenerated extends Schema.TaggedError<NotGenerated>()("NotGenerated", {
  /** The type of the actor whose contract it is. */
  contract: Schema.String,
  route: Schema.String,
  /** Where it stands: `payload.items[].price`. */
  path: Schema.String,
  /** What it is, and what to do. */
  detail: Schema.String
}) {
  override get message(): string {
    return `No code can be generated for the route ${JSON.stringify(this.route)} of ${this.contract}: ${this.path} ${this.detail}.`
  }
}
