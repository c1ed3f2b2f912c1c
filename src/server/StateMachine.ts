/**
 * Processes that are in one of several states, each with data and handlers of its own: what OTP's `gen_statem` is.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import {
  type Definition,
  type Implementation,
  make as makeProcess,
  type Protocol,
  type Provided,
  TypeId
} from "../process/Definition.ts"
import type * as Inbox from "../process/Inbox.ts"
import { type CurrentProcess, withCell } from "../process/internal/services.ts"
import { show } from "../process/internal/shown.ts"
import { ready } from "../process/Starting.ts"
import type { Case, CaseOf, Cases, Handlers, Services } from "./Handlers.ts"
import { known } from "./internal/known.ts"
import { type Machine as Runnable, MachineImpl } from "./internal/machine.ts"
import type { Actions } from "./Transition.ts"

export * from "./Handlers.ts"
export * from "./Transition.ts"

/**
 * The schema of the states of a machine.
 *
 * @category utility types
 */
export interface StateSchema<States extends Cases> extends Schema.Top {
  readonly Type: Case<States>
}

/**
 * Makes the value of a state from its data.
 *
 * @category utility types
 */
export type StateOf<States extends Cases, Tag extends keyof States> = keyof States[Tag] extends never
  ? () => CaseOf<States, Tag>
  : (data: Schema.Struct.Type<States[Tag]>) => CaseOf<States, Tag>

/**
 * How a machine begins, and the handlers of its states.
 *
 * @category models
 */
export interface Machine<out State, out H> {
  readonly initial: State
  readonly actions?: object | undefined
  readonly states: H
}

/**
 * A kind of process that is a state machine: a value that those who implement it and those who use it share.
 *
 * @category models
 */
export interface StateMachine<
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  States extends Cases,
  Internal extends Cases,
  Timer extends string
> extends Definition<Name, Rpcs, Args, typeof Schema.Unknown, StateSchema<States>> {
  /**
   * Makes the value of a state from its data: `Door.states.Locked({ digits: [] })`, which is `{ _tag: "Locked", digits: [] }`.
   */
  readonly states: { readonly [Tag in keyof States]: StateOf<States, Tag> }

  /**
   * Checks an implementation, and answers it as it is: how the machine begins, and the handlers of each state.
   *
   * **Details**
   *
   * - `initial`: the state that is entered first.
   * - `actions`: what is to be done at the start, before anything that arrives: events to raise, timeouts to set.
   * - `states`: for each state
   *   - `on`: a handler for each topic of the protocol. It gets the state with its data and the message, and answers with
   *     a transition, or with an effect of one. A call that it does not answer may be answered later, with
   *     `Message.reply`.
   *   - `enter`, `stateTimeout`, `eventTimeout`, and by their names `internal` and `timers`.
   *   - `event`: what the process is told of others; see `ProcessEvent`.
   *   - `otherwise`: all that has no handler. Without it, `on` must have every topic, and an event of another kind that
   *     has no handler ends the machine with `UnhandledEvent`.
   *
   * A handler that fails ends the machine with its error.
   */
  of<H extends Handlers<Rpcs, States, Internal, Timer>>(machine: {
    readonly initial: Case<States>
    readonly actions?: Actions<never, never, Case<Internal>, Timer, never>
    readonly states: H
  }): Machine<Case<States>, H>

  /**
   * The layer that gives the definition its implementation: what `of` answers, or an effect of it.
   *
   * **Details**
   *
   * `init` runs in the process, whose scope it may use: what it opens there closes when the machine has ended. What it
   * and the handlers require beyond a process, the layer requires. The machine has started (`Process.start`, a
   * supervisor) once its first state has been entered.
   *
   * **Example** (A machine with a resource)
   *
   * ```ts import.meta.vitest
   * import { Effect } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost, StateMachine } from "troupe"
   *
   * const log: Array<string> = []
   * const Valve = StateMachine.make("app:valve", {
   *   protocol: [Rpc.make("turn")],
   *   states: { Closed: {}, Open: {} }
   * })
   * const ValveLive = Valve.toLayer(Effect.fn(function*() {
   *   yield* Effect.addFinalizer(() => Effect.sync(() => log.push("shut off")))
   *   const enter = (state: { readonly _tag: string }) => Effect.sync(() => void log.push(state._tag))
   *   return Valve.of({
   *     initial: Valve.states.Closed(),
   *     states: {
   *       Closed: { enter, on: { turn: () => StateMachine.next(Valve.states.Open()) } },
   *       Open: { enter, on: { turn: () => StateMachine.stop() } }
   *     }
   *   })
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const pid = yield* Process.start(Valve)
   *   yield* Process.send(pid, "turn")
   *   yield* Process.send(pid, "turn")
   *   yield* Process.await(pid)
   *   return log
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [ValveLive, ProcessHost.layer("app:processes")]))
   * // => ["Closed", "Open", "shut off"]
   * ```
   */
  toLayer<H extends Handlers<Rpcs, States, Internal, Timer>, E = never, R = never>(
    init: (args: Args["Type"]) => Machine<Case<States>, H> | Effect.Effect<Machine<Case<States>, H>, E, R>
  ): Layer.Layer<Implementation<Name>, never, Exclude<R | Services<H>, Provided<Name>>>
}

/**
 * Makes the definition of a state machine: a process that handles one event after the other, each as the state says that
 * it is in.
 *
 * **Details**
 *
 * - `name`: tells definitions apart; by custom `namespace:name`.
 * - `options.states`: the states, by their tags, each with the fields of its data. It is the schema of what the process
 *   shows: `Sys.getState` reads the state, and `Sys.replaceState` sets it, without entering it.
 * - `options.protocol`: the messages that it takes, as of any process.
 * - `options.internal`: the events that its handlers may raise, by their tags, each with its fields.
 * - `options.timers`: the names of timers that go on from state to state.
 * - `options.args`, `options.inbox`: as of any process.
 *
 * Events are handled in this order: those that were raised; those that were postponed, after a change of the state, in the
 * order in which they arrived; timeouts of no time; and then messages and timeouts as they arrive. A message that was
 * there before a timer went off is handled before it, and a timer that is cancelled never arrives.
 *
 * A transition is carried out in this order: the new state is there; what was postponed is queued again, if the tag of
 * the state has changed; raised events are queued before that; the call is answered; timers are set; the state is entered.
 *
 * A `Cancel` ends the machine in order, before what waits, and `Server.stop` after it. What it postponed and never handled
 * becomes dead letters.
 *
 * **Example** (A door that locks itself)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, StateMachine } from "troupe"
 *
 * const Door = StateMachine.make("app:door", {
 *   args: Schema.Struct({ code: Schema.Int }),
 *   protocol: [Rpc.make("enter", { payload: Schema.Int, success: Schema.String })],
 *   states: { Locked: { failures: Schema.Int }, Open: {} }
 * })
 * const { Locked, Open } = Door.states
 *
 * const DoorLive = Door.toLayer(({ code }) =>
 *   Door.of({
 *     initial: Locked({ failures: 0 }),
 *     states: {
 *       Locked: {
 *         on: {
 *           enter: ({ failures }, { payload }) =>
 *             payload === code
 *               ? StateMachine.next(Open(), { reply: "come in" })
 *               : StateMachine.next(Locked({ failures: failures + 1 }), { reply: `wrong, ${failures + 1} times` })
 *         }
 *       },
 *       Open: {
 *         enter: () => StateMachine.stay({ stateTimeout: "10 millis" }),
 *         on: { enter: () => StateMachine.postpone },
 *         stateTimeout: () => StateMachine.next(Locked({ failures: 0 }))
 *       }
 *     }
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.start(Door, { code: 42 })
 *   return yield* Effect.forEach([7, 42, 7], (code) => Process.call(pid, "enter", code))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [DoorLive, ProcessHost.layer("app:processes")]))
 * // => ["wrong, 1 times", "come in", "wrong, 1 times"]
 * ```
 *
 * @category constructors
 */
export const make = <
  const Name extends string,
  const States extends Cases,
  const Rpcs extends Rpc.Any = never,
  Args extends Schema.Top = typeof Schema.Void,
  const Internal extends Cases = {},
  const Timer extends string = never
>(
  name: Name,
  options: {
    readonly states: States
    readonly protocol?: Protocol<Rpcs> | undefined
    readonly args?: Args | undefined
    readonly internal?: Internal | undefined
    readonly timers?: ReadonlyArray<Timer> | undefined
    readonly inbox?: Inbox.Options | undefined
  }
): StateMachine<Name, Rpcs, Args, States, Internal, Timer> => {
  const cases = Object.entries(options.states)
  const process = makeProcess(name, {
    protocol: options.protocol,
    args: options.args,
    inbox: options.inbox,
    state: Schema.Union(cases.map(([tag, fields]) => Schema.TaggedStruct(tag, fields))),
    start: "acknowledged"
  })
  known.add(process[TypeId])
  const machine = {
    ...process,
    states: Object.fromEntries(cases.map(([tag]) => [tag, (data?: object) => ({ ...data, _tag: tag })])),
    of: (machine: Runnable) => machine,
    toLayer: (init: (args: unknown) => unknown) => process.toLayer((args) => run(init(args)))
  }
  return machine as unknown as StateMachine<Name, Rpcs, Args, States, Internal, Timer>
}

const run = (made: unknown): Effect.Effect<unknown, unknown, CurrentProcess> => {
  const init = (Effect.isEffect(made) ? made : Exit.succeed(made)) as Effect.Effect<Runnable, unknown>
  return Effect.flatMap(init, ({ actions, initial, states }) =>
    withCell((cell) => new MachineImpl(cell, states, show(cell, initial) as never).run(actions ?? {}, ready as never))
  ) as Effect.Effect<unknown, unknown, CurrentProcess>
}
