/**
 * The typed errors of announcements.
 */
import * as Schema from "effect/Schema"
import { sentence } from "./internal/shown.ts"

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
    return `${this.subject} can't be announced so: ${sentence(this.detail)} Correct the announcement.`
  }
}
