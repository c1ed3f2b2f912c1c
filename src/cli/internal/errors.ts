/**
 * The typed errors of the command line: each says what to do next.
 */
import * as Schema from "effect/Schema"

/** Where something is wrong in a document, and what. */
export const Problem = Schema.Struct({
  /** `dependencies.echo`; empty when it is the whole. */
  at: Schema.String,
  detail: Schema.String
})

export type Problem = typeof Problem.Type

const list = (problems: ReadonlyArray<Problem>): string =>
  problems.map(({ at, detail }) => `\n  ${at === "" ? "" : `${at}: `}${detail}`).join("")

/** There is no `troupe.json` where the command was started. */
export class SettingsNotFound extends Schema.TaggedError<SettingsNotFound>()("SettingsNotFound", {
  path: Schema.String
}) {
  override get message(): string {
    return `There is no ${this.path}. Go to the folder that has it, or make one with troupe init.`
  }
}

/** `troupe.json` can't be read: all that is wrong with it. */
export class InvalidSettings extends Schema.TaggedError<InvalidSettings>()("InvalidSettings", {
  path: Schema.String,
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return `${this.path} can't be used. Mend:${list(this.problems)}`
  }
}

/** What `troupe init` would write is there. */
export class SettingsExist extends Schema.TaggedError<SettingsExist>()("SettingsExist", { path: Schema.String }) {
  override get message(): string {
    return `${this.path} is there already, and was left as it is. Change it by hand, or remove it first.`
  }
}

/** There is no `troupe.lock.json`. */
export class LockNotFound extends Schema.TaggedError<LockNotFound>()("LockNotFound", { path: Schema.String }) {
  override get message(): string {
    return `There is no ${this.path}. Run troupe install, which writes it.`
  }
}

/** `troupe.lock.json` can't be read: it was changed by hand, or is of another version of Troupe. */
export class InvalidLock extends Schema.TaggedError<InvalidLock>()("InvalidLock", {
  path: Schema.String,
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return `${this.path} can't be used:${list(this.problems)}\nTake it from version control again, or remove it and run troupe install, which then compares with nothing.`
  }
}

/** `troupe.json`, the lock and the contracts that are kept do not belong together. */
export class LockMismatch extends Schema.TaggedError<LockMismatch>()("LockMismatch", {
  path: Schema.String,
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return `${this.path} does not match:${list(this.problems)}\nRun troupe install.`
  }
}

/** Contracts of this project can't be read. */
export class InvalidContracts extends Schema.TaggedError<InvalidContracts>()("InvalidContracts", {
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return `These contracts can't be read:${list(this.problems)}`
  }
}

/** Nobody said where the directory is. */
export class NoDirectory extends Schema.TaggedError<NoDirectory>()("NoDirectory", { path: Schema.String }) {
  override get message(): string {
    return `Where is the directory? Say it in ${this.path}, as in "directory": "unix:./directory.sock", or with --directory.`
  }
}

/** An address of a directory can't be read. */
export class InvalidDirectory extends Schema.TaggedError<InvalidDirectory>()("InvalidDirectory", {
  address: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.address)} is no address of a directory: it ${this.detail}.`
  }
}

/** What the environment has to show to the directory does not fit together. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {
  detail: Schema.String
}) {
  override get message(): string {
    return `The credentials for the directory can't be used: ${this.detail}.`
  }
}

/** Dependencies whose contracts could not be had: each, and why not. */
export class NotInstalled extends Schema.TaggedError<NotInstalled>()("NotInstalled", {
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return `Nothing was written, since not all contracts could be had:${list(this.problems)}`
  }
}

/** Servers have contracts that this program was not made for. */
export class BreakingChanges extends Schema.TaggedError<BreakingChanges>()("BreakingChanges", {
  dependencies: Schema.NonEmptyArray(Schema.String)
}) {
  override get message(): string {
    return `Nothing was written, since there are breaking changes: ${this.dependencies.join(", ")}. Take them over with troupe install --accept-breaking, then troupe gen, and adapt the code; or name a range in troupe.json that leaves them out.`
  }
}

/** Files that `troupe gen` would write over are not as it wrote them. */
export class FilesChanged extends Schema.TaggedError<FilesChanged>()("FilesChanged", {
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return `Nothing was written, so that nothing is lost:${list(this.problems)}\nMove what you wrote to a file of your own, remove these, and run troupe gen again.`
  }
}

/** What `troupe check` found. */
export class CheckFailed extends Schema.TaggedError<CheckFailed>()("CheckFailed", { count: Schema.Int }) {
  override get message(): string {
    return this.count === 1 ? "1 check failed." : `${this.count} checks failed.`
  }
}

/** A file could not be read or written. */
export class FileFailed extends Schema.TaggedError<FileFailed>()("FileFailed", {
  doing: Schema.Literals(["read", "write", "remove"]),
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    const next =
      this.doing === "read"
        ? "Look at who may read it"
        : "Look at who may write there, and at the space that is left; what was there before is as it was"
    return `Can't ${this.doing} ${this.path}: ${this.detail}. ${next}.`
  }
}

/** `-x` does not read `<host>/<process>`. */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>()("InvalidTarget", { target: Schema.String }) {
  override get message(): string {
    return `${JSON.stringify(this.target)} is no process to run: it reads <host>/<process>, as in app:terminal/app:cli.`
  }
}

/** A module could not be loaded: it is not there, does not compile, or fails when it is loaded. */
export class ModuleFailed extends Schema.TaggedError<ModuleFailed>()("ModuleFailed", {
  module: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The module ${this.module} could not be loaded: ${this.detail}`
  }
}

/** A module has no application. */
export class NoApplication extends Schema.TaggedError<NoApplication>()("NoApplication", {
  module: Schema.String,
  exports: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const there = this.exports.length === 0 ? "It exports nothing" : `It exports ${this.exports.join(", ")}`
    return `The module ${this.module} has no application: its default export is to be the layer of one. ${there}. Write: export default App`
  }
}

/** An application has no such host. */
export class NoSuchHost extends Schema.TaggedError<NoSuchHost>()("NoSuchHost", {
  host: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known =
      this.known.length === 0
        ? "It has none: give it a ProcessHost.layer, and run it with the troupe of its own folder (npx troupe), since another copy does not see its hosts"
        : `There are: ${this.known.join(", ")}`
    return `The application has no host ${JSON.stringify(this.host)}. ${known}.`
  }
}

/** An application does not provide the implementation of a process. */
export class NoSuchProcess extends Schema.TaggedError<NoSuchProcess>()("NoSuchProcess", {
  process: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.length === 0 ? "It provides none" : `It provides: ${this.known.join(", ")}`
    return `The application does not provide the process ${JSON.stringify(this.process)}. ${known}. Have its layer give out the implementation, with Layer.merge or Layer.provideMerge.`
  }
}

/** The program that `troupe run` ran has ended with an exit code of its own, and has said why itself. */
export class ProgramEnded extends Schema.TaggedError<ProgramEnded>()("ProgramEnded", { code: Schema.Int }) {}

/** The command was asked to end. */
export class Interrupted extends Schema.TaggedError<Interrupted>()("Interrupted", { signal: Schema.String }) {}
