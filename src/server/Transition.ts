/**
 * What a state machine does after an event: the state that it is in, and what else is to be done.
 */
import type * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { type Kind, TransitionImpl } from "./internal/transition.ts"

/**
 * The type-level and runtime key of `Transition`.
 *
 * @category type ids
 */
export const TransitionTypeId = "~troupe/server/StateMachine/Transition"

/**
 * What a transition does beside going to a state.
 *
 * **Details**
 *
 * The order in which it is done does not depend on how it is written; `StateMachine.make` tells it.
 *
 * @category models
 */
export interface Actions<
  Reply = never,
  Failure = never,
  Event = never,
  Timer extends string = never,
  Postpone = never
> {
  /** Has the event handled again after the next change of the state: before all that arrived later. */
  readonly postpone?: Postpone
  /** Answers the call that is handled. */
  readonly reply?: Reply
  /** Answers the call that is handled with a typed error. */
  readonly replyFail?: Failure
  /** Internal events, which are handled next, in this order. */
  readonly raise?: ReadonlyArray<Event>
  /** Has `stateTimeout` called after a time, unless the state changes before; `"Infinity"` cancels it. */
  readonly stateTimeout?: Duration.Input
  /** Has `eventTimeout` called after a time, unless there is any other event before. */
  readonly eventTimeout?: Duration.Input
  /** Has timers go off after a time, in whichever state; `"Infinity"` cancels one. */
  readonly timers?: { readonly [Name in Timer]?: Duration.Input }
}

/**
 * What a state machine does after an event.
 *
 * @category models
 */
export interface Transition<out State, out Does> {
  readonly [TransitionTypeId]: { readonly _State: (_: never) => State; readonly _Does: (_: never) => Does }
}

const make = (kind: Kind, state: unknown, actions: object | undefined, exit?: Exit.Exit<unknown, unknown>): never =>
  new TransitionImpl(kind, state, actions ?? {}, exit) as never

/**
 * Stays in the state, with the data that it has: what was postponed stays so, and the state timeout goes on.
 *
 * **Example** (Answering, and raising an event)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, StateMachine } from "troupe"
 *
 * const audit: Array<string> = []
 * const Till = StateMachine.make("app:till", {
 *   protocol: [Rpc.make("sell", { payload: Schema.String, success: Schema.Boolean })],
 *   states: { Ready: {} },
 *   internal: { sold: { item: Schema.String } }
 * })
 * const TillLive = Till.toLayer(() =>
 *   Till.of({
 *     initial: Till.states.Ready(),
 *     states: {
 *       Ready: {
 *         on: { sell: (_, { payload }) => StateMachine.stay({ reply: true, raise: [{ _tag: "sold", item: payload }] }) },
 *         internal: { sold: (_, { item }) => Effect.as(Effect.sync(() => audit.push(item)), StateMachine.stay()) }
 *       }
 *     }
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.start(Till)
 *   return [yield* Process.call(pid, "sell", "tea"), yield* Process.call(pid, "sell", "milk"), audit[0]]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [TillLive, ProcessHost.layer("app:processes")]))
 * // => [true, true, "tea"]
 * ```
 *
 * @category transitions
 */
export const stay = <
  const Reply = never,
  const Failure = never,
  const Event = never,
  const Timer extends string = never,
  const Postpone extends boolean = never
>(
  actions?: Actions<Reply, Failure, Event, Timer, Postpone>
): Transition<never, Actions<Reply, Failure, Event, Timer, Postpone>> => make("go", undefined, actions)

/**
 * Goes to a state, which may be the present one with other data.
 *
 * **Details**
 *
 * The state changes when its tag does: then the state timeout is cancelled, what was postponed is handled again, and the
 * state is entered. With the same tag only the data changes.
 *
 * **Example** (Two states)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, StateMachine } from "troupe"
 *
 * const Lamp = StateMachine.make("app:lamp", {
 *   protocol: [Rpc.make("push", { success: Schema.String })],
 *   states: { Off: {}, On: { pushes: Schema.Int } }
 * })
 * const { Off, On } = Lamp.states
 * const LampLive = Lamp.toLayer(() =>
 *   Lamp.of({
 *     initial: Off(),
 *     states: {
 *       Off: { on: { push: () => StateMachine.next(On({ pushes: 1 }), { reply: "on" }) } },
 *       On: {
 *         on: {
 *           push: ({ pushes }) =>
 *             pushes === 2
 *               ? StateMachine.next(Off(), { reply: "off" })
 *               : StateMachine.next(On({ pushes: pushes + 1 }), { reply: "brighter" })
 *         }
 *       }
 *     }
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.start(Lamp)
 *   return yield* Effect.forEach([1, 2, 3], () => Process.call(pid, "push"))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [LampLive, ProcessHost.layer("app:processes")]))
 * // => ["on", "brighter", "off"]
 * ```
 *
 * @category transitions
 */
export const next = <
  const State extends { readonly _tag: string },
  const Reply = never,
  const Failure = never,
  const Event = never,
  const Timer extends string = never,
  const Postpone extends boolean = never
>(
  state: State,
  actions?: Actions<Reply, Failure, Event, Timer, Postpone>
): Transition<State, Actions<Reply, Failure, Event, Timer, Postpone>> => make("go", state, actions)

/**
 * As {@link next}, and enters the state again if it does not change.
 *
 * @category transitions
 */
export const repeat = <
  const State extends { readonly _tag: string },
  const Reply = never,
  const Failure = never,
  const Event = never,
  const Timer extends string = never,
  const Postpone extends boolean = never
>(
  state: State,
  actions?: Actions<Reply, Failure, Event, Timer, Postpone>
): Transition<State, Actions<Reply, Failure, Event, Timer, Postpone>> => make("repeat", state, actions)

/**
 * Stays in the state, and has the event handled again after the next change of the state: before all that arrived later.
 *
 * @category transitions
 */
export const postpone: Transition<never, Actions<never, never, never, never, true>> = make("go", undefined, {
  postpone: true
})

/**
 * Ends the machine: in order, or with the exit given along. What it has postponed becomes dead letters.
 *
 * @category transitions
 */
export const stop = <const Reply = never, const Failure = never>(
  exit: Exit.Exit<unknown, unknown> = Exit.void,
  actions?: Pick<Actions<Reply, Failure>, "reply" | "replyFail">
): Transition<never, Actions<Reply, Failure>> => make("stop", undefined, actions, exit)
