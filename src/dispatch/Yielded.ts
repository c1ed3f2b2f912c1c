/**
 * A command that a process has yielded, as its handler sees it.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Any } from "./Command.ts"
import { LaterImpl } from "./internal/later.ts"

/**
 * The process that has yielded, as far as a handler needs to know it.
 *
 * @category models
 */
export interface Yielder {
  /** Its pid, as it prints. */
  readonly id: string
  /** Its scope: what a handler opens on its behalf is closed with it. */
  readonly scope: Scope.Scope
}

/**
 * A command under way: who yielded it, under which tag, and how to complete it from elsewhere.
 *
 * @category models
 */
export interface Yielded<in Success, in Error> {
  readonly command: Any
  readonly payload: unknown
  /** Counts from 1 in each process, and is never given twice. */
  readonly tag: number
  readonly process: Yielder

  /**
   * Completes the yield from any fiber, once the handler has answered `Dispatcher.later`; answers whether it did. What
   * comes for a yield that is not pending any more is dropped, and counted. Where interceptors have the handler run again,
   * each run is completed for itself: what comes for one that is over is dropped as well.
   */
  readonly complete: (exit: Exit.Exit<Success, Error>) => Effect.Effect<boolean>

  /** As `complete`, for a callback outside of Effect: the process goes on in a later step. */
  readonly completeUnsafe: (exit: Exit.Exit<Success, Error>) => boolean

  /**
   * Completes whichever yield of the process has the tag, past the types; answers whether it did. For handlers that keep
   * tags: in a table of their own, or in what they send to others. Of several runs of its handler it completes the one that
   * began last.
   */
  readonly completeTag: (tag: number, exit: Exit.Exit<unknown, unknown>) => Effect.Effect<boolean>
}

/**
 * Any command under way.
 *
 * @category models
 */
export type AnyYielded = Yielded<never, never>

/**
 * The key of {@link Later}.
 *
 * @category type ids
 */
export const LaterTypeId = "~troupe/dispatch/Later"

/**
 * The answer of a handler that completes its yield later; see `Dispatcher.later`.
 *
 * @category models
 */
export interface Later {
  readonly [LaterTypeId]: typeof LaterTypeId
}

/**
 * What a handler answers that completes its yield later, from another fiber, with `complete`.
 *
 * **Details**
 *
 * - `onInterrupt`: runs when nobody waits for the yield any more: its process is interrupted, or its time is over.
 *
 * **Example** (Completing from elsewhere)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Command, Dispatcher, Process, ProcessHost } from "troupe"
 *
 * const Printer = Command.module("printer", { print: Command.make(300, { success: Schema.String }) })
 * const PrinterLive = Dispatcher.layer(Printer, {
 *   print: Effect.fn(function*(_, yielded) {
 *     yield* Effect.forkDetach(yielded.complete(Exit.succeed("printed")))
 *     return Dispatcher.later()
 *   })
 * })
 *
 * const Clerk = Process.make("app:clerk")
 * const ClerkLive = Clerk.toLayer(() => Process.yield(Printer.print)).pipe(Layer.provide(PrinterLive))
 *
 * const program = Effect.flatMap(Process.spawn(Clerk), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClerkLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("printed")
 * ```
 *
 * @category handlers
 */
export const later = (onInterrupt?: Effect.Effect<void>): Later => new LaterImpl(onInterrupt)
