/**
 * Sending and receiving.
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { ChannelClosed } from "./ChannelError.ts"
import type { Receiver, Sender } from "./Ends.ts"
import { implementationOf } from "./internal/channel.ts"
import { polled } from "./internal/parking.ts"
import { step } from "./internal/step.ts"
import * as Selectable from "./Selectable.ts"

/**
 * Sends a value, waiting while the channel is full; once it has succeeded, the value was accepted.
 *
 * **Details**
 *
 * Senders are let in first come, first served. A send that is interrupted has sent nothing: the channel never had the
 * value. Fails with `ChannelClosed`, which carries the value back, when the channel is closed, or is closed meanwhile; and
 * with `TooManyWaiters`, which does so too, when it would have to wait in a line that is full.
 *
 * @category sending
 */
export const send = <A, E>(channel: Sender<A, E>, value: A): Effect.Effect<void, ChannelClosed | E> =>
  implementationOf(channel).send(value)

/**
 * Sends a value if it is accepted now, and never waits; answers whether it was.
 *
 * **Details**
 *
 * A channel that holds nothing accepts a value if a receiver waits and takes it on the spot. Fails with `ChannelClosed`,
 * which carries the value back, when the channel is closed.
 *
 * @category sending
 */
export const trySend = <A>(channel: Sender<A, unknown>, value: A): Effect.Effect<boolean, ChannelClosed> =>
  implementationOf(channel).trySend(value)

/**
 * Receives the next value, waiting until there is one; an interrupted receive has taken nothing.
 *
 * **Details**
 *
 * Receivers are served first come, first served. Of a closed channel what it holds is received first; then it fails with
 * `ChannelClosed`. It fails with `TooManyWaiters` at once when it would have to wait in a line that is full.
 *
 * @category receiving
 */
export const receive: <A, E>(channel: Receiver<A, E>) => Effect.Effect<A, ChannelClosed | E> = Selectable.take

/**
 * Receives the next value if there is one now, and never waits.
 *
 * @category receiving
 */
export const tryReceive = <A>(channel: Receiver<A, unknown>): Effect.Effect<Option.Option<A>, ChannelClosed> =>
  step(() => polled(channel.pollUnsafe()))
