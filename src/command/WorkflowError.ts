/**
 * The typed errors of workflows.
 */
import * as Schema from "effect/Schema"

/**
 * The history of an execution can't be read or written.
 *
 * @category errors
 */
export class HistoryFailed extends Schema.TaggedError<HistoryFailed>()("HistoryFailed", {
  execution: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The history of the execution "${this.execution}" failed: ${this.detail}. What was not recorded runs again when the execution does.`
  }
}

/**
 * A workflow waits, through those that called it, for the very execution that it would enter.
 *
 * @category errors
 */
export class ExecutionBusy extends Schema.TaggedError<ExecutionBusy>()("ExecutionBusy", {
  execution: Schema.String,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} would wait for ever: it was called by the execution "${this.execution}", which it wants to run itself. Give it an execution id of its own.`
  }
}

/**
 * A side effect was asked for that is not recorded, and there is nothing to run.
 *
 * @category errors
 */
export class SideEffectMissing extends Schema.TaggedError<SideEffectMissing>()("SideEffectMissing", {
  execution: Schema.String,
  name: Schema.String
}) {
  override get message(): string {
    return `The side effect "${this.name}" of the execution "${this.execution}" is not recorded, and the command brings nothing to run. Yield it with Workflows.sideEffect.`
  }
}

/**
 * What a side effect ended with does not fit its schema: it has run, and nothing is recorded.
 *
 * @category errors
 */
export class InvalidSideEffect extends Schema.TaggedError<InvalidSideEffect>()("InvalidSideEffect", {
  execution: Schema.String,
  name: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `What the side effect "${this.name}" of the execution "${this.execution}" ended with does not fit its schema: ${this.detail}. A schema that changes needs another name, or a version.`
  }
}

/**
 * No workflow of this name can be called.
 *
 * @category errors
 */
export class UnknownWorkflow extends Schema.TaggedError<UnknownWorkflow>()("UnknownWorkflow", {
  workflow: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.length === 0 ? "There are none" : `There are: ${this.known.join(", ")}`
    return `There is no workflow "${this.workflow}". ${known}. Give its definition to Workflows.layer.`
  }
}

/**
 * The arguments of a workflow do not fit its schema; it was not started.
 *
 * @category errors
 */
export class InvalidWorkflowArguments extends Schema.TaggedError<InvalidWorkflowArguments>()(
  "InvalidWorkflowArguments",
  { workflow: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `The workflow "${this.workflow}" was not started, since its arguments do not fit its schema: ${this.detail}`
  }
}

/**
 * A workflow that was called failed with a typed error, which is here as plain data. It is recorded: the calling execution
 * has the same error when it runs again.
 *
 * @category errors
 */
export class WorkflowFailed extends Schema.TaggedError<WorkflowFailed>()("WorkflowFailed", {
  workflow: Schema.String,
  error: Schema.Json
}) {
  override get message(): string {
    return `The workflow "${this.workflow}" failed: ${JSON.stringify(this.error)}`
  }
}

/**
 * A workflow that was called could not be started, was ended from outside, or died of a defect. It is not recorded: it is
 * called again when the calling execution runs again.
 *
 * @category errors
 */
export class WorkflowCrashed extends Schema.TaggedError<WorkflowCrashed>()("WorkflowCrashed", {
  workflow: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The workflow "${this.workflow}" has no result: ${this.detail}. Run the calling execution again to have it run again.`
  }
}

/**
 * An execution has a version of a change that the code no longer supports, or not yet.
 *
 * @category errors
 */
export class UnsupportedVersion extends Schema.TaggedError<UnsupportedVersion>()("UnsupportedVersion", {
  execution: Schema.String,
  change: Schema.String,
  version: Schema.Int,
  min: Schema.Int,
  max: Schema.Int
}) {
  override get message(): string {
    return `The execution "${this.execution}" has the version ${this.version} of "${this.change}", and this code supports ${this.min} to ${this.max}. Keep the old branch until all its executions have ended.`
  }
}
