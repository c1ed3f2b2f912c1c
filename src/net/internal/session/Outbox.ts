/**
 * What is to go over a wire: frames in the order in which they were posted, so that nobody who posts waits.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import { step } from "../../../channel/internal/step.ts"
import { Wait, waitIn } from "../../../channel/internal/wait.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { isPushing } from "../../transport/internal/Pushing.ts"
import type { Wire } from "../../Transport.ts"
import type { FrameTooLarge, WireClosed } from "../../TransportError.ts"

// From so many bytes on, nothing is begun that would add to what the other side does not take.
const Much = 1024 * 1024

class Idle extends Wait {
  protected onInterrupted(): void {}
}

export class Outbox {
  /** How many frames wait. */
  get length(): number {
    return this.frames.length
  }

  private readonly wire: Wire
  private readonly sendAtOnce: ((frame: Uint8Array) => boolean) | undefined
  private frames: Array<Uint8Array> = []
  private bytes = 0
  private isWriting = false
  private isOver = false
  private readonly idle = new Idle()
  private readonly emptied = new Bell()
  private readonly onRoom: () => void

  /** `onRoom`: there is room again after there was too much. */
  constructor(wire: Wire, onRoom: () => void) {
    this.wire = wire
    this.onRoom = onRoom
    this.sendAtOnce = isPushing(wire) ? (frame) => wire.sendUnsafe(frame) === "sent" : undefined
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
    this.idle.resume(this.write)
  }

  /** Writes what is posted, until the wire is closed; why it is whoever reads learns, behind what came before. */
  readonly run: Effect.Effect<void> = Effect.suspend(() =>
    Effect.ensuring(
      Effect.ignore(this.write),
      Effect.sync(() => {
        this.isOver = true
        this.emptied.ring()
      })
    )
  )

  private readonly write: Effect.Effect<never, WireClosed | FrameTooLarge> = step<never, WireClosed | FrameTooLarge>(
    () => {
      const { frames } = this
      if (!isSome(frames)) {
        this.isWriting = false
        const wasMuch = this.isMuch
        this.bytes = 0
        if (wasMuch) this.onRoom()
        this.emptied.ring()
        return waitIn(this.idle)
      }
      this.isWriting = true
      this.frames = []
      return Effect.andThen(this.wire.sendAll(frames), this.write)
    }
  )

  /** Waits until all that was posted has been handed to the wire, or it is closed. */
  readonly flushed: Effect.Effect<void> = this.emptied.until(
    () => this.isOver || (!this.isWriting && this.frames.length === 0)
  )
}

const isSome = (frames: Array<Uint8Array>): frames is Array<Uint8Array> & NonEmptyReadonlyArray<Uint8Array> =>
  frames.length > 0
