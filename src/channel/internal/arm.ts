/**
 * The arms of a select: what each case looks for, and how it waits without taking.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Selectable } from "../Selectable.ts"
import type { ChannelImpl, Offer } from "./channel.ts"

/** A select that waits. */
export interface Waiting {
  /** Has it look again. */
  readonly wake: () => void
  /** Whether it still waits: it was neither decided nor interrupted. */
  isLive(): boolean
  /** It is decided, from this very step on. */
  settle(): void
}

export interface Arm {
  isReady(): boolean
  /** Takes, or sends, at once; answers nothing and changes nothing when it can't. To be called in a step. */
  poll(): Exit.Exit<unknown, unknown> | undefined
  /** As `poll`, in a select that will not wait. */
  pollLast(): Exit.Exit<unknown, unknown> | undefined
  /** Has the select woken, or decided by `decide`; answers how to stop that. */
  park(select: Waiting, decide: (exit: Exit.Exit<unknown, unknown>) => void): () => void
  /** Where no waiter can be parked: waits until `poll` may succeed, and takes nothing. */
  readonly wait: Effect.Effect<void> | undefined
}

/** An arm that receives from a source. */
export const receiving = (source: Selectable<unknown, unknown>): Arm => ({
  isReady: () => source.isReadyUnsafe(),
  poll: () => source.pollUnsafe(),
  pollLast: () => source.pollUnsafe(),
  park: ({ wake }) => {
    source.parkUnsafe(wake)
    return () => source.unparkUnsafe(wake)
  },
  wait: undefined
})

/** An arm that sends a value: while it waits, a receiver may accept it, and so decide the select. */
export const sending = <A>(channel: ChannelImpl<A>, value: A): Arm => ({
  isReady: () => channel.canSend,
  poll: () => channel.sendNow(value),
  pollLast: () => channel.handOver(value),
  park: (select, decide) => {
    const offer: Offer<A> = {
      claim: { value },
      owner: select.wake,
      isLive: () => select.isLive(),
      settle: () => select.settle(),
      resume: decide
    }
    channel.parkOffer(offer)
    return () => channel.unparkOffer(offer)
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
  park: () => () => {},
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
  park: ({ wake }) => observe(wake),
  wait: undefined
})
