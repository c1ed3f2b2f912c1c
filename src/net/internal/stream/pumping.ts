/**
 * Sends a stream until it is over, over one link after the other: one frame is underway, and what its answer does not
 * acknowledge is sent again.
 */
import * as Effect from "effect/Effect"
import type { RequestError } from "../../ConnectionError.ts"
import { StreamClosed, type StreamRefused } from "../../DataStreamError.ts"
import { isPassing, pauseAfter } from "./Peer.ts"
import type { Parcel, Sending } from "./Sending.ts"

/** Sends until it is over. */
export const pumping = (sending: Sending): Effect.Effect<void> => {
  const turn: Effect.Effect<void> = Effect.suspend(() => {
    if (sending.isOver) return Effect.void
    const parcel = sending.isLossy ? sending.takeUnanswered() : undefined
    return parcel === undefined ? asking(sending, sending.next()) : telling(sending, parcel)
  })
  const loop: Effect.Effect<void> = Effect.whileLoop({
    while: () => !sending.isOver,
    body: () => Effect.andThen(sending.due, turn),
    step: () => {}
  })
  return Effect.raceFirst(loop, sending.settled)
}

const asking = (sending: Sending, parcel: Parcel): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { connection } = sending.peer
    return Effect.matchEffect(connection.request("@stream.chunks", parcel.bytes), {
      onSuccess: ({ next, room }) => Effect.sync(() => sending.onAnswer(next, room)),
      onFailure: (error) => {
        switch (error._tag) {
          case "ConnectionClosed":
            // Whoever watches it ends the stream when nobody comes back.
            sending.onUncertain(error.message)
            return sending.peer.untilMoved(connection)
          case "StreamRefused":
            return Effect.sync(() => sending.finish(refusalOf(sending, error)))
          case "FrameTooLarge":
            return Effect.sync(() => {
              if (!sending.shrink(parcel)) sending.finish(error)
            })
          default:
            return onFailure(sending, error)
        }
      }
    })
  })

const onFailure = (sending: Sending, error: RequestError): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (isPassing(error)) {
      sending.onUncertain(error.message)
      return pauseAfter(error)
    }
    sending.finish(sending.lost(error.message))
    return Effect.void
  })

const refusalOf = ({ streamId }: Sending, error: StreamRefused): StreamRefused | StreamClosed =>
  error.reason === "Closed"
    ? new StreamClosed({ streamId, by: "the other side", detail: "its receiver has closed it" })
    : error

const telling = (sending: Sending, parcel: Parcel): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { connection } = sending.peer
    return Effect.matchEffect(connection.tell("@stream.chunk", parcel.bytes), {
      onSuccess: () => Effect.sync(() => sending.onGone()),
      onFailure: (error) => {
        sending.onMissed(parcel)
        switch (error._tag) {
          case "ConnectionClosed":
            return sending.peer.untilMoved(connection)
          case "Unavailable":
            return Effect.void
          case "FrameTooLarge":
            return Effect.sync(() => {
              if (!sending.shrink(parcel)) sending.finish(error)
            })
          default:
            return Effect.sync(() => sending.finish(sending.lost(error.message)))
        }
      }
    })
  })
