/**
 * Channels as streams, and streams on channels.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { ChannelClosed } from "./ChannelError.ts"
import { close } from "./Closing.ts"
import type { Receiver, Sender } from "./Ends.ts"
import { receive, send } from "./Passing.ts"

/**
 * The values of a channel as a stream, which ends when the channel is closed, and fails with `ChannelClosed` when it was
 * closed with a cause.
 *
 * @category streams
 */
export const toStream = <A, E>(channel: Receiver<A, E>): Stream.Stream<A, ChannelClosed | E> =>
  Stream.fromPull(
    Effect.succeed(
      Effect.matchEffect(receive(channel), {
        onFailure: (error): Effect.Effect<never, ChannelClosed | E | Cause.Done> =>
          error instanceof ChannelClosed && error.cause === undefined ? Cause.done() : Effect.fail(error),
        onSuccess: (value) => Effect.succeed([value] as const)
      })
    )
  )

/**
 * Sends the elements of a stream on a channel, and closes the channel when the stream ends, with its cause if it fails or
 * is interrupted.
 *
 * **Details**
 *
 * Fails with `ChannelClosed` when somebody else closes the channel before the stream has ended. Where a send is refused
 * with `TooManyWaiters` it fails with that, and leaves the channel open: others send on it.
 *
 * @category streams
 */
export const fromStream = <A, E, R, E2>(
  stream: Stream.Stream<A, E, R>,
  channel: Sender<A, E2>
): Effect.Effect<void, ChannelClosed | E2, R> =>
  Effect.suspend(() => {
    // Of a send that failed, and not of the stream.
    let failed: Exit.Exit<never, ChannelClosed | E2> | undefined
    const sendOne = (value: A) =>
      Effect.tapError(send(channel, value), (error) => Effect.sync(() => (failed = Exit.fail(error))))
    return Effect.matchCauseEffect(Stream.runForEach(stream, sendOne), {
      onFailure: (cause) => failed ?? close(channel, cause),
      onSuccess: () => close(channel)
    })
  }).pipe(Effect.onInterrupt(() => Effect.ignore(close(channel, Cause.interrupt()))))
