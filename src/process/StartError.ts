/**
 * Why a process that was started and waited for did not come up.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Pid from "./Pid.ts"
import type { SpawnError } from "./ProcessError.ts"

/**
 * A name belongs to a process already, so that none was started.
 *
 * @category errors
 */
export class AlreadyStarted extends Schema.TaggedError<AlreadyStarted>()("AlreadyStarted", {
  name: Schema.String,
  pid: Pid.schema
}) {
  override get message(): string {
    return `Nothing was started, since the name "${this.name}" belongs to ${this.pid}. Use that process, or stop it first.`
  }
}

/**
 * A process had nothing to do: its body said so before it had started.
 *
 * @category errors
 */
export class StartIgnored extends Schema.TaggedError<StartIgnored>()("StartIgnored", {
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} was not started: it said that there is nothing for it to do.`
  }
}

/**
 * A process ended before it had started.
 *
 * @category errors
 */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  process: Schema.String,
  exit: Schema.Any
}) {
  override get message(): string {
    const exit: Exit.Exit<unknown, unknown> = this.exit
    const how = Exit.isSuccess(exit) ? "it returned before Process.ready" : Cause.pretty(exit.cause)
    return `The process ${this.process} ended before it had started: ${how}`
  }
}

/**
 * A process did not say in time that it has started; it was killed.
 *
 * @category errors
 */
export class StartTimeout extends Schema.TaggedError<StartTimeout>()("StartTimeout", {
  process: Schema.String,
  milliseconds: Schema.Number
}) {
  override get message(): string {
    return `The process ${this.process} had not started within ${this.milliseconds} ms and was killed. Give it more time, or have its body call Process.ready earlier.`
  }
}

/**
 * Why a process did not start.
 *
 * @category errors
 */
export type StartError = SpawnError | AlreadyStarted | StartIgnored | StartFailed | StartTimeout
