/**
 * What a process can wait for: a source that answers at once whether something is ready, and that can wake a waiter
 * when that may have changed. Inboxes, events and subscriptions are `Selectable`; `Select` waits on several of them.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import { polled, Taking, untilReady } from "./internal/parking.ts"
import { effectOf, step } from "./internal/step.ts"

/**
 * The type-level and runtime key of `Selectable`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/channel/Selectable"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * One that waits in a source, to look again when it is woken.
 *
 * @category models
 */
export interface Waiter {
  /** Has it look again. */
  wake(): void
  /** Whether it still waits: one that was interrupted does not, though it may not have been unparked yet. */
  isLive(): boolean
  /** Whether it was woken before and found nothing: it is not refused then. */
  readonly waited: boolean
}

/**
 * A source of values that can be polled in one synchronous step and that wakes parked waiters, oldest first.
 *
 * **Details**
 *
 * An implementation keeps three rules, without which an interrupted wait loses a value: `isReadyUnsafe` and `parkUnsafe`
 * can be called in one step with no wake-up missed between them; a value leaves the source only in `pollUnsafe`; and a
 * waiter is woken only while something is there, and looks again when it runs.
 *
 * @category models
 */
export interface Selectable<out A, out E = never> {
  readonly [TypeId]: TypeId
  /** Whether `pollUnsafe` would answer. */
  isReadyUnsafe(): boolean
  /** Takes what is ready, or answers `undefined` and changes nothing. */
  pollUnsafe(): Exit.Exit<A, E> | undefined
  /** Has the waiter woken once, in a later step, when something may be ready; or answers why it can't wait. */
  parkUnsafe(waiter: Waiter): Exit.Exit<never, E> | undefined
  /** Forgets a parked waiter; nothing happens when it was woken already. */
  unparkUnsafe(waiter: Waiter): void
  /** How many may wait, where there is a limit: `isLive` of those who wait is exact then. */
  readonly waiters?: number | undefined
}

/**
 * The value that a source yields.
 *
 * @category utility types
 */
export type Value<S> = S extends Selectable<infer A, infer _E> ? A : never

/**
 * The error with which a source may end.
 *
 * @category utility types
 */
export type Failure<S> = S extends Selectable<infer _A, infer E> ? E : never

/**
 * Whether a value is a `Selectable`.
 *
 * @category guards
 */
export const isSelectable = (u: unknown): u is Selectable<unknown, unknown> =>
  typeof u === "object" && u !== null && TypeId in u

/**
 * Takes the next value, waiting until there is one; an interrupted wait takes nothing.
 *
 * **Details**
 *
 * Waiters are served first come, first served. Fails with the source's error once the source has ended.
 *
 * **Example** (Taking two messages)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Joiner = Process.make("app:joiner", { protocol: [Rpc.make("word", { payload: Schema.String })] })
 * const JoinerLive = Joiner.toLayer(Effect.fn(function*() {
 *   const inbox = yield* Joiner.inbox
 *   const first = yield* Selectable.take(inbox)
 *   const second = yield* Selectable.take(inbox)
 *   return `${first.payload} ${second.payload}`
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Joiner)
 *   yield* Process.send(pid, "word", "good")
 *   yield* Process.send(pid, "word", "morning")
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [JoinerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("good morning")
 * ```
 *
 * @category taking
 */
export const take = <A, E>(self: Selectable<A, E>): Effect.Effect<A, E> => effectOf(new Taking(self))

/**
 * Takes the next value if one is ready now, and never waits.
 *
 * **Example** (Taking all that waits)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Option, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Batch = Process.make("app:batch", { protocol: [Rpc.make("row", { payload: Schema.Int })] })
 * const BatchLive = Batch.toLayer(Effect.fn(function*() {
 *   const inbox = yield* Batch.inbox
 *   const rows: Array<number> = []
 *   let next = Option.some(yield* Selectable.take(inbox))
 *   while (Option.isSome(next)) {
 *     rows.push(next.value.payload)
 *     next = yield* Selectable.poll(inbox)
 *   }
 *   return rows
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Batch)
 *   for (const row of [1, 2, 3]) yield* Process.send(pid, "row", row)
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [BatchLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([1, 2, 3])
 * ```
 *
 * @category taking
 */
export const poll = <A, E>(self: Selectable<A, E>): Effect.Effect<Option.Option<A>, E> =>
  step(() => polled(self.pollUnsafe()))

/**
 * Waits until one of the sources may be ready and takes nothing: one waiter is parked in all of them, so that no fiber
 * is forked.
 *
 * **Details**
 *
 * Fails when one of the sources has as many waiters as it lets; otherwise it does not fail.
 *
 * **Example** (Waiting without taking)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Watch = Process.make("app:watch", { protocol: [Rpc.make("knock")] })
 * const WatchLive = Watch.toLayer(Effect.fn(function*() {
 *   const inbox = yield* Watch.inbox
 *   yield* Selectable.parked([inbox, yield* Watch.events])
 *   return inbox.length
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Watch)
 *   yield* Process.send(pid, "knock")
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WatchLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(1)
 * ```
 *
 * @category waiting
 */
export const parked = <E>(sources: ReadonlyArray<Selectable<unknown, E>>): Effect.Effect<void, E> =>
  untilReady(sources, false)
