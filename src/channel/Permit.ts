/**
 * Room in a channel that is kept for a value which is still to be made.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { type ChannelClosed, InvalidCapacity } from "./ChannelError.ts"
import type { Sender } from "./Ends.ts"
import { BufferedChannel } from "./internal/bufferedChannel.ts"
import { implementationOf } from "./internal/channel.ts"
import { step } from "./internal/step.ts"

/**
 * A slot of a channel that is free for whoever holds the permit.
 *
 * @category models
 */
export interface Permit<in A, out E = never> {
  /**
   * Fills the slot: it is accepted at once, unless the channel was closed meanwhile; then it fails with `ChannelClosed`,
   * which carries the value back. A permit serves one value; a second send waits like any other.
   */
  readonly send: (value: A) => Effect.Effect<void, ChannelClosed | E>
}

/**
 * Waits until the channel has room and keeps the slot until the permit is used or the scope closes, so that a value which
 * is costly to make is made when it will be accepted.
 *
 * **Details**
 *
 * Of a promise channel one permit is out at a time, until the channel has its value; permits that come later have theirs
 * dropped, as sends have. Fails with `ChannelClosed` when the channel is closed, or is closed meanwhile, with
 * `TooManyWaiters` when it would have to wait in a line of senders that is full, and with `InvalidCapacity` for a channel
 * that holds nothing.
 *
 * @category sending
 */
export const reserve = <A, E>(
  channel: Sender<A, E>
): Effect.Effect<Permit<A, E>, ChannelClosed | InvalidCapacity | E, Scope.Scope> => {
  const target = implementationOf(channel)
  if (!(target instanceof BufferedChannel) || target.capacity === 0) {
    return Effect.fail(new InvalidCapacity({ option: "capacity", capacity: channel.capacity }))
  }
  const slots: BufferedChannel<A, E> = target
  return Effect.map(
    Effect.acquireRelease(
      Effect.map(slots.reserve, () => ({ held: true })),
      (slot) =>
        step(() => {
          if (!slot.held) return Exit.void
          slot.held = false
          return Effect.orDie(slots.release())
        }),
      { interruptible: true }
    ),
    (slot): Permit<A, E> => ({
      send: (value) =>
        step(() => {
          if (!slot.held) return slots.send(value)
          slot.held = false
          return slots.release({ value })
        })
    })
  )
}
