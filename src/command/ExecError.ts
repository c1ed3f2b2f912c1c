/**
 * What can be wrong with a child process. No message shows arguments or variables, which may be secret.
 */
import * as Schema from "effect/Schema"

/**
 * Nothing has the name of the command.
 *
 * @category errors
 */
export class CommandNotFound extends Schema.TaggedError<CommandNotFound>()("CommandNotFound", {
  command: Schema.String
}) {
  override get message(): string {
    return `There is no command ${JSON.stringify(this.command)}. Install it, name its whole path, or set PATH in env; a shell's own words run with the command /bin/sh alone.`
  }
}

/**
 * The command may not be run.
 *
 * @category errors
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>()("PermissionDenied", {
  command: Schema.String
}) {
  override get message(): string {
    return `The command ${JSON.stringify(this.command)} may not be run. Make it executable for this user, and check that it is a file.`
  }
}

/**
 * The folder to run in is missing, or can't be entered.
 *
 * @category errors
 */
export class FolderNotFound extends Schema.TaggedError<FolderNotFound>()("FolderNotFound", {
  command: Schema.String,
  cwd: Schema.String
}) {
  override get message(): string {
    return `The command ${JSON.stringify(this.command)} was not run: there is no folder ${JSON.stringify(this.cwd)} that this user may enter. Make it, or name another cwd.`
  }
}

/**
 * The operating system refused something else.
 *
 * @category errors
 */
export class SystemRefused extends Schema.TaggedError<SystemRefused>()("SystemRefused", {
  command: Schema.String,
  action: Schema.Literals(["start", "read", "kill"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The system refused to ${this.action} the command ${JSON.stringify(this.command)}: ${this.detail}`
  }
}

/**
 * The child has ended, and takes no input any more.
 *
 * @category errors
 */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", { command: Schema.String }) {
  override get message(): string {
    return `The command ${JSON.stringify(this.command)} has ended and takes no input. Wait for it to learn how it ended, and start another.`
  }
}

/**
 * The child runs, and its standard input is closed: it was ended, or the child closed it.
 *
 * @category errors
 */
export class InputClosed extends Schema.TaggedError<InputClosed>()("InputClosed", { command: Schema.String }) {
  override get message(): string {
    return `The standard input of the command ${JSON.stringify(this.command)} is closed: it was ended, or the command closed it. Write before the end, or start another.`
  }
}

/**
 * More was to be written at once than a command may carry.
 *
 * @category errors
 */
export class InputTooLarge extends Schema.TaggedError<InputTooLarge>()("InputTooLarge", {
  command: Schema.String,
  limit: Schema.Int,
  size: Schema.Int
}) {
  override get message(): string {
    return `${this.size} bytes were to be written to the command ${JSON.stringify(this.command)}, and ${this.limit} can be at once. Write them in parts, or raise maxBytes of Exec.layer.`
  }
}

/**
 * A child that was run has written more than its caller takes; it was ended.
 *
 * **Details**
 *
 * `size` says how much had come when it was noticed, and not how much there would have been.
 *
 * @category errors
 */
export class OutputTooLarge extends Schema.TaggedError<OutputTooLarge>()("OutputTooLarge", {
  command: Schema.String,
  output: Schema.Literals(["stdout", "stderr"]),
  limit: Schema.Int,
  size: Schema.Int
}) {
  override get message(): string {
    return `The command ${JSON.stringify(this.command)} was ended: it wrote ${this.size} bytes or more to ${this.output}, and ${this.limit} are taken. Start it and read in parts, or raise maxBytes.`
  }
}

/**
 * A child that was run was ended by a signal, and has no exit code.
 *
 * @category errors
 */
export class EndedBySignal extends Schema.TaggedError<EndedBySignal>()("EndedBySignal", {
  command: Schema.String,
  signal: Schema.String
}) {
  override get message(): string {
    return `The command ${JSON.stringify(this.command)} was ended by ${this.signal}: somebody killed it, or it crashed.`
  }
}

/**
 * The process has no such child: it was closed, or another process started it.
 *
 * @category errors
 */
export class ChildNotFound extends Schema.TaggedError<ChildNotFound>()("ChildNotFound", {
  child: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} has no child ${this.child}: it was closed, or another process started it. Start one with Exec.start.`
  }
}

/**
 * The schema of {@link Reason}.
 *
 * @category schemas
 */
export const Reason = Schema.Union([
  CommandNotFound,
  PermissionDenied,
  FolderNotFound,
  SystemRefused,
  NotRunning,
  InputClosed,
  InputTooLarge,
  OutputTooLarge,
  EndedBySignal,
  ChildNotFound
])

/**
 * Why something could not be done with a child process.
 *
 * @category models
 */
export type Reason = typeof Reason.Type

/**
 * Something could not be done with a child process; `reason` says why.
 *
 * **Example** (One reason of several)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ExecError } from "troupe/command"
 *
 * const failing = Effect.fail(
 *   new ExecError.ExecError({ reason: new ExecError.CommandNotFound({ command: "gti" }) })
 * )
 * Effect.runSync(Effect.catchReason(failing, "ExecError", "CommandNotFound", ({ command }) => Effect.succeed(command)))
 * // => "gti"
 * ```
 *
 * @category errors
 */
export class ExecError extends Schema.TaggedError<ExecError>()("ExecError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}
