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
  type Provided
} from "../process/Definition.ts"
import type * as Inbox from "../process/Inbox.ts"
import { type CurrentProcess, withCell } from "../process/internal/services.ts"
import { show } from "../process/internal/shown.ts"
import { ready } from "../process/Starting.ts"
import type { Case, CaseOf, Cases, Handlers, Services } from "./Handlers.ts"
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
  /** Makes the value of a state: `Door.states.Locked({ digits: [] })`. */
  readonly states: { readonly [Tag in keyof States]: StateOf<States, Tag> }

  of<H extends Handlers<Rpcs, States, Internal, Timer>>(machine: {
    readonly initial: Case<States>
    readonly actions?: Actions<never, never, Case<Internal>, Timer, never>
    readonly states: H
  }): Machine<Case<States>, H>

  toLayer<H extends Handlers<Rpcs, States, Internal, Timer>, E = never, R = never>(
    init: (args: Args["Type"]) => Machine<Case<States>, H> | Effect.Effect<Machine<Case<States>, H>, E, R>
  ): Layer.Layer<Implementation<Name>, never, Exclude<R | Services<H>, Provided<Name>>>
}

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
