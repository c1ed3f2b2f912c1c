/**
 * A wire over a call of gRPC in which both sides stream, as the client and the server have it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import type { EventEmitter } from "node:events"
import type { Peer, Wire } from "../../../Transport.ts"
import { FrameTooLarge, WireClosed } from "../../../TransportError.ts"
import { Bell } from "../../internal/Bell.ts"
import { Incoming } from "../../internal/Incoming.ts"
import type { Pushing } from "../../internal/Pushing.ts"
import { Linger } from "./Linger.ts"
import { decodeFrame, encodeFrame, type Frame } from "./protobuf.ts"

/** How many bytes of a frame a message may have that comes in. */
export const maxPiece: number = 1024 * 1024

// How many go out in one: HTTP/2 lets other streams of the connection, and its own signs of life, go between.
const piece = 64 * 1024

// Who has so many bytes waiting waits: to be sent on this side, and to be received on the other.
const highWater = 256 * 1024

// What a frame costs besides its bytes: those without any have to be waited for, too.
const frameCost = 32

const turnsToHearOfLoss = 8

/** What the calls of clients and of servers have in common. */
interface Call extends EventEmitter {
  write(message: Uint8Array, written: () => void): boolean
  end(): unknown
  pause(): unknown
  resume(): unknown
}

/** What the two sides do in ways of their own. */
export interface Side {
  readonly peer: () => Peer
  /** Whether it says that it closes: a client's end of its messages leaves it reading, and a server's status says it all. */
  readonly saysClosing: boolean
  /** Ends the call since the other side broke its rules. */
  readonly refuse: (why: "malformed" | "too large", detail: string) => void
  /** Gives up the call, with whatever is still to be sent. */
  readonly abort: () => void
}

export class GrpcWire implements Wire, Pushing {
  readonly transport = "grpc"
  readonly maxFrame: number
  /** Waits until the call is over. */
  readonly over: Effect.Effect<void>
  readonly closed: Effect.Effect<WireClosed>
  private readonly call: Call
  private readonly side: Side
  private readonly closing = Deferred.makeUnsafe<WireClosed>()
  private readonly ending = Deferred.makeUnsafe<void>()
  private readonly turn = Semaphore.makeUnsafe(1)
  // Who sends, or waits for its turn to.
  private senders = 0

  // Why nothing more is sent. What comes in has an end of its own: the other side may have ended its half of the call only.
  private outEnd: WireClosed | undefined
  private unsent = 0
  private readonly room = new Bell()
  readonly incoming = new Incoming(
    "at once",
    (frame) => frame.length + frameCost,
    () => this.call.resume()
  )
  // The pieces of a frame that is not whole, and how many bytes are to come.
  private pieces: Array<Uint8Array> = []
  private missing = 0
  private readonly linger = new Linger(
    () => this.unsent,
    () => this.abort()
  )

  constructor(call: Call, maxFrame: number, side: Side) {
    this.call = call
    this.maxFrame = maxFrame
    this.side = side
    this.over = Deferred.await(this.ending)
    this.closed = Deferred.await(this.closing)
    call.on("data", (message: Uint8Array) => this.onMessage(message))
    call.on("end", () => this.onEnd())
  }

  get peer(): Peer {
    return this.side.peer()
  }

  readonly send: Wire["send"] = (frame) => this.sendAll([frame])

  readonly sendAll: Wire["sendAll"] = (frames) =>
    Effect.suspend((): Effect.Effect<void, WireClosed | FrameTooLarge> => {
      if (this.outEnd !== undefined) return Effect.fail(this.outEnd)
      const large = frames.find((frame) => frame.length > this.maxFrame)
      if (large !== undefined) return Effect.fail(this.tooLarge("out", large.length))
      return Effect.uninterruptibleMask((restore) => {
        this.senders++
        return Effect.ensuring(
          restore(
            Semaphore.withPermit(
              this.turn,
              Effect.suspend(() => this.sendFrom(frames, 0))
            )
          ),
          Effect.sync(() => this.senders--)
        )
      })
    })

  sendUnsafe(frame: Uint8Array): ReturnType<Pushing["sendUnsafe"]> {
    if (this.outEnd !== undefined) return this.outEnd
    if (frame.length > this.maxFrame) return this.tooLarge("out", frame.length)
    if (this.senders > 0 || !this.hasRoom()) return "full"
    this.write(frame)
    return "sent"
  }

  // Waits before a frame and not after it, and writes it in one step: an interruption finds it sent, or not begun.
  private sendFrom(frames: ReadonlyArray<Uint8Array>, from: number): Effect.Effect<void, WireClosed> {
    for (let index = from; index < frames.length; index++) {
      if (this.outEnd !== undefined) return Effect.fail(this.outEnd)
      if (!this.hasRoom()) return Effect.flatMap(this.untilRoom, () => this.sendFrom(frames, index))
      this.write(frames[index]!)
    }
    return Effect.void
  }

  private hasRoom(): boolean {
    return this.unsent < highWater
  }

  private readonly untilRoom: Effect.Effect<void> = this.room.until(() => this.outEnd !== undefined || this.hasRoom())

  private write(frame: Uint8Array): void {
    let from = 0
    do {
      const payload = frame.subarray(from, from + piece)
      from += payload.length
      this.writeMessage({ payload, remaining: frame.length - from, closing: false })
    } while (from < frame.length)
  }

  private writeMessage(frame: Frame): void {
    const message = encodeFrame(frame)
    const cost = message.length + frameCost
    this.unsent += cost
    this.call.write(message, () => {
      this.unsent -= cost
      this.room.ring()
    })
  }

  readonly receive: Wire["receive"] = this.incoming.receive

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.end(this.closedBy("this side", ""))
    if (!Deferred.isDoneUnsafe(this.ending)) this.linger.begin()
    return this.over
  })

  /** Gives up the call, and what is still to be sent. */
  abort(): void {
    if (Deferred.isDoneUnsafe(this.ending)) return
    this.stop(this.closedBy("loss", "it was given up"))
    this.side.abort()
    this.endCall()
  }

  /** The call is over. What came in before may still be in the stream, which then says when that was all. */
  onOver(by: "the other side" | "loss", detail: string, stream: "ends" | "destroyed"): void {
    const why = this.closedBy(by, detail)
    if (stream === "ends") this.stopSending(why)
    else this.stop(why)
    this.endCall()
  }

  private endCall(): void {
    this.linger.end()
    Deferred.doneUnsafe(this.ending, Exit.void)
  }

  private onMessage(message: Uint8Array): void {
    if (this.incoming.hasEnded) return
    const frame = decodeFrame(message)
    if (frame === undefined) return this.onMalformed("a message that is no frame")
    const { closing, payload, remaining } = frame
    if (closing) return this.onClosing()
    const size = payload.length + remaining
    if (this.pieces.length > 0 && size !== this.missing) return this.onMalformed("pieces that do not fit together")
    if ((payload.length === 0 && remaining > 0) || payload.length > maxPiece)
      return this.onMalformed("a piece without bytes, or with too many")
    // The first piece says how long the frame is, so that nobody has us keep what is too long.
    if (size > this.maxFrame) return this.onTooLarge(size)
    this.pieces.push(payload)
    this.missing = remaining
    if (remaining === 0) this.onFrame()
  }

  private onFrame(): void {
    let length = 0
    for (const part of this.pieces) length += part.length
    // A frame is its reader's own: a part is a view of what came with it.
    const frame = new Uint8Array(length)
    let at = 0
    for (const part of this.pieces) {
      frame.set(part, at)
      at += part.length
    }
    this.pieces = []
    this.incoming.push([frame])
    // Whoever has taken it may have closed the wire, and the call has to come to its end then.
    if (this.incoming.waiting >= highWater && !this.incoming.hasEnded) this.call.pause()
  }

  private onClosing(): void {
    if (this.pieces.length > 0) return this.onMalformed("the end amid a frame")
    this.end(this.closedBy("the other side", ""))
  }

  // The other side sends nothing more. Of a client that may be all: what it is still sent is sent. A server has the same
  // event for a client that is gone, and is told so a moment later: one turn of the event loop was seen, and two.
  private onEnd(): void {
    if (this.side.saysClosing) this.endReceiving()
    else this.endReceivingAfter(turnsToHearOfLoss)
  }

  private endReceivingAfter(turns: number): void {
    if (turns === 0 || this.outEnd !== undefined) this.endReceiving()
    else setImmediate(() => this.endReceivingAfter(turns - 1))
  }

  private endReceiving(): void {
    this.incoming.finish(
      this.pieces.length > 0
        ? this.closedBy("loss", "it ended amid a frame")
        : (this.outEnd ?? this.closedBy("the other side", "it sends nothing more"))
    )
  }

  private onMalformed(detail: string): void {
    this.stop(this.closedBy("loss", `the other side sent ${detail}`))
    this.side.refuse("malformed", detail)
  }

  /** The other side sent a frame of so many bytes. */
  onTooLarge(bytes: number): void {
    if (this.incoming.hasEnded) return
    const error = this.tooLarge("in", bytes)
    this.stop(this.closedBy("this side", "the other side sent a frame that is too large"), error)
    this.side.refuse("too large", error.message)
  }

  // Ends this side in order, after what was written.
  private end(why: WireClosed): void {
    if (this.outEnd !== undefined) return
    this.stop(why)
    if (this.side.saysClosing) this.writeMessage({ payload: new Uint8Array(0), remaining: 0, closing: true })
    this.call.end()
  }

  private stop(why: WireClosed, breach?: FrameTooLarge): void {
    this.stopSending(why)
    this.incoming.finish(breach ?? this.outEnd ?? why)
    this.pieces = []
    // What else comes is let go, so that the call can come to its end.
    this.call.resume()
  }

  private stopSending(why: WireClosed): void {
    if (this.outEnd !== undefined) return
    this.outEnd = why
    Deferred.doneUnsafe(this.closing, Exit.succeed(why))
    this.room.ring()
  }

  private closedBy(by: WireClosed["by"], detail: string): WireClosed {
    return new WireClosed({ transport: this.transport, peer: this.peer.address, by, detail })
  }

  private tooLarge(direction: FrameTooLarge["direction"], bytes: number): FrameTooLarge {
    return new FrameTooLarge({ peer: this.peer.address, direction, bytes, limit: this.maxFrame })
  }
}
