/**
 * The typed errors of the module `process` that are not those of processes.
 */
import * as Schema from "effect/Schema"

/**
 * No process of this name can be spawned by a command here.
 *
 * @category errors
 */
export class UnknownProcess extends Schema.TaggedError<UnknownProcess>()("UnknownProcess", {
  process: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.length === 0 ? "There are none" : `There are: ${this.known.join(", ")}`
    return `There is no process ${this.process} to spawn. ${known}. Give its definition to Processes.layer.`
  }
}

/**
 * A message was received whose payload does not fit its schema, or has none and is not plain data; it is lost.
 *
 * @category errors
 */
export class PayloadNotEncodable extends Schema.TaggedError<PayloadNotEncodable>()("PayloadNotEncodable", {
  process: Schema.String,
  topic: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} received "${this.topic}", whose payload can't be written down: ${this.detail}. Give the topic a schema with a JSON form, or receive it with the definition itself.`
  }
}
