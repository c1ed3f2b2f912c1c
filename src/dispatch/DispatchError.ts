/**
 * The typed errors of dispatch: those of a yield, and those of registering handlers.
 */
import * as Schema from "effect/Schema"

const quoted = (names: ReadonlyArray<string>): string =>
  names.length === 0 ? "none" : names.map((name) => `"${name}"`).join(", ")

/**
 * No handler is registered for a command that a process yielded.
 *
 * @category errors
 */
export class UnknownCommand extends Schema.TaggedError<UnknownCommand>()("UnknownCommand", {
  command: Schema.String,
  id: Schema.Number,
  process: Schema.String,
  modules: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The process ${this.process} yielded ${this.command} (${this.id}), which nothing handles here: the modules are ${quoted(this.modules)}. Provide the layer of its module to the process.`
  }
}

/**
 * A process yielded a command that it may not: its policy, or that of whoever spawned it, does not allow it. The handler
 * has not run.
 *
 * @category errors
 */
export class CommandDenied extends Schema.TaggedError<CommandDenied>()("CommandDenied", {
  command: Schema.String,
  id: Schema.Number,
  process: Schema.String,
  allowed: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The process ${this.process} may not yield ${this.command} (${this.id}): it was spawned with a policy that allows ${quoted(this.allowed)}. Add the command to the policy at the spawn, as far as the spawner's own goes.`
  }
}

/**
 * The payload of a command came past the types and does not fit its schema.
 *
 * @category errors
 */
export class InvalidCommandPayload extends Schema.TaggedError<InvalidCommandPayload>()("InvalidCommandPayload", {
  command: Schema.String,
  id: Schema.Number,
  process: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} yielded ${this.command} (${this.id}) with a payload that does not fit its schema: ${this.detail}`
  }
}

/**
 * A yield was not completed in its time; its handler was interrupted.
 *
 * @category errors
 */
export class YieldTimeout extends Schema.TaggedError<YieldTimeout>()("YieldTimeout", {
  command: Schema.String,
  tag: Schema.Number,
  process: Schema.String,
  milliseconds: Schema.Number
}) {
  override get message(): string {
    return `${this.command}, yielded by the process ${this.process} under the tag ${this.tag}, was not completed within ${this.milliseconds} ms, and its handler was interrupted. Give it more time, or find out what it waits for.`
  }
}

/**
 * Why a command may not reach its handler.
 *
 * @category errors
 */
export type DispatchError = UnknownCommand | CommandDenied | InvalidCommandPayload

/**
 * The schema of every error that the dispatch itself adds to those of a command.
 *
 * @category schemas
 */
export const DispatchError: Schema.Union<
  [typeof UnknownCommand, typeof CommandDenied, typeof InvalidCommandPayload, typeof YieldTimeout]
> = Schema.Union([UnknownCommand, CommandDenied, InvalidCommandPayload, YieldTimeout])

/**
 * Two commands have the same id; the handlers of the second one are not registered.
 *
 * @category errors
 */
export class CommandConflict extends Schema.TaggedError<CommandConflict>()("CommandConflict", {
  id: Schema.Number,
  command: Schema.String,
  module: Schema.String,
  registered: Schema.String,
  registeredModule: Schema.String
}) {
  override get message(): string {
    return this.command === this.registered
      ? `The module ${this.module} has handlers already: ${this.command} (${this.id}) was registered before. Provide its layer once; in a test, replace what it does with an Interceptor.`
      : `The modules ${this.registeredModule} and ${this.module} both have a command with the id ${this.id}: ${this.registered} and ${this.command}. Give one of them another id.`
  }
}

/**
 * Two modules have the same name, which requirements and policies go by; the second one is not registered.
 *
 * @category errors
 */
export class ModuleConflict extends Schema.TaggedError<ModuleConflict>()("ModuleConflict", {
  module: Schema.String,
  commands: Schema.Array(Schema.String),
  registered: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Two modules have the name ${this.module}: one with ${quoted(this.registered)}, and one with ${quoted(this.commands)}. Give one of them another name.`
  }
}

/**
 * Handlers were to be registered after the application had started.
 *
 * @category errors
 */
export class RegistryFrozen extends Schema.TaggedError<RegistryFrozen>()("RegistryFrozen", {
  module: Schema.String
}) {
  override get message(): string {
    return `The handlers of the module ${this.module} come too late: the application has started, and its registry is frozen. Provide the module's layer together with those of the application.`
  }
}

/**
 * A command has an id that its module can't have.
 *
 * @category errors
 */
export class InvalidCommandId extends Schema.TaggedError<InvalidCommandId>()("InvalidCommandId", {
  id: Schema.Number,
  command: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.command} has the id ${this.id}. It takes ${this.expected}.`
  }
}

/**
 * Why handlers can't be registered.
 *
 * @category errors
 */
export type RegistrationError = CommandConflict | ModuleConflict | RegistryFrozen | InvalidCommandId
