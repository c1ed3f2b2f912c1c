/**
 * The two ends of a channel.
 */
import type * as Exit from "effect/Exit"
import type { ChannelClosed } from "./ChannelError.ts"
import type { Selectable } from "./Selectable.ts"

/**
 * The type-level and runtime key of the sending side of a channel.
 *
 * @category type ids
 */
export const SenderTypeId = "~troupe/channel/Channel/Sender"

/**
 * The type of {@link SenderTypeId}.
 *
 * @category type ids
 */
export type SenderTypeId = typeof SenderTypeId

/**
 * The receiving side of a channel: a source that ends with `ChannelClosed`, and refuses with `E` who would have to wait in
 * a line that is full.
 *
 * @category models
 */
export interface Receiver<out A, out E = never> extends Selectable<A, ChannelClosed | E> {
  pollUnsafe(): Exit.Exit<A, ChannelClosed> | undefined
  /** How many values the channel holds now. */
  readonly length: number
  /** How many it can hold: `Infinity` when it has no limit, 0 when it only hands over. */
  readonly capacity: number
  /** Whether it was closed. */
  readonly isClosed: boolean
}

/**
 * The sending side of a channel, which refuses with `E` who would have to wait in a line that is full.
 *
 * @category models
 */
export interface Sender<in A, out E = never> {
  readonly [SenderTypeId]: { readonly _A: (_: A) => void; readonly _E: (_: never) => E }
  readonly length: number
  readonly capacity: number
  readonly isClosed: boolean
}

/**
 * A channel: what is sent on one side is received on the other, first in, first out.
 *
 * @category models
 */
export interface Channel<in out A, out E = never> extends Receiver<A, E>, Sender<A, E> {}
