/**
 * Messages that were accepted and then could not be handled, each with the reason: none disappears.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import { type ProcessHost, withHost } from "./internal/services.ts"
import type { Pid } from "./Pid.ts"

/**
 * Why a message was not handled.
 *
 * **Details**
 *
 * - `Ended`: its receiver ended before it took the message.
 * - `Overflow`: the inbox was full, and its policy is to drop.
 *
 * @category models
 */
export type Reason = "Ended" | "Overflow"

/**
 * A message that was accepted and not handled.
 *
 * @category models
 */
export interface DeadLetter {
  readonly to: Pid
  readonly sender: Pid | undefined
  readonly topic: string
  readonly payload: unknown
  readonly reason: Reason
}

/**
 * How many dead letters there were, by reason.
 *
 * @category models
 */
export type Counts = { readonly [R in Reason]: number }

/**
 * Subscribes to the dead letters of the application's hosts: every one that comes while the scope is open is yielded,
 * in order.
 *
 * @category subscribing
 */
export const subscribe: Effect.Effect<Selectable<DeadLetter>, never, ProcessHost | Scope.Scope> = withHost((host) =>
  host.node.deadLetters.subscribe()
)

/**
 * How many dead letters there were on all hosts of the application.
 *
 * @category reading
 */
export const counts: Effect.Effect<Counts, never, ProcessHost> = withHost((host) =>
  Effect.sync(() => ({ ...host.node.deadLetterCounts }))
)
