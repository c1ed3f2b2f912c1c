/**
 * Instances that run, and the ways to them: what a runtime gives to those who call.
 */
import type * as Effect from "effect/Effect"
import type { Credentials } from "./Authentication.ts"
import type { InstanceId } from "./InstanceId.ts"
import type { Strategy } from "./Strategy.ts"

/**
 * One that runs, or is said to run: who it is, and how it is reached.
 *
 * **Details**
 *
 * Two are the same one when they are the same object: an instance that was started again under its name is another one.
 *
 * @category models
 */
export interface Instance {
  readonly id: InstanceId
  /** The ways to it, in the order in which they are tried, each with its own address. */
  readonly strategy: Strategy
  /** What those who connect have to show to it; nothing when absent. */
  readonly credentials: Credentials | undefined
  /** Waits until it is over, and says how; it waits for ever where nobody can know. */
  readonly ended: Effect.Effect<Ended>
}

/**
 * How an instance ended: as it was asked to, by itself, or because it could not be seen any more.
 *
 * @category models
 */
export interface Ended {
  readonly how: "stopped" | "exited" | "lost"
  /** What is known of it, for people: the exit code, the signal, the failure. */
  readonly detail: string
}
