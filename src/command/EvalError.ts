/**
 * What can be wrong with source that is compiled and run.
 */
import * as Schema from "effect/Schema"

/**
 * The source is not JavaScript.
 *
 * @category errors
 */
export class InvalidSyntax extends Schema.TaggedError<InvalidSyntax>()("InvalidSyntax", {
  /** From 1. */
  line: Schema.Int,
  /** From 1; in lines longer than that, 1,021 at most. */
  column: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `The source can't be read from line ${this.line}, column ${this.column} on: ${this.detail}. It is the body of a function: its result is what it returns.`
  }
}

/**
 * The source threw, or its promise was rejected.
 *
 * **Details**
 *
 * `name` is that of an error, and empty for any other value. `stack` has the frames that lie in the source, innermost
 * first, as `function (source:line:column)`.
 *
 * @category errors
 */
export class Thrown extends Schema.TaggedError<Thrown>()("Thrown", {
  name: Schema.String,
  detail: Schema.String,
  stack: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const what = this.name === "" ? this.detail : `${this.name}: ${this.detail}`
    return `The source threw ${what}${this.stack.length === 0 ? "" : `, at ${this.stack[0]}`}`
  }
}

/**
 * The source ran for longer than it may, and was ended.
 *
 * @category errors
 */
export class TimeLimit extends Schema.TaggedError<TimeLimit>()("TimeLimit", { milliseconds: Schema.Number }) {
  override get message(): string {
    return `The source was ended after ${this.milliseconds} ms. Give it more time, or less to do.`
  }
}

/**
 * The source took more memory than it may, and was ended.
 *
 * @category errors
 */
export class MemoryLimit extends Schema.TaggedError<MemoryLimit>()("MemoryLimit", { megabytes: Schema.Number }) {
  override get message(): string {
    return `The source was ended since it took more than ${this.megabytes} MB of memory. Give it more, or less to do.`
  }
}

/**
 * The result of the source is not JSON.
 *
 * @category errors
 */
export class NotJson extends Schema.TaggedError<NotJson>()("NotJson", { detail: Schema.String }) {
  override get message(): string {
    return `The result of the source is not JSON: ${this.detail}. Return null, booleans, finite numbers, texts, and arrays and plain objects of them.`
  }
}

/**
 * The source returned a promise that nothing can settle any more: a sandbox has no timers, and nothing else to wait for.
 *
 * @category errors
 */
export class NeverSettles extends Schema.TaggedError<NeverSettles>()("NeverSettles", {}) {
  override get message(): string {
    return "The source returned a promise that will never settle: there is nothing to wait for in a sandbox. Give it what it needs as its input."
  }
}

/**
 * A source, an input or a result has more bytes than a command may carry.
 *
 * @category errors
 */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", {
  what: Schema.Literals(["source", "input", "result"]),
  limit: Schema.Int,
  size: Schema.Int
}) {
  override get message(): string {
    return `The ${this.what} has ${this.size} bytes, and may have ${this.limit}. Make it smaller, or raise maxBytes of Eval.layer.`
  }
}

/**
 * What ran the source broke, or could not be started.
 *
 * @category errors
 */
export class Crashed extends Schema.TaggedError<Crashed>()("Crashed", { detail: Schema.String }) {
  override get message(): string {
    return `The sandbox broke before the source had a result: ${this.detail}. Run it again; if it breaks again, the source breaks it.`
  }
}

/**
 * The process has no such program: it was closed, or another process compiled it.
 *
 * @category errors
 */
export class ProgramNotFound extends Schema.TaggedError<ProgramNotFound>()("ProgramNotFound", {
  program: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} has no program ${this.program}: it was closed, or another process compiled it. Compile it with Eval.compile.`
  }
}

/**
 * The schema of {@link Reason}.
 *
 * @category schemas
 */
export const Reason = Schema.Union([
  InvalidSyntax,
  Thrown,
  TimeLimit,
  MemoryLimit,
  NotJson,
  NeverSettles,
  TooLarge,
  Crashed,
  ProgramNotFound
])

/**
 * Why source was not compiled or has no result.
 *
 * @category models
 */
export type Reason = typeof Reason.Type

/**
 * Source was not compiled or has no result; `reason` says why.
 *
 * **Example** (One reason of several)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { EvalError } from "troupe/command"
 *
 * const failing = Effect.fail(
 *   new EvalError.EvalError({ reason: new EvalError.InvalidSyntax({ line: 3, column: 8, detail: "Unexpected token" }) })
 * )
 * Effect.runSync(Effect.catchReason(failing, "EvalError", "InvalidSyntax", ({ line }) => Effect.succeed(line))) // => 3
 * ```
 *
 * @category errors
 */
export class EvalError extends Schema.TaggedError<EvalError>()("EvalError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}
