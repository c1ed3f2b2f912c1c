/**
 * A transition as the machine carries it out.
 */
import type * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"

/** A value of a union that its `_tag` tells apart. */
export interface Tagged {
  readonly _tag: string
}

export type Kind = "go" | "repeat" | "stop"

/** The actions of a transition, without their types. */
export interface Actions {
  readonly postpone?: boolean
  readonly reply?: unknown
  readonly replyFail?: unknown
  readonly raise?: ReadonlyArray<Tagged>
  readonly stateTimeout?: Duration.Input
  readonly eventTimeout?: Duration.Input
  readonly timers?: Readonly<Record<string, Duration.Input>>
}

export class TransitionImpl {
  readonly kind: Kind
  /** The state to go to: the present one when absent. */
  readonly state: Tagged | undefined
  readonly actions: Actions
  /** With what a machine ends that stops. */
  readonly exit: Exit.Exit<unknown, unknown> | undefined

  constructor(kind: Kind, state: unknown, actions: object, exit: Exit.Exit<unknown, unknown> | undefined) {
    this.kind = kind
    this.state = state as Tagged | undefined
    this.actions = actions
    this.exit = exit
  }
}
