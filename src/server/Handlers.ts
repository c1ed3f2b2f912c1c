/**
 * What each state of a state machine does with each event: the types by which handlers are checked.
 */
import type * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import type * as Message from "../process/Message.ts"
import type { ProcessEvent } from "../process/ProcessEvent.ts"
import type { Actions, Transition } from "./Transition.ts"

/**
 * Tagged values by their tags: the fields of each.
 *
 * @category utility types
 */
export type Cases = Readonly<Record<string, Schema.Struct.Fields>>

/**
 * The value of one case.
 *
 * @category utility types
 */
export type CaseOf<C extends Cases, Tag extends keyof C> = Tag extends string
  ? Schema.TaggedStruct<Tag, C[Tag]>["Type"]
  : never

/**
 * The value of any case: a union that `_tag` narrows.
 *
 * @category utility types
 */
export type Case<C extends Cases> = { [Tag in keyof C]: CaseOf<C, Tag> }[keyof C]

/**
 * What a handler answers with, at once or as an effect.
 *
 * @category models
 */
export type Handled<A> = A | Effect.Effect<A, unknown, unknown>

type Silent<States extends Cases, Internal extends Cases, Timer extends string> = Handled<
  Transition<Case<States>, Actions<never, never, Case<Internal>, Timer, boolean>>
>

type Answering<R extends Rpc.Any, States extends Cases, Internal extends Cases, Timer extends string> = Handled<
  Transition<Case<States>, Actions<Rpc.Success<R>, Rpc.Error<R>, Case<Internal>, Timer, boolean>>
>

/**
 * An event of a state machine, as `otherwise` gets it.
 *
 * @category models
 */
export type Event<Rpcs extends Rpc.Any, Internal extends Cases, Timer extends string> =
  | { readonly _tag: "Message"; readonly message: Message.Message<Rpcs> }
  | { readonly _tag: "Internal"; readonly event: Case<Internal> }
  | { readonly _tag: "Timer"; readonly timer: Timer }
  | { readonly _tag: "StateTimeout" }
  | { readonly _tag: "EventTimeout" }

/**
 * The handlers of messages: one for each topic.
 *
 * @category models
 */
export type Topics<Self, Rpcs extends Rpc.Any, States extends Cases, Internal extends Cases, Timer extends string> = {
  readonly [Topic in Rpc.Tag<Rpcs>]: (
    state: Self,
    message: Message.Of<Rpc.ExtractTag<Rpcs, Topic>>
  ) => Answering<Rpc.ExtractTag<Rpcs, Topic>, States, Internal, Timer>
}

/**
 * The handlers of a state for all but messages.
 *
 * @category models
 */
export interface Others<Self, States extends Cases, Internal extends Cases, Timer extends string> {
  /**
   * Called when the state is entered, with the state before, or `undefined` at the start. It can't go to another state,
   * postpone or raise anything; its actions are added to those of the transition.
   */
  readonly enter?: (
    state: Self,
    previous: Case<States> | undefined
    // oxlint-disable-next-line typescript/no-invalid-void-type
  ) => Handled<Transition<Self, Actions<never, never, never, Timer, never>> | void>
  readonly internal?: {
    readonly [Tag in keyof Internal]?: (state: Self, event: CaseOf<Internal, Tag>) => Silent<States, Internal, Timer>
  }
  readonly timers?: { readonly [Name in Timer]?: (state: Self) => Silent<States, Internal, Timer> }
  readonly stateTimeout?: (state: Self) => Silent<States, Internal, Timer>
  readonly eventTimeout?: (state: Self) => Silent<States, Internal, Timer>
  /** What the process is told, but a `Cancel`: that ends the machine. What has no handler is passed over. */
  readonly event?: (state: Self, event: ProcessEvent) => Silent<States, Internal, Timer>
}

/**
 * The handlers of one state: `on` has one for each topic; or some, and an `otherwise` for all that has none.
 *
 * @category models
 */
export type StateHandlers<
  Self,
  Rpcs extends Rpc.Any,
  States extends Cases,
  Internal extends Cases,
  Timer extends string
> = Others<Self, States, Internal, Timer> &
  (
    | { readonly on: Topics<Self, Rpcs, States, Internal, Timer>; readonly otherwise?: undefined }
    | {
        readonly on?: Partial<Topics<Self, Rpcs, States, Internal, Timer>>
        readonly otherwise: (state: Self, event: Event<Rpcs, Internal, Timer>) => Silent<States, Internal, Timer>
      }
  )

/**
 * The handlers of all states.
 *
 * @category models
 */
export type Handlers<Rpcs extends Rpc.Any, States extends Cases, Internal extends Cases, Timer extends string> = {
  readonly [Tag in keyof States]: StateHandlers<CaseOf<States, Tag>, Rpcs, States, Internal, Timer>
}

/**
 * What the handlers require.
 *
 * @category utility types
 */
export type Services<H> = H extends (...args: never) => infer A
  ? A extends Effect.Effect<infer _A, infer _E, infer R>
    ? R
    : never
  : H extends object
    ? { [K in keyof H]: Services<H[K]> }[keyof H]
    : never
