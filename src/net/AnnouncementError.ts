/**
 * The typed errors of announcements.
 */
import * as Schema from "effect/Schema"

/**
 * An announcement is not what it may be; nothing was announced.
 *
 * @category errors
 */
export class InvalidAnnouncement extends Schema.TaggedError<InvalidAnnouncement>()("InvalidAnnouncement", {
  subject: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.subject} can't be announced so: ${this.detail}. Correct the announcement.`
  }
}
