/**
 * The arms of a select: what each case looks for, and how it waits without taking.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Selectable, Waiter } from "../Selectable.ts"
import type { ChannelImpl, Offer } from "./channel.ts"

/** A select that waits. */
export interface Waiting extends Waiter {
  /** It is decided, from this very step on. */
  settle(): void
}

export interface Arm {
  isReady(): boolean
  /** Takes, or sends, at once; answers nothing and changes nothing when it can't. To be called in a step. */
  poll(): Exit.Exit<unknown, unknown> | undefined
  /** As `poll`, in a select that will not wait. */
  pollLast(): Exit.Exit<unknown, unknown> | undefined
  /** Has the select woken, or decided by `decide`, and tells `leave` how to stop that; or answers why it can't wait. */
  park(
    select: Waiting,
    decide: (exit: Exit.Exit<unknown, unknown>) => void,
    leave: (stop: () => void) => void
  ): Exit.Exit<never, unknown> | undefined
  /** Where no waiter can be parked: waits until `poll` may succeed, and takes nothing. */
  readonly wait: Effect.Effect<void> | undefined
}

/** An arm that receives from a source. */
export const receiving = (source: Selectable<unknown, unknown>): Arm => ({
  isReady: () => source.isReadyUnsafe(),
  poll: () => source.pollUnsafe(),
  pollLast: () => source.pollUnsafe(),
  park: (select, _decide, leave) => {
    leave(() => source.unparkUnsafe(select))
    return source.parkUnsafe(select)
  },
  wait: undefined
})

/** An arm that sends a value: while it waits, a receiver may accept it, and so decide the select. */
export const sending = <A, W>(channel: ChannelImpl<A, W>, value: A): Arm => ({
  isReady: () => channel.canSend,
  poll: () => channel.sendNow(value),
  pollLast: () => channel.handOver(value),
  park: (select, decide, leave) => {
    const offer: Offer<A> = {
      claim: { value },
      owner: select,
      isLive: () => select.isLive(),
      settle: () => select.settle(),
      resume: decide
    }
    leave(() => channel.unparkOffer(offer))
    return channel.parkOffer(offer)
  },
  wait: undefined
})

/** An arm over something that only an effect can wait for. */
export const awaiting = (
  poll: () => Exit.Exit<unknown, unknown> | undefined,
  isReady: () => boolean,
  wait: Effect.Effect<unknown, unknown>
): Arm => ({
  isReady,
  poll,
  pollLast: poll,
  park: () => undefined,
  wait: Effect.asVoid(Effect.exit(wait))
})

/** An arm over something that tells when it is done, and stays so. */
export const observing = (
  poll: () => Exit.Exit<unknown, unknown> | undefined,
  observe: (done: () => void) => () => void
): Arm => ({
  isReady: () => poll() !== undefined,
  poll,
  pollLast: poll,
  park: (select, _decide, leave) => {
    leave(observe(() => select.wake()))
    return undefined
  },
  wait: undefined
})
