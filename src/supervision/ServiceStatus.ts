/**
 * What is known of a service at a time.
 */
import type * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import type { Pid } from "../process/Pid.ts"

/**
 * Where a service is.
 *
 * **Details**
 *
 * - `starting`: it is on its way up: it waits for what it depends on, for its process to be ready, or for its next attempt.
 * - `running`: its process is up.
 * - `stopping`: it was asked to stop, and has not ended yet.
 * - `stopped`: it was stopped, or was never started.
 * - `exited`: its process returned, or ended in order; what depends on it may start.
 * - `failed`: it is given up: it did not come up, or used up its attempts.
 *
 * @category models
 */
export type State = "starting" | "running" | "stopping" | "stopped" | "exited" | "failed"

/**
 * What is known of a service at a time.
 *
 * @category models
 */
export interface Status {
  readonly id: string
  readonly state: State
  /** Its process, while it runs. */
  readonly pid: Pid | undefined
  /** How many times it was started again since it was asked to start, or last ran for its stable threshold. */
  readonly attempts: number
  /** How long it waits for its next attempt, from the time of this status on; `undefined` when it does not. */
  readonly retryIn: Duration.Duration | undefined
  /**
   * How it ended last: the exit of its process, or a failure with `ServiceStartFailed` or `DependencyFailed`; `undefined`
   * when it has not.
   */
  readonly exit: Exit.Exit<unknown, unknown> | undefined
}
