/**
 * What can be wrong with a supervisor, its children, and what is asked of it: each error names the supervisor, the child,
 * and the next step.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Pid from "../process/Pid.ts"
import { isKilled } from "../process/ProcessEvent.ts"

/**
 * Two children of a supervisor have the same id.
 *
 * @category specifications
 */
export class DuplicateChild extends Schema.TaggedError<DuplicateChild>()("DuplicateChild", {
  supervisor: Schema.String,
  id: Schema.String
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `The supervisor ${this.supervisor} has two children with the id "${this.id}". Give each child an id of its own.`
  }
}

/**
 * A child has no id, or an empty one.
 *
 * @category specifications
 */
export class MissingChildId extends Schema.TaggedError<MissingChildId>()("MissingChildId", {
  supervisor: Schema.String,
  position: Schema.Number
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `Child number ${this.position + 1} of the supervisor ${this.supervisor} has no id. Give it one, or leave the option out to have the name of its definition.`
  }
}

/**
 * What stands among the children of a supervisor is no child specification.
 *
 * @category specifications
 */
export class NotAChildSpec extends Schema.TaggedError<NotAChildSpec>()("NotAChildSpec", {
  supervisor: Schema.String,
  position: Schema.Number,
  received: Schema.String
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `Child number ${this.position + 1} of the supervisor ${this.supervisor} is ${this.received} and says not how to start it. Make it with ChildSpec.make.`
  }
}

/**
 * An option of a child has a value that it can't have.
 *
 * @category specifications
 */
export class InvalidChild extends Schema.TaggedError<InvalidChild>()("InvalidChild", {
  supervisor: Schema.String,
  id: Schema.String,
  option: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `The option "${this.option}" of the child "${this.id}" of the supervisor ${this.supervisor} is ${this.value}; it must be ${this.expected}.`
  }
}

/**
 * Two options of a child, or one of a child and one of its supervisor, contradict each other.
 *
 * @category specifications
 */
export class ConflictingOptions extends Schema.TaggedError<ConflictingOptions>()("ConflictingOptions", {
  supervisor: Schema.String,
  id: Schema.String,
  detail: Schema.String
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `The child "${this.id}" of the supervisor ${this.supervisor} can't be as it is specified: ${this.detail}`
  }
}

/**
 * An option of a supervisor has a value that it can't have.
 *
 * @category specifications
 */
export class InvalidSupervisor extends Schema.TaggedError<InvalidSupervisor>()("InvalidSupervisor", {
  supervisor: Schema.String,
  option: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `The option "${this.option}" of the supervisor ${this.supervisor} is ${this.value}; it must be ${this.expected}.`
  }
}

/**
 * What is wrong with the specification of a supervisor or a child; nothing was started.
 *
 * @category specifications
 */
export type SpecError =
  | DuplicateChild
  | MissingChildId
  | NotAChildSpec
  | InvalidChild
  | ConflictingOptions
  | InvalidSupervisor

/**
 * Whether a value is a `SpecError`.
 *
 * @category specifications
 */
export const isSpecError = (u: unknown): u is SpecError =>
  u instanceof DuplicateChild ||
  u instanceof MissingChildId ||
  u instanceof NotAChildSpec ||
  u instanceof InvalidChild ||
  u instanceof ConflictingOptions ||
  u instanceof InvalidSupervisor

/**
 * A child could not be started; `reason` is its own error.
 *
 * @category starting
 */
export class ChildStartFailed extends Schema.TaggedError<ChildStartFailed>()("ChildStartFailed", {
  supervisor: Schema.String,
  id: Schema.String,
  reason: Schema.Any
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    const { reason } = this
    const why = reason instanceof Error ? reason.message : String(reason)
    return `The child "${this.id}" of the supervisor ${this.supervisor} could not be started: ${why}`
  }
}

/**
 * Children ended more often than their supervisor may restart them in its period: it ended, and all its children with
 * it.
 *
 * @category restarting
 */
export class TooManyRestarts extends Schema.TaggedError<TooManyRestarts>()("TooManyRestarts", {
  supervisor: Schema.String,
  id: Schema.String,
  intensity: Schema.Number,
  periodMillis: Schema.Number,
  exit: Schema.Any
}) {
  override get message(): string {
    const exit: Exit.Exit<unknown, unknown> = this.exit
    const how = isKilled(exit) ? "it was killed" : Exit.isSuccess(exit) ? "it returned" : Cause.pretty(exit.cause)
    return `The supervisor ${this.supervisor} gave up: its children ended more than ${this.intensity} times within ${this.periodMillis} ms, the last of them "${this.id}": ${how}`
  }
}

/**
 * The process under a pid is no supervisor.
 *
 * @category administration
 */
export class NotASupervisor extends Schema.TaggedError<NotASupervisor>()("NotASupervisor", {
  target: Schema.String
}) {
  override get message(): string {
    return `The process ${this.target} is no supervisor. Ask the process that Supervisor.start answered with.`
  }
}

/**
 * A supervisor has no child of this id.
 *
 * @category administration
 */
export class ChildNotFound extends Schema.TaggedError<ChildNotFound>()("ChildNotFound", {
  supervisor: Schema.String,
  id: Schema.String
}) {
  override get message(): string {
    return `The supervisor ${this.supervisor} has no child "${this.id}". Supervisor.list tells which it has.`
  }
}

/**
 * A child of this id runs already.
 *
 * @category administration
 */
export class ChildAlreadyStarted extends Schema.TaggedError<ChildAlreadyStarted>()("ChildAlreadyStarted", {
  supervisor: Schema.String,
  id: Schema.String,
  pid: Pid.schema
}) {
  override get message(): string {
    return `The child "${this.id}" of the supervisor ${this.supervisor} runs already, as ${this.pid}. Use that process, or give the new one another id.`
  }
}

/**
 * A child of this id is known and does not run.
 *
 * @category administration
 */
export class ChildAlreadyPresent extends Schema.TaggedError<ChildAlreadyPresent>()("ChildAlreadyPresent", {
  supervisor: Schema.String,
  id: Schema.String
}) {
  override get message(): string {
    return `The supervisor ${this.supervisor} has a child "${this.id}" that does not run. Restart it, or delete it before you start another one.`
  }
}

/**
 * What was asked can't be done while the child runs, or is about to be restarted.
 *
 * @category administration
 */
export class ChildRunning extends Schema.TaggedError<ChildRunning>()("ChildRunning", {
  supervisor: Schema.String,
  id: Schema.String,
  state: Schema.Literals(["running", "restarting"])
}) {
  override get message(): string {
    return `The child "${this.id}" of the supervisor ${this.supervisor} is ${this.state}. Terminate it first.`
  }
}

/**
 * A dynamic supervisor has as many children as it may; those that are being restarted count.
 *
 * @category administration
 */
export class MaxChildren extends Schema.TaggedError<MaxChildren>()("MaxChildren", {
  supervisor: Schema.String,
  maxChildren: Schema.Number
}) {
  override get message(): string {
    return `The supervisor ${this.supervisor} has its ${this.maxChildren} children. Start it again when one has ended, or raise maxChildren.`
  }
}
