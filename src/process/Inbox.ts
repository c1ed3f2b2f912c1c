/**
 * Where the messages of a process wait: in order, without limit unless one is asked for, and never lost in silence.
 */
import type { Selectable } from "../channel/Selectable.ts"
import * as internal from "./internal/inbox.ts"

/**
 * The messages that a process has not taken yet.
 *
 * @category models
 */
export interface Inbox<out M> extends Selectable<M> {
  /** How many messages wait. */
  readonly length: number
}

/**
 * What happens to a message that arrives at a full inbox.
 *
 * **Details**
 *
 * - `suspend`: the sender waits for space; senders are let in first come, first served, and one that is interrupted
 *   has sent nothing.
 * - `drop-newest`: the arriving message goes to the dead letters.
 * - `drop-oldest`: the message that has waited longest goes to the dead letters, and the new one is queued.
 * - `reject`: the send fails with `InboxFull`.
 *
 * @category models
 */
export type Overflow = "suspend" | "drop-newest" | "drop-oldest" | "reject"

/**
 * How an inbox behaves.
 *
 * **Example** (An inbox that rejects)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Printer = Process.make("app:printer", {
 *   protocol: [Rpc.make("print")],
 *   inbox: { capacity: 1, overflow: "reject" }
 * })
 * const PrinterLive = Printer.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Printer)
 *   yield* Process.send(pid, "print")
 *   return yield* Process.send(pid, "print").pipe(
 *     Effect.as("accepted"),
 *     Effect.catchTag("InboxFull", (error) => Effect.succeed(`full: ${error.capacity}`))
 *   )
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [PrinterLive, ProcessHost.layer("app:processes")])) // => "full: 1"
 * ```
 *
 * @category models
 */
export interface Options {
  /** How many messages wait at most: a whole number from 1 on. Without limit when absent. */
  readonly capacity?: number | undefined
  /** What happens to a message that arrives at a full inbox: `suspend` when absent. */
  readonly overflow?: Overflow | undefined
  /**
   * The length at which the process gets an `InboxHigh` event, once each time that the inbox grows to it: a whole
   * number from 1 on, 10,000 when absent.
   */
  readonly highWater?: number | undefined
}

/**
 * The messages of an inbox that match, as a source of their own to select over; the others stay in the inbox, in order.
 *
 * **Example** (Waiting for one answer, or for a request to end)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Inbox, Process, ProcessHost, Select } from "troupe"
 *
 * const Answer = Rpc.make("answer", { payload: { to: Schema.Int, text: Schema.String } })
 * const Asker = Process.make("app:asker", { protocol: [Answer] })
 * const AskerLive = Asker.toLayer(Effect.fn(function*() {
 *   const second = Inbox.where(yield* Asker.inbox, (message) => message.payload.to === 2)
 *   const next = yield* Select.priority({ event: yield* Asker.events, answer: second })
 *   return next._tag === "answer" ? next.value.payload.text : "asked to end"
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Asker)
 *   yield* Process.send(pid, "answer", { to: 1, text: "too late" })
 *   yield* Process.send(pid, "answer", { to: 2, text: "just right" })
 *   return yield* Effect.flatten(Process.await(pid))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [AskerLive, ProcessHost.layer("app:processes")])) // => "just right"
 * ```
 *
 * @category selecting
 */
export const where = <M>(inbox: Inbox<M>, matches: (message: M) => boolean): Selectable<M> =>
  internal.where(inbox as unknown as internal.InboxImpl, matches as never) as Selectable<never>
