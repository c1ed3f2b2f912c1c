/**
 * The typed errors of looking into processes.
 */
import * as Schema from "effect/Schema"

/**
 * A process is not of the definition by which it was asked.
 *
 * @category errors
 */
export class OtherDefinition extends Schema.TaggedError<OtherDefinition>()("OtherDefinition", {
  target: Schema.String,
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return `The process ${this.target} is of the definition ${this.actual}, and not of ${this.expected}. Ask by the definition that it is of.`
  }
}

/**
 * A process shows no state.
 *
 * @category errors
 */
export class NoState extends Schema.TaggedError<NoState>()("NoState", {
  target: Schema.String,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.target} (${this.process}) shows no state. Have its body keep what it shows in the Ref that ${this.process}'s state(initial) makes.`
  }
}

/**
 * The function that was to replace a state died; the state is the old one.
 *
 * @category errors
 */
export class ReplaceFailed extends Schema.TaggedError<ReplaceFailed>()("ReplaceFailed", {
  target: Schema.String,
  defect: Schema.Defect()
}) {
  override get message(): string {
    return `The state of ${this.target} is what it was, since the function that was to replace it died: ${String(this.defect)}`
  }
}

/**
 * What was to replace a state does not fit the schema of the states; the state is the old one.
 *
 * @category errors
 */
export class InvalidState extends Schema.TaggedError<InvalidState>()("InvalidState", {
  target: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The state of ${this.target} is what it was, since the new one does not fit its schema: ${this.detail}`
  }
}

/**
 * No statistics are kept of a process.
 *
 * @category errors
 */
export class NoStatistics extends Schema.TaggedError<NoStatistics>()("NoStatistics", {
  target: Schema.String
}) {
  override get message(): string {
    return `No statistics are kept of the process ${this.target}. Have them kept with Sys.statistics(pid, "on") first.`
  }
}
