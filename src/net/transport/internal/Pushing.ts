/**
 * What a wire of this library can do beside the trait, for the session above it: hand over what comes in, without a fiber
 * that waits for it, and send within a step.
 */
import type * as Scheduler from "effect/Scheduler"
import type { Wire } from "../../Transport.ts"
import type { FrameTooLarge, WireClosed } from "../../TransportError.ts"

/** Whom what comes in is handed to, in place of a fiber that takes it by `receive`. Neither of these may throw. */
export interface Receiver {
  /** What came in, in its order: one frame at least, which are the receiver's own. */
  readonly onFrames: (frames: ReadonlyArray<Uint8Array>) => void
  /** Nothing more comes in; told once, after the last frames. */
  readonly onEnd: (why: WireClosed | FrameTooLarge) => void
}

/** How what comes in is handed to a receiver. */
export interface Handing {
  /**
   * Hands all that is there, and all that comes, to the receiver; `receive` is not to be used from then on.
   *
   * What comes from another program is handed over on the stack of the event that brings it, and what is there already before
   * this returns. What comes from another fiber, in memory and in a simulated network, is handed over in a task of the
   * dispatcher, so that nobody's send runs somebody else's handler. Over a stream socket, what the receiver sends in
   * `onFrames` goes out in one go when that returns.
   */
  attach(receiver: Receiver, dispatcher: Scheduler.SchedulerDispatcher): void

  /** Has what comes in wait, as if nobody took it: once it is much, the other side waits. The end waits behind it. */
  pause(): void

  /** Goes on with what waits. */
  resume(): void
}

export interface Pushing {
  readonly incoming: Handing

  /**
   * Sends the frame in this very step if there is room and nobody waits in line; else nothing of it is sent, and the answer
   * says why. Who is answered `"full"` may send it by `send`, which waits.
   */
  sendUnsafe(frame: Uint8Array): "sent" | "full" | WireClosed | FrameTooLarge

  /** Has what was sent go out now, and not at the end of the step, where the wire would wait for that. */
  flushUnsafe?(): void
}

/** Whether a wire can; one of a user's transport, or that wraps another, can't. */
export const isPushing = (wire: Wire): wire is Wire & Pushing => "sendUnsafe" in wire
