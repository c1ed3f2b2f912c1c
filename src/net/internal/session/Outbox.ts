/**
 * What is to go over a wire: frames in the order in which they were posted, so that nobody who posts waits. What the wire does
 * not take at once has a fiber that writes it, while there is any.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { step } from "../../../channel/internal/step.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { isPushing } from "../../transport/internal/Pushing.ts"
import type { Wire } from "../../Transport.ts"
import type { FrameTooLarge, WireClosed } from "../../TransportError.ts"

// From so many bytes on, nothing is begun that would add to what the other side does not take.
const Much = 1024 * 1024

export class Outbox {
  private readonly wire: Wire
  private readonly sendAtOnce: ((frame: Uint8Array) => boolean) | undefined
  private frames: Array<Uint8Array> = []
  private bytes = 0
  // What its fiber runs in, from when it has begun until it is over.
  private context: Context.Context<never> | undefined
  private isWriting = false
  private writer: Fiber.Fiber<void> | undefined
  private isOver = false
  private readonly emptied = new Bell()
  private readonly onRoom: () => void

  /** `onRoom`: there is room again after there was too much. */
  constructor(wire: Wire, onRoom: () => void) {
    this.wire = wire
    this.onRoom = onRoom
    this.sendAtOnce = isPushing(wire) ? (frame) => wire.sendUnsafe(frame) === "sent" : undefined
  }

  /** How many frames wait. */
  get length(): number {
    return this.frames.length
  }

  /** Whether more is waiting than should be. */
  get isMuch(): boolean {
    return this.bytes > Much
  }

  /** The frame has no more bytes than the wire carries. */
  post(frame: Uint8Array): void {
    if (this.frames.length === 0 && !this.isWriting && this.sendAtOnce?.(frame) === true) return
    this.frames.push(frame)
    this.bytes += frame.length
    this.writeOn()
  }

  /** From now on what is posted is written, until the wire is closed; why it is whoever reads learns, behind what came before. */
  begin(context: Context.Context<never>): void {
    this.context = context
    if (this.frames.length > 0) this.writeOn()
  }

  /** Nothing more is written. */
  end(): void {
    this.writer?.interruptUnsafe()
    this.finish()
  }

  private finish(): void {
    this.context = undefined
    this.writer = undefined
    this.isOver = true
    this.emptied.ring()
  }

  private writeOn(): void {
    if (this.context === undefined || this.isWriting) return
    this.isWriting = true
    const writer = Effect.runForkWith(this.context)(
      Effect.catchCause(this.write, () => Effect.sync(() => this.finish()))
    )
    // It may be done already.
    if (this.isWriting) this.writer = writer
  }

  private readonly write: Effect.Effect<void, WireClosed | FrameTooLarge> = step<void, WireClosed | FrameTooLarge>(
    () => {
      const { frames } = this
      if (isSome(frames)) {
        this.frames = []
        return Effect.andThen(this.wire.sendAll(frames), this.write)
      }
      this.isWriting = false
      this.writer = undefined
      const wasMuch = this.isMuch
      this.bytes = 0
      if (wasMuch) this.onRoom()
      this.emptied.ring()
      return Exit.void
    }
  )

  /** Waits until all that was posted has been handed to the wire, or it is closed. */
  get flushed(): Effect.Effect<void> {
    return this.emptied.until(() => this.isOver || (!this.isWriting && this.frames.length === 0))
  }
}

const isSome = (frames: Array<Uint8Array>): frames is Array<Uint8Array> & NonEmptyReadonlyArray<Uint8Array> =>
  frames.length > 0
