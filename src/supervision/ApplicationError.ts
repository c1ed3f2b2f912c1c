/**
 * What can go wrong with an application as a whole.
 */
import * as Schema from "effect/Schema"

/**
 * An application did not stop in time: `left` names what was still there and was killed.
 *
 * @category errors
 */
export class ApplicationStopTimeout extends Schema.TaggedError<ApplicationStopTimeout>()("ApplicationStopTimeout", {
  milliseconds: Schema.Number,
  left: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const left = this.left.length === 0 ? "nothing by name" : this.left.join(", ")
    return `The application had not stopped within ${this.milliseconds} ms and was killed; what was left: ${left}. Give it more time with stopTimeout, or have what is named end when it is asked to.`
  }
}
