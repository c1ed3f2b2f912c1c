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
 * - `Ended`: its receiver returned, also when it was asked to end, or ended with `Shutdown`, before it took the message.
 * - `Failed`, `Stopped`, `Killed`: its receiver failed, was interrupted, or was killed.
 * - `Restarting`: its receiver was down, to be restarted, and keeps no more messages meanwhile.
 * - `Exhausted`: its receiver was down, and its supervisor gave it up.
 * - `Overflow`: the inbox was full, and its policy is to drop.
 *
 * @category models
 */
export type Reason = "Ended" | "Failed" | "Stopped" | "Killed" | "Restarting" | "Exhausted" | "Overflow"

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
 * **Example** (Seeing what was not handled)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { DeadLetter, Process, ProcessHost, Selectable } from "troupe"
 *
 * const Reader = Process.make("app:reader", { protocol: [Rpc.make("note", { payload: Schema.String })] })
 * const ReaderLive = Reader.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const letters = yield* DeadLetter.subscribe
 *   const pid = yield* Process.spawn(Reader)
 *   yield* Process.send(pid, "note", "unread")
 *   yield* Process.kill(pid)
 *   const letter = yield* Selectable.take(letters)
 *   return [letter.topic, letter.payload, letter.reason]
 * }).pipe(Effect.scoped)
 *
 * await Effect.runPromise(Effect.provide(program, [ReaderLive, ProcessHost.layer("app:processes")]))
 * // => ["note", "unread", "Killed"]
 * ```
 *
 * @category subscribing
 */
export const subscribe: Effect.Effect<Selectable<DeadLetter>, never, ProcessHost | Scope.Scope> = withHost((host) =>
  host.node.deadLetters.subscribe()
)

/**
 * How many dead letters there were on all hosts of the application.
 *
 * **Example** (Counting what was dropped)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { DeadLetter, Process, ProcessHost } from "troupe"
 *
 * const Gauge = Process.make("app:gauge", {
 *   protocol: [Rpc.make("sample")],
 *   inbox: { capacity: 1, overflow: "drop-oldest" }
 * })
 * const GaugeLive = Gauge.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Gauge)
 *   for (let i = 0; i < 3; i++) yield* Process.send(pid, "sample")
 *   return (yield* DeadLetter.counts).Overflow
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [GaugeLive, ProcessHost.layer("app:processes")])) // => 2
 * ```
 *
 * @category reading
 */
export const counts: Effect.Effect<Counts, never, ProcessHost> = withHost((host) =>
  Effect.sync(() => ({ ...host.node.deadLetterCounts }))
)
