/**
 * One side of a wire, whatever carries its frames: who sends waits for room, who receives has what came in, and it ends once.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Peer, Wire } from "../../Transport.ts"
import { FrameTooLarge, WireClosed } from "../../TransportError.ts"
import { Bell } from "./Bell.ts"
import { Incoming, type Waking } from "./Incoming.ts"
import type { Pushing } from "./Pushing.ts"

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

export abstract class Line implements Wire, Pushing {
  readonly transport: string
  readonly peer: Peer
  readonly maxFrame: number

  /** Rings when there may be room again. */
  protected readonly room = new Bell()
  private readonly over = new Bell()

  private readonly turn = Semaphore.makeUnsafe(1)
  // Who sends, or waits for its turn to.
  private senders = 0

  readonly incoming: Incoming
  private end: WireClosed | undefined
  private readonly onEnd: Array<() => void> = []

  constructor({ maxFrame, peer, transport }: Ends, waking: Waking) {
    this.transport = transport
    this.peer = peer
    this.maxFrame = maxFrame
    this.incoming = new Incoming(waking, weightOf, (frames) => this.onTaken(frames))
    this.receive = this.incoming.receive
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
    return this.incoming.waiting
  }

  get hasEnded(): boolean {
    return this.end !== undefined
  }

  /** Takes in frames, which are the reader's own from now on, in one go. */
  push(frames: ReadonlyArray<Uint8Array>): void {
    if (this.end !== undefined) return
    const large = frames.findIndex((frame) => frame.length > this.maxFrame)
    this.incoming.push(large === -1 ? frames : frames.slice(0, large))
    if (large !== -1) this.refuse((frames[large] as Uint8Array).length)
  }

  /** Ends it since the other side sends more in a frame than it may. */
  protected refuse(bytes: number): void {
    if (this.end !== undefined) return
    const detail = `since a frame of ${bytes} bytes came in, and ${this.maxFrame} are the limit`
    this.finish("this side", detail, this.tooLarge("in", bytes))
  }

  private tooLarge(direction: FrameTooLarge["direction"], bytes: number): FrameTooLarge {
    return new FrameTooLarge({ peer: this.peer.address, direction, bytes, limit: this.maxFrame })
  }

  /** Ends it, if it has not ended: all who wait are told, its reader of the breach where there was one. */
  finish(by: WireClosed["by"], detail: string, breach?: FrameTooLarge): void {
    if (this.end !== undefined) return
    this.end = new WireClosed({ transport: this.transport, peer: this.peer.address, by, detail })
    for (const told of this.onEnd.splice(0)) told()
    this.over.ring()
    this.room.ring()
    this.incoming.finish(breach ?? this.end)
  }

  /** Has `told` run when it ends. */
  whenEnded(told: () => void): void {
    if (this.end === undefined) this.onEnd.push(told)
    else told()
  }

  sendUnsafe(frame: Uint8Array): ReturnType<Pushing["sendUnsafe"]> {
    if (this.end !== undefined) return this.end
    if (frame.length > this.maxFrame) return this.tooLarge("out", frame.length)
    if (this.senders > 0 || !this.hasRoom()) return "full"
    this.post([frame])
    return "sent"
  }

  readonly send: Wire["send"] = (frame) => this.sendAll([frame])

  readonly sendAll: Wire["sendAll"] = (frames) =>
    Effect.suspend((): Effect.Effect<void, WireClosed | FrameTooLarge> => {
      if (this.end !== undefined) return Effect.fail(this.end)
      const large = frames.find((frame) => frame.length > this.maxFrame)
      if (large !== undefined) return Effect.fail(this.tooLarge("out", large.length))
      if (this.senders > 0 || !this.hasRoom() || batch(frames, 0) < frames.length) return this.inTurn(frames)
      this.post(frames)
      return Effect.void
    })

  readonly receive: Wire["receive"]

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
