/**
 * Sends a stream until it is over, over one link after the other: a few frames are underway, and what their answers do not
 * acknowledge is sent again.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { step } from "../../../channel/internal/step.ts"
import type { RequestError } from "../../ConnectionError.ts"
import { StreamClosed, type StreamRefused } from "../../DataStreamError.ts"
import { BatchWriter } from "./batch.ts"
import { isPassing, pauseAfter } from "./Peer.ts"
import { MostUnderway, type Parcel, type Sending } from "./Sending.ts"

/** Sends until it is over. */
export const pumping = (sending: Sending): Effect.Effect<void> => {
  // What is told goes one after the other.
  const loops = Array.from({ length: sending.isLossy ? 1 : MostUnderway }, () => pump(sending))
  return Effect.raceFirst(Effect.all(loops, { concurrency: "unbounded", discard: true }), sending.settled)
}

// One frame after the other.
const pump = (sending: Sending): Effect.Effect<void> => {
  const writer = new BatchWriter()
  // Another one may have sent what this one waited for.
  const turn: Effect.Effect<void> = Effect.suspend(() => {
    if (sending.isOver || !sending.isDue) return Effect.void
    const parcel = sending.isLossy ? sending.takeUnanswered(writer) : undefined
    return parcel === undefined ? asking(sending, sending.next(writer)) : telling(sending, parcel)
  })
  return Effect.whileLoop({
    while: () => !sending.isOver,
    body: () => Effect.andThen(sending.due, turn),
    step: () => writer.free()
  })
}

const asking = (sending: Sending, parcel: Parcel): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { connection } = sending.peer
    return Effect.matchEffect(connection.request("@stream.chunks", parcel.bytes), {
      onSuccess: ({ next, room }) =>
        step(() => {
          sending.onAnswer(parcel, next, room)
          return Exit.void
        }),
      onFailure: (error) => {
        sending.onLanded(false)
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
