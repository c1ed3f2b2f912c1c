/**
 * The typed errors of contracts: what can't be written down, and what can't be read.
 */
import * as Schema from "effect/Schema"
import { sentence } from "./internal/shown.ts"

/**
 * A protocol has something that no document can hold: a check or a declaration that is code alone, say.
 *
 * @category errors
 */
export class NotExportable extends Schema.TaggedError<NotExportable>()("NotExportable", {
  /** The type of the actor whose contract it was to be. */
  actor: Schema.String,
  route: Schema.String,
  /** Where it stands: `payload.items[].price`. */
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Route "${this.route}" of ${this.actor} can't be exported: ${this.path} ${sentence(this.detail)}`
  }
}

/**
 * What was read is no contract.
 *
 * @category errors
 */
export class InvalidContract extends Schema.TaggedError<InvalidContract>()("InvalidContract", {
  /** Where in the document: `server[0].payload.propertySignatures[1]`; empty when it is the whole. */
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    const where = this.path === "" ? "it" : this.path
    return `The document is no contract: ${where} ${sentence(this.detail)} Fetch it again, or export it anew with this version of Troupe.`
  }
}

/**
 * A contract has something that a `.proto` file can't say.
 *
 * @category errors
 */
export class NotInProto extends Schema.TaggedError<NotInProto>()("NotInProto", {
  actor: Schema.String,
  route: Schema.String,
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Route "${this.route}" of ${this.actor} can't be written as .proto: ${this.path} ${sentence(this.detail)}`
  }
}

/**
 * A `.proto` file can't be read, or has what contracts don't.
 *
 * @category errors
 */
export class InvalidProto extends Schema.TaggedError<InvalidProto>()("InvalidProto", {
  file: Schema.String,
  /** Counted from 1; 0 when it is about the file as a whole. */
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}${this.line === 0 ? "" : `:${this.line}`}: ${sentence(this.detail)}`
  }
}
