/**
 * One side of a wire, whatever carries its frames: who sends waits for room, who receives has what came in, and it ends once.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import { step } from "../../../channel/internal/step.ts"
import type { Peer, Wire } from "../../Transport.ts"
import { FrameTooLarge, WireClosed } from "../../TransportError.ts"
import { Bell } from "./Bell.ts"

/** How much may be underway to a reader that takes nothing, by the weight of the frames, before its sender waits. */
export const Window: number = 1024 * 1024

// How many bytes are handed on in one go: who waits for room does so in between.
const Batch = 64 * 1024

// What a frame costs besides its bytes, so that there is a bound on empty ones too.
const Overhead = 256

const weightOf = (frame: Uint8Array): number => frame.length + Overhead

/** How much of a window the frames take. */
export const weigh = (frames: ReadonlyArray<Uint8Array>): number => {
  let weight = 0
  for (const frame of frames) weight += weightOf(frame)
  return weight
}

export interface Ends {
  readonly transport: string
  readonly peer: Peer
  readonly maxFrame: number
}

export abstract class Line implements Wire {
  readonly transport: string
  readonly peer: Peer
  readonly maxFrame: number

  /** Rings when there may be room again. */
  protected readonly room = new Bell()
  private readonly arrived = new Bell()
  private readonly over = new Bell()

  private readonly turn = Semaphore.makeUnsafe(1)
  // Who sends, or waits for its turn to.
  private senders = 0

  private inbox: Array<Uint8Array> = []
  private held = 0

  private end: WireClosed | undefined
  // What the reader is told in place of the end.
  private breach: FrameTooLarge | undefined
  private readonly onEnd: Array<() => void> = []

  constructor({ maxFrame, peer, transport }: Ends) {
    this.transport = transport
    this.peer = peer
    this.maxFrame = maxFrame
  }

  /** Whether the other side keeps up. */
  abstract hasRoom(): boolean
  /** Hands frames on, in one go; they are the sender's, who may change them afterwards. */
  protected abstract post(frames: ReadonlyArray<Uint8Array>): void
  /** The reader has taken these. */
  protected abstract onTaken(frames: ReadonlyArray<Uint8Array>): void
  /** Tells the other side that it is over, if it has to be told, and waits until nothing is left open; run when it has ended. */
  protected abstract readonly shut: Effect.Effect<void>

  /** How much waits for the reader. */
  get waiting(): number {
    return this.held
  }

  get hasEnded(): boolean {
    return this.end !== undefined
  }

  /** Takes in a frame, which is the reader's own from now on; answers whether the wire goes on. */
  push(frame: Uint8Array): boolean {
    if (this.end !== undefined) return false
    if (frame.length > this.maxFrame) {
      this.refuse(frame.length)
      return false
    }
    this.inbox.push(frame)
    this.held += weightOf(frame)
    this.arrived.ring()
    return true
  }

  /** Ends it since the other side sends more in a frame than it may. */
  protected refuse(bytes: number): void {
    if (this.end !== undefined) return
    this.breach = new FrameTooLarge({ peer: this.peer.address, direction: "in", bytes, limit: this.maxFrame })
    this.finish("this side", `since a frame of ${bytes} bytes came in, and ${this.maxFrame} are the limit`)
  }

  /** Ends it, if it has not ended: all who wait are told. */
  finish(by: WireClosed["by"], detail: string): void {
    if (this.end !== undefined) return
    this.end = new WireClosed({ transport: this.transport, peer: this.peer.address, by, detail })
    for (const told of this.onEnd.splice(0)) told()
    this.over.ring()
    this.room.ring()
    this.arrived.ring()
  }

  /** Has `told` run when it ends. */
  whenEnded(told: () => void): void {
    if (this.end === undefined) this.onEnd.push(told)
    else told()
  }

  readonly send: Wire["send"] = (frame) => this.sendAll([frame])

  readonly sendAll: Wire["sendAll"] = (frames) =>
    Effect.suspend((): Effect.Effect<void, WireClosed | FrameTooLarge> => {
      if (this.end !== undefined) return Effect.fail(this.end)
      const large = frames.find((frame) => frame.length > this.maxFrame)
      if (large !== undefined) {
        const { address } = this.peer
        const limit = this.maxFrame
        return Effect.fail(new FrameTooLarge({ peer: address, direction: "out", bytes: large.length, limit }))
      }
      if (this.senders > 0 || !this.hasRoom() || batch(frames, 0) < frames.length) return this.inTurn(frames)
      this.post(frames)
      return Effect.void
    })

  readonly receive: Wire["receive"] = Effect.suspend(() =>
    // The wait takes nothing, and what is taken is delivered in the step that takes it.
    Effect.andThen(
      this.arrived.until(() => this.inbox.length > 0 || this.end !== undefined),
      this.take
    )
  )

  private readonly take: Wire["receive"] = step(() => {
    const frames = this.inbox
    if (!isSome(frames)) return this.end === undefined ? this.receive : Exit.fail(this.breach ?? this.end)
    this.inbox = []
    this.held = 0
    this.onTaken(frames)
    return Exit.succeed(frames)
  })

  readonly closed: Wire["closed"] = Effect.suspend(() =>
    this.end === undefined
      ? Effect.andThen(
          this.over.until(() => this.end !== undefined),
          this.closed
        )
      : Effect.succeed(this.end)
  )

  readonly close: Wire["close"] = Effect.suspend(() => {
    this.finish("this side", "")
    return this.shut
  })

  private inTurn(frames: NonEmptyReadonlyArray<Uint8Array>): Effect.Effect<void, WireClosed> {
    return Effect.uninterruptibleMask((restore) => {
      this.senders++
      const sending = this.turn.withPermits(1)(this.sendFrom(frames, 0))
      return Effect.ensuring(
        restore(sending),
        Effect.sync(() => this.senders--)
      )
    })
  }

  private sendFrom(frames: ReadonlyArray<Uint8Array>, at: number): Effect.Effect<void, WireClosed> {
    const wait = this.room.until(() => this.end !== undefined || this.hasRoom())
    const pass = Effect.suspend(() => {
      if (this.end !== undefined) return Effect.fail(this.end)
      const next = this.hasRoom() ? batch(frames, at) : at
      if (next > at) this.post(frames.slice(at, next))
      return next === frames.length ? Effect.void : this.sendFrom(frames, next)
    })
    return Effect.andThen(wait, pass)
  }
}

const isSome = (frames: Array<Uint8Array>): frames is [Uint8Array, ...Array<Uint8Array>] => frames.length > 0

// Where the batch ends that begins at `at`: it has one frame at least.
const batch = (frames: ReadonlyArray<Uint8Array>, at: number): number => {
  let weight = 0
  let next = at
  do {
    weight += weigh(frames.slice(next, next + 1))
    next++
  } while (next < frames.length && weight < Batch)
  return next
}
