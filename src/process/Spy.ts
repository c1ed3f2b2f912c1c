/**
 * What a process does, one event after the other, and who is told of it.
 */
import type * as Exit from "effect/Exit"
import type { Pid } from "./Pid.ts"
import type { ProcessEvent } from "./ProcessEvent.ts"

/**
 * A message of whatever topic.
 *
 * @category models
 */
export interface AnyMessage {
  readonly topic: string
  readonly payload: unknown
  /** The process that sent it; `undefined` when it was sent from outside of any process. */
  readonly sender: Pid | undefined
}

/**
 * The process took a message from its inbox or from a listener.
 *
 * @category events
 */
export interface In {
  readonly _tag: "In"
  readonly message: AnyMessage
}

/**
 * The state that the process shows was set.
 *
 * @category events
 */
export interface State {
  readonly _tag: "State"
  readonly state: unknown
}

/**
 * A message of the process, sent or called, was accepted by its receiver.
 *
 * @category events
 */
export interface Out {
  readonly _tag: "Out"
  readonly to: Pid
  readonly message: AnyMessage
}

/**
 * The process took one of its events.
 *
 * @category events
 */
export interface Told {
  readonly _tag: "Told"
  readonly event: ProcessEvent
}

/**
 * The process answered a call.
 *
 * @category events
 */
export interface Reply {
  readonly _tag: "Reply"
  /** The message that was answered. */
  readonly message: AnyMessage
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * What a process does: a union that `_tag` narrows.
 *
 * @category events
 */
export type Event = In | State | Told | Out | Reply

/**
 * What a spy answers with that has seen enough.
 *
 * @category models
 */
export const done = Symbol.for("troupe/process/Spy/done")

/**
 * The type of {@link done}.
 *
 * @category models
 */
export type Done = typeof done

/**
 * A function over its own state and what the process does, which runs in the very step in which the process does it: it
 * must be quick, and can't wait.
 *
 * @category models
 */
export interface Spy<S> {
  readonly initial: S
  /** Answers its next state, or {@link done}. */
  readonly next: (state: S, event: Event) => S | Done
}
