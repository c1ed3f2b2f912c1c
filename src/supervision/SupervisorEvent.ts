/**
 * What a supervisor tells of its children.
 */
import type * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import type { Pid } from "../process/Pid.ts"
import type { ChildStartFailed as StartFailure } from "./SupervisorError.ts"

/**
 * A child is up.
 *
 * @category models
 */
export interface ChildStarted {
  readonly _tag: "ChildStarted"
  readonly id: string
  readonly pid: Pid
}

/**
 * A child could not be started, or started again: it failed, died or was interrupted before it was up.
 *
 * @category models
 */
export interface ChildStartFailed {
  readonly _tag: "ChildStartFailed"
  readonly id: string
  readonly error: StartFailure
}

/**
 * A child ended by itself, or was ended by somebody else than its supervisor.
 *
 * @category models
 */
export interface ChildExited {
  readonly _tag: "ChildExited"
  readonly id: string
  readonly pid: Pid
  readonly exit: Exit.Exit<unknown, unknown>
  /** The state that it showed last; `undefined` when it showed none. */
  readonly state: unknown
}

/**
 * A child will be started again after a delay.
 *
 * @category models
 */
export interface ChildRestarting {
  readonly _tag: "ChildRestarting"
  readonly id: string
  readonly delay: Duration.Duration
}

/**
 * A child is not restarted any more, since its own budget or backoff is used up.
 *
 * @category models
 */
export interface ChildGivenUp {
  readonly _tag: "ChildGivenUp"
  readonly id: string
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * What a supervisor tells of its children.
 *
 * @category models
 */
export type SupervisorEvent = ChildStarted | ChildStartFailed | ChildExited | ChildRestarting | ChildGivenUp
