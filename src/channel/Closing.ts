/**
 * Ending a channel.
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type { ChannelClosed } from "./ChannelError.ts"
import type { Sender } from "./Ends.ts"
import { implementationOf } from "./internal/channel.ts"
import { step } from "./internal/step.ts"

/**
 * Closes a channel: what it holds can still be received, then receivers get `ChannelClosed`; senders get it at once, with
 * their value.
 *
 * **Details**
 *
 * - `cause`: why, if there is something to say; receivers find it in `ChannelClosed`.
 *
 * Fails with `ChannelClosed` when it was closed before; the first cause stays.
 *
 * @category closing
 */
export const close = <A>(
  channel: Sender<A, unknown>,
  cause?: Cause.Cause<unknown>
): Effect.Effect<void, ChannelClosed> => step(() => implementationOf(channel).close(cause))

/**
 * Closes a channel, if it is open, and hands what it holds to `onUndelivered`: nothing more is received, but of a promise
 * channel, whose value stays.
 *
 * **Details**
 *
 * Every value is handed over, whatever becomes of one of them; defects of `onUndelivered` are combined. What the channel
 * was closed with stays.
 *
 * @category closing
 */
export const cancel = <A>(channel: Sender<A, unknown>, cause?: Cause.Cause<unknown>): Effect.Effect<void> =>
  implementationOf(channel).cancel(cause)
