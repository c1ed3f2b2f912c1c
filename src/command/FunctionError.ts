/**
 * The typed errors of functions.
 */
import * as Schema from "effect/Schema"

/**
 * No function of this name is registered.
 *
 * @category errors
 */
export class UnknownFunction extends Schema.TaggedError<UnknownFunction>()("UnknownFunction", {
  function: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.length === 0 ? "There are none" : `There are: ${this.known.join(", ")}`
    return `There is no function "${this.function}". ${known}. Give its implementation to Functions.layer.`
  }
}

/**
 * What a function was called with does not fit its schema; it has not run.
 *
 * @category errors
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  function: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The function "${this.function}" was not called, since its input does not fit its schema: ${this.detail}`
  }
}

/**
 * What a function answered, or failed with, does not fit its schema; it has run.
 *
 * @category errors
 */
export class InvalidOutput extends Schema.TaggedError<InvalidOutput>()("InvalidOutput", {
  function: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The function "${this.function}" has run, and what came out does not fit its schema: ${this.detail}. Make sure that caller and implementation share one definition.`
  }
}

/**
 * A function failed with its typed error, which is here as it was written down; `Functions.call` gives the error itself.
 *
 * @category errors
 */
export class FunctionFailed extends Schema.TaggedError<FunctionFailed>()("FunctionFailed", {
  function: Schema.String,
  error: Schema.Json
}) {
  override get message(): string {
    return `The function "${this.function}" failed: ${JSON.stringify(this.error)}`
  }
}

/**
 * A function was cancelled while its result was waited for.
 *
 * @category errors
 */
export class FunctionCancelled extends Schema.TaggedError<FunctionCancelled>()("FunctionCancelled", {
  call: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The call ${this.call} of the process ${this.process} was cancelled before it had a result. Start it again if its result is still needed.`
  }
}

/**
 * There is no such call: it was cancelled, its result was given already, or another process started it.
 *
 * @category errors
 */
export class CallNotFound extends Schema.TaggedError<CallNotFound>()("CallNotFound", {
  call: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} has no call ${this.call}: it was cancelled, its result was given already, or another process started it. Start one with Functions.start.`
  }
}

/**
 * Two functions have one name.
 *
 * @category errors
 */
export class DuplicateFunction extends Schema.TaggedError<DuplicateFunction>()("DuplicateFunction", {
  function: Schema.String
}) {
  override get message(): string {
    return `There are two functions with the name "${this.function}". Give each a name of its own.`
  }
}
