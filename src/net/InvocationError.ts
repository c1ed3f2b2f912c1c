/**
 * The typed errors of invocations.
 */
import * as Schema from "effect/Schema"
import {
  HandlerFailed,
  InvalidArgument,
  InvalidMessage,
  PermissionDenied,
  Timeout,
  Unavailable,
  UnknownRoute
} from "./ConnectionError.ts"
import { FrameTooLarge } from "./TransportError.ts"

/**
 * What is known of an instance that does not take an invocation.
 *
 * @category models
 */
export const Known = Schema.Struct({ instance: Schema.String, detail: Schema.String })

/**
 * There is no instance that takes the invocation; nothing was handled.
 *
 * @category errors
 */
export class NoInstance extends Schema.TaggedError<NoInstance>()("NoInstance", {
  functions: Schema.String,
  function: Schema.String,
  /** Why each one that there is does not take it. */
  known: Schema.Array(Known),
  /** Why there are none, where it is known. */
  detail: Schema.String
}) {
  override get message(): string {
    const known = this.known.map(({ detail, instance }) => `${instance} ${detail}`)
    const why = this.detail === "" ? [] : [this.detail]
    const all = known.length === 0 && why.length === 0 ? "there are none" : [...why, ...known].join("; ")
    return `No instance of ${this.functions} takes "${this.function}": ${all}. Nothing was handled: start one, or try again later.`
  }
}

/**
 * All instances have as much to do as they may, and as much waits as may wait; nothing was handled.
 *
 * @category errors
 */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", {
  functions: Schema.String,
  function: Schema.String,
  /** How many invocations each instance takes at once. */
  underway: Schema.Number,
  /** How many may wait. */
  queue: Schema.Number
}) {
  override get message(): string {
    return `"${this.function}" of ${this.functions} is too much: each instance has ${this.underway} invocations underway, and ${this.queue} wait. Invoke less at once, start more instances, or raise the limits.`
  }
}

/**
 * The invoker is closed.
 *
 * **Details**
 *
 * `delivery`: `"not sent"` when no instance has got the invocation; `"uncertain"` when it was underway, and was not answered
 * in the time that there was.
 *
 * @category errors
 */
export class InvokerClosed extends Schema.TaggedError<InvokerClosed>()("InvokerClosed", {
  functions: Schema.String,
  function: Schema.String,
  delivery: Schema.Literals(["not sent", "uncertain"])
}) {
  override get message(): string {
    const next =
      this.delivery === "not sent"
        ? "Nothing was sent: make a new invoker."
        : "It may have been handled: ask before it is repeated."
    return `The invoker of ${this.functions} is closed, and "${this.function}" has no answer. ${next}`
  }
}

/**
 * How an invocation can fail besides the function's own error.
 *
 * **Details**
 *
 * - `NoInstance`, `Overloaded`: nothing was handled.
 * - `Unavailable`: as its `delivery` says. With `"not sent"` no instance has got it within its time; with `"uncertain"` the
 *   instance that had it was lost.
 * - `Timeout`: an instance had it, and did not answer in time.
 * - `HandlerFailed`: the function died, or was interrupted.
 * - The rest: it can't be handled, by any instance or as it is.
 *
 * In those that have a `peer` this is the instance.
 *
 * @category errors
 */
export const InvocationError = Schema.Union([
  NoInstance,
  Overloaded,
  Timeout,
  Unavailable,
  InvokerClosed,
  HandlerFailed,
  UnknownRoute,
  PermissionDenied,
  InvalidMessage,
  InvalidArgument,
  FrameTooLarge
])

/**
 * The type of {@link InvocationError}.
 *
 * @category errors
 */
export type InvocationError = typeof InvocationError.Type
