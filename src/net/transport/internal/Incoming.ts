/**
 * What has come in by a wire and waits for its reader, and how it ends.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Exit from "effect/Exit"
import type * as Scheduler from "effect/Scheduler"
import { pollOr } from "../../../channel/internal/step.ts"
import { Wait, waitIn } from "../../../channel/internal/wait.ts"
import { Few } from "../../../scheduler/internal/Few.ts"
import type { Wire } from "../../Transport.ts"
import type { FrameTooLarge, WireClosed } from "../../TransportError.ts"
import type { Handing, Receiver } from "./Pushing.ts"

/**
 * When who waits for what comes in goes on: on the stack of what brings it, where that is an event of the system's; in a task
 * of its own where it is another fiber's send, so that a chain of wires is no chain on the stack.
 */
export type Waking = "at once" | "in its turn"

interface Attached {
  readonly receiver: Receiver
  readonly dispatcher: Scheduler.SchedulerDispatcher
}

export class Incoming implements Handing {
  private readonly waking: Waking
  private readonly weightOf: (frame: Uint8Array) => number
  private readonly onTaken: (frames: NonEmptyReadonlyArray<Uint8Array>) => void
  private frames: Array<Uint8Array> = []
  private weight = 0
  private end: WireClosed | FrameTooLarge | undefined
  private readonly readers = new Few<Reader>()
  private attached: Attached | undefined
  private isPaused = false
  // Frames are being handed over, or will be by a task.
  private isHandingOver = false

  constructor(
    waking: Waking,
    weightOf: (frame: Uint8Array) => number,
    onTaken: (frames: NonEmptyReadonlyArray<Uint8Array>) => void
  ) {
    this.waking = waking
    this.weightOf = weightOf
    this.onTaken = onTaken
  }

  /** How much waits for the reader. */
  get waiting(): number {
    return this.weight
  }

  get hasEnded(): boolean {
    return this.end !== undefined
  }

  // The look and the wait are one step: what comes in between would wake nobody. Whoever is woken looks again, and has taken
  // nothing if it was interrupted meanwhile.
  readonly receive: Wire["receive"] = pollOr<NonEmptyReadonlyArray<Uint8Array>, WireClosed | FrameTooLarge>(
    () => {
      const { frames } = this
      if (isSome(frames)) return Exit.succeed(this.take(frames))
      return this.end === undefined ? undefined : Exit.fail(this.end)
    },
    () => waitIn(new Reader(this.readers, this.receive))
  )

  /** Takes in frames, which are the reader's own from now on, in one go. */
  push(frames: ReadonlyArray<Uint8Array>): void {
    if (this.end !== undefined || frames.length === 0) return
    for (const frame of frames) {
      this.frames.push(frame)
      this.weight += this.weightOf(frame)
    }
    this.wake()
  }

  /** Nothing more comes in; the reader is told why once it has taken what is there. */
  finish(end: WireClosed | FrameTooLarge): void {
    if (this.end !== undefined) return
    this.end = end
    this.wake()
  }

  attach(receiver: Receiver, dispatcher: Scheduler.SchedulerDispatcher): void {
    this.attached = { receiver, dispatcher }
    this.wake()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.wake()
  }

  private take<Frames extends NonEmptyReadonlyArray<Uint8Array>>(frames: Frames): Frames {
    this.frames = []
    this.weight = 0
    this.onTaken(frames)
    return frames
  }

  private wake(): void {
    if (this.attached !== undefined) {
      if (this.isHandingOver || this.isPaused) return
      this.isHandingOver = true
      if (this.waking === "at once") this.handOver(this.attached)
      else this.attached.dispatcher.scheduleTask(this.handOverInTurn, 0)
      return
    }
    if (this.readers.size === 0) return
    // One that finds nothing left waits again, and is none of these.
    const readers = Array.from(this.readers)
    for (const reader of readers) {
      this.readers.delete(reader)
      reader.wake(this.waking)
    }
  }

  private readonly handOverInTurn = (): void => {
    if (this.attached !== undefined) this.handOver(this.attached)
  }

  // What the receiver does may bring more, or the end: that is told when it has returned.
  private handOver({ receiver }: Attached): void {
    while (!this.isPaused && isSome(this.frames)) receiver.onFrames(this.take(this.frames))
    this.isHandingOver = false
    if (this.isPaused || this.end === undefined) return
    this.attached = undefined
    receiver.onEnd(this.end)
  }
}

class Reader extends Wait {
  private readonly readers: Few<Reader>
  private readonly receive: Wire["receive"]

  constructor(readers: Few<Reader>, receive: Wire["receive"]) {
    super()
    this.readers = readers
    this.receive = receive
    readers.add(this)
  }

  wake(waking: Waking): void {
    if (waking === "at once") this.resume(this.receive)
    else this.fiber?.currentDispatcher.scheduleTask(() => this.resume(this.receive), 0)
  }

  protected onInterrupted(): void {
    this.readers.delete(this)
  }
}

const isSome = (frames: Array<Uint8Array>): frames is [Uint8Array, ...Array<Uint8Array>] => frames.length > 0
