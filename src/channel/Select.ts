/**
 * Waits for several things at once and does exactly one of them: receives from one source, or sends on one channel; the
 * others keep what they have.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type { Sender } from "./Ends.ts"
import type { ChannelClosed } from "./ChannelError.ts"
import { type Arm, awaiting, observing, sending } from "./internal/arm.ts"
import { implementationOf } from "./internal/channel.ts"
import { CaseImpl, caseOf, type Handler, Selection } from "./internal/selection.ts"
import { effectOf } from "./internal/step.ts"
import type * as Selectable from "./Selectable.ts"

/**
 * The type-level and runtime key of `Case`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/channel/Select/Case"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A case of a select that is more than receiving from a source: it yields `A`, may fail with `E`, and its handler
 * requires `R`.
 *
 * @category models
 */
export interface Case<out A, out E = never, out R = never> {
  readonly [TypeId]: { readonly _A: (_: never) => A; readonly _E: (_: never) => E; readonly _R: (_: never) => R }
}

/**
 * What can stand as a case: a source, which is received from, or a {@link Case}.
 *
 * @category models
 */
export type AnyCase = Selectable.Selectable<unknown, unknown> | Case<unknown, unknown, unknown>

/**
 * The cases of a select, under the keys that tell them apart.
 *
 * @category models
 */
export type Cases = Readonly<Record<string, AnyCase>>

/**
 * At least one case: a select without any would wait for ever.
 *
 * @category utility types
 */
export type NonEmpty<C extends Cases> = keyof C extends never ? { readonly "a select has at least one case": never } : C

/**
 * What a case yields.
 *
 * @category utility types
 */
export type Value<C> = C extends Case<infer A, infer _E, infer _R> ? A : Selectable.Value<C>

/**
 * How a case may fail.
 *
 * @category utility types
 */
export type Failure<C> = C extends Case<infer _A, infer E, infer _R> ? E : Selectable.Failure<C>

/**
 * What the handler of a case requires.
 *
 * @category utility types
 */
export type Services<C> = C extends Case<infer _A, infer _E, infer R> ? R : never

/**
 * What a select yields: the key of the case that won, as `_tag`, and its value.
 *
 * @category utility types
 */
export type Selected<C extends Cases> = {
  readonly [K in keyof C & string]: { readonly _tag: K; readonly value: Value<C[K]> }
}[keyof C & string]

/**
 * The effect of a select.
 *
 * @category utility types
 */
export type Selecting<C extends Cases> = Effect.Effect<Selected<C>, Failure<C[keyof C]>, Services<C[keyof C]>>

const makeCase = <A, E, R>(arm: Arm | undefined, handler?: Handler): Case<A, E, R> =>
  new CaseImpl(arm, handler) as unknown as Case<A, E, R>

/**
 * The case of sending a value: it wins when the channel accepts the value, and only then is it sent.
 *
 * **Details**
 *
 * On a channel that holds nothing it waits for a receiver, which may be a select as well. The select fails with
 * `ChannelClosed`, which carries the value back, when the channel is closed.
 *
 * **Example** (Sending or giving up)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Channel, Select } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const full = yield* Channel.rendezvous<number>()
 *   const done = yield* Channel.bounded<string>(1)
 *   yield* Channel.send(done, "done")
 *   return yield* Select.any({ sent: Select.send(full, 1), done })
 * })
 *
 * await Effect.runPromise(program) // => { _tag: "done", value: "done" }
 * ```
 *
 * @category cases
 */
export const send = <A, E>(channel: Sender<A, E>, value: A): Case<void, ChannelClosed | E> =>
  makeCase(sending(implementationOf(channel), value))

/**
 * The case of a deferred that is completed: the select yields its value, or fails with its error.
 *
 * @category cases
 */
export const deferred = <A, E>(self: Deferred.Deferred<A, E>): Case<A, E> =>
  makeCase(
    awaiting(
      () => (Deferred.isDoneUnsafe(self) ? Exit.void : undefined),
      () => Deferred.isDoneUnsafe(self),
      Deferred.await(self)
    ),
    () => Deferred.await(self)
  )

/**
 * The case of a fiber that has ended: the select yields its whole outcome.
 *
 * @category cases
 */
export const fiber = <A, E>(self: Fiber.Fiber<A, E>): Case<Exit.Exit<A, E>> =>
  makeCase(
    observing(
      () => {
        const exit = self.pollUnsafe()
        return exit === undefined ? undefined : Exit.succeed(exit)
      },
      (done) => self.addObserver(done)
    )
  )

/**
 * The case of a value in a queue of effect: it is taken when the case wins, and the select fails with the queue's error
 * once it has ended.
 *
 * @category cases
 */
export const queue = <A, E>(self: Queue.Dequeue<A, E>): Case<A, E> =>
  makeCase(
    awaiting(
      () => Queue.takeUnsafe(self),
      () => Queue.sizeUnsafe(self) > 0 || self.state._tag === "Done",
      Queue.peek(self)
    )
  )

/**
 * The case that wins when no other one is ready: a select that has it never waits, and yields nothing for it.
 *
 * @category cases
 */
export const otherwise: Case<void> = makeCase(undefined)

/**
 * Gives a case a handler, whose result the select yields in place of the value.
 *
 * **Details**
 *
 * The handler runs when its case has won, after the value was taken or sent; those of the other cases never run. It is
 * called with the value in the step that takes it.
 *
 * **Example** (A case with a handler)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Channel, Select } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const numbers = yield* Channel.bounded<number>(1)
 *   yield* Channel.send(numbers, 21)
 *   return yield* Select.any({ double: Select.handle(numbers, (n) => Effect.succeed(n * 2)), never: Channel.never })
 * })
 *
 * await Effect.runPromise(program) // => { _tag: "double", value: 42 }
 * ```
 *
 * @category cases
 */
export const handle = <C extends AnyCase, B, E2, R2>(
  self: C,
  handler: (value: Value<C>) => Effect.Effect<B, E2, R2>
): Case<B, Failure<C> | E2, Services<C> | R2> => {
  const { arm, handler: before } = caseOf(self)
  const next = handler as Handler
  return makeCase(arm, before === undefined ? next : (value) => Effect.flatMap(before(value), next))
}

/**
 * Takes from one ready case, whichever, and waits while none is: a case that is ready again and again wins its fair share
 * and starves nobody.
 *
 * **Details**
 *
 * The result is a union that `_tag` narrows to the value of the case. An interrupted select has taken and sent nothing.
 * One waiter is parked in all sources, so that a select over channels, inboxes, events, timers and fibers forks no fiber
 * while it waits; each deferred and each queue of effect has one, and a select that has sends beside those may have sent
 * when it is interrupted. Fails with the error of a source that has ended.
 *
 * **Example** (Serving messages and events)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Select } from "troupe"
 *
 * const Stop = Rpc.make("stop")
 * const Waiter = Process.make("app:waiter", { protocol: [Stop] })
 * const WaiterLive = Waiter.toLayer(Effect.fn(function*() {
 *   const next = yield* Select.any({ message: yield* Waiter.inbox, event: yield* Waiter.events })
 *   return next._tag === "message" ? next.value.topic : next.value._tag
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Waiter)
 *   yield* Process.send(pid, "stop")
 *   return yield* Effect.flatten(Process.await(pid))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WaiterLive, ProcessHost.layer("app:processes")])) // => "stop"
 * ```
 *
 * @category selecting
 */
export const any = <const C extends Cases>(cases: C & NonEmpty<C>): Selecting<C> => effectOf(new Selection(cases, true))

/**
 * Takes from the first case that is ready, in the order in which the cases are written, and waits while none is; keys
 * that read as whole numbers come first, as in every JavaScript object.
 *
 * **Details**
 *
 * As {@link any}, but not fair: a case that is always ready starves those written after it.
 *
 * **Example** (Events before messages)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Select } from "troupe"
 *
 * const Worker = Process.make("app:worker", { protocol: [Rpc.make("work")] })
 * const WorkerLive = Worker.toLayer(Effect.fn(function*() {
 *   const next = yield* Select.priority({ event: yield* Worker.events, message: yield* Worker.inbox })
 *   return next._tag
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Worker)
 *   yield* Process.send(pid, "work")
 *   yield* Process.cancel(pid)
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WorkerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("event")
 * ```
 *
 * @category selecting
 */
export const priority = <const C extends Cases>(cases: C & NonEmpty<C>): Selecting<C> =>
  effectOf(new Selection(cases, false))
