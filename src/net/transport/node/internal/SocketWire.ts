/**
 * A wire over a stream socket of Node: of unix, TCP or TLS.
 *
 * It has the socket itself and not effect's `NodeSocket`, which tells a socket that was ended from one that was lost only by
 * what a reader pulls, so that a loss stays unnoticed while nobody reads, hands out what it has read before it is known that
 * the reader lives, and destroys what it closes with bytes of the other side unread, which has the system drop what was
 * sent last.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Socket } from "node:net"
import { step } from "../../../../channel/internal/step.ts"
import { Wait, waitIn } from "../../../../channel/internal/wait.ts"
import { Decoder } from "../../../internal/frames.ts"
import type { Peer, Wire } from "../../../Transport.ts"
import { FrameTooLarge, WireClosed } from "../../../TransportError.ts"
import { Incoming } from "../../internal/Incoming.ts"
import type { Pushing } from "../../internal/Pushing.ts"
import { Linger } from "./Linger.ts"
import { Goodbye, welcome } from "./marks.ts"
import { Outgoing } from "./Outgoing.ts"

// How much of what came in waits for a reader before the socket is read no further. A frame counts a little beside its bytes.
const Ahead = 256 * 1024
const PerFrame = 64

/** One who waits for room, in line. */
class Sender extends Wait {
  readonly frames: NonEmptyReadonlyArray<Uint8Array>
  next: number
  private readonly line: Array<Sender>

  constructor(line: Array<Sender>, frames: NonEmptyReadonlyArray<Uint8Array>, next: number) {
    super()
    this.line = line
    this.frames = frames
    this.next = next
    line.push(this)
  }

  protected onInterrupted(): void {
    const index = this.line.indexOf(this)
    if (index >= 0) this.line.splice(index, 1)
  }
}

export class SocketWire implements Wire, Pushing {
  readonly transport: string
  readonly peer: Peer
  readonly maxFrame: number
  private readonly socket: Socket
  private readonly decoder: Decoder
  private readonly outgoing: Outgoing
  readonly incoming = new Incoming(
    "at once",
    (frame) => frame.length + PerFrame,
    () => this.read()
  )
  private isPaused = false
  private readonly senders: Array<Sender> = []
  private linger: Linger | undefined
  private closedBy: WireClosed | undefined
  private readonly shut = Deferred.makeUnsafe<WireClosed>()
  private readonly gone = Deferred.makeUnsafe<void>()

  /** The socket is open, and `start` came in over it already. */
  constructor(transport: string, peer: Peer, maxFrame: number, socket: Socket, start?: Uint8Array) {
    this.transport = transport
    this.peer = peer
    this.maxFrame = maxFrame
    this.socket = socket
    this.decoder = new Decoder(maxFrame)
    this.outgoing = new Outgoing(socket, () => this.admit())
    socket.on("data", (chunk: Uint8Array) => this.take(chunk))
    socket.on("end", () => this.lose("it ended without a goodbye"))
    // One of TLS does not close the socket.
    socket.on("error", (error) => this.lose(error.message))
    socket.on("close", () => {
      this.linger?.end()
      this.lose("its socket was closed")
      Deferred.doneUnsafe(this.gone, Exit.void)
    })
    if (start !== undefined) this.take(start)
  }

  get isClosed(): boolean {
    return this.closedBy !== undefined
  }

  /** Tells the other side that it is served, in one go with what is sent in this step of the program. */
  welcome(): void {
    if (!this.isClosed) this.outgoing.addMark(welcome)
  }

  readonly send = (frame: Uint8Array): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    step<void, WireClosed | FrameTooLarge>(() => {
      const answer = this.sendUnsafe(frame)
      if (answer === "sent") return Exit.void
      return answer === "full" ? this.wait([frame], 0) : Exit.fail(answer)
    })

  sendUnsafe(frame: Uint8Array): ReturnType<Pushing["sendUnsafe"]> {
    if (this.closedBy !== undefined) return this.closedBy
    if (frame.length > this.maxFrame) return this.tooLarge("out", frame.length)
    if (this.senders.length > 0 || this.outgoing.isFull) return "full"
    this.outgoing.add(frame)
    return "sent"
  }

  flushUnsafe(): void {
    this.outgoing.flushNow()
  }

  readonly sendAll = (frames: NonEmptyReadonlyArray<Uint8Array>): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    step<void, WireClosed | FrameTooLarge>(() => {
      if (this.closedBy !== undefined) return Exit.fail(this.closedBy)
      for (const frame of frames) {
        if (frame.length > this.maxFrame) return Exit.fail(this.tooLarge("out", frame.length))
      }
      if (this.senders.length > 0) return this.wait(frames, 0)
      for (let next = 0; next < frames.length; next++) {
        if (this.outgoing.isFull) return this.wait(frames, next)
        this.outgoing.add(frames[next]!)
      }
      return Exit.void
    })

  readonly receive: Wire["receive"] = this.incoming.receive

  readonly closed: Effect.Effect<WireClosed> = Deferred.await(this.shut)

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.leave("")
    return Deferred.await(this.gone)
  })

  private wait(frames: NonEmptyReadonlyArray<Uint8Array>, next: number): Effect.Effect<void, WireClosed> {
    return waitIn(new Sender(this.senders, frames, next))
  }

  // There is room: takes the frames of those who wait, in their order.
  private admit(): void {
    const admitted: Array<Sender> = []
    while (this.senders.length > 0 && !this.outgoing.isFull) {
      const sender = this.senders[0] as Sender
      this.outgoing.add(sender.frames[sender.next] as Uint8Array)
      sender.next++
      if (sender.next < sender.frames.length) continue
      this.senders.shift()
      admitted.push(sender)
    }
    for (const sender of admitted) sender.resume(Exit.void)
  }

  private take(chunk: Uint8Array): void {
    if (this.closedBy !== undefined) return
    const frames: Array<Uint8Array> = []
    const tooLong = this.decoder.push(chunk, frames)
    // What is sent in answer goes out with the event, in one go.
    this.outgoing.hold()
    this.incoming.push(frames)
    this.outgoing.release()
    // Whoever has taken them may have closed it.
    if (this.isClosed) return
    if (tooLong === Goodbye) {
      this.finish("the other side", "")
      this.outgoing.drop()
      this.socket.end()
      this.read()
      this.awaitRest()
    } else if (tooLong !== undefined) {
      this.leave("a frame from the other side is too large", this.tooLarge("in", tooLong))
    } else if (this.incoming.waiting >= Ahead && !this.isPaused) {
      this.isPaused = true
      this.socket.pause()
    }
  }

  private read(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.socket.resume()
  }

  // Closes from this side. The socket is read until the other side ends it too, and nothing of that is kept: the system drops
  // what it has of ours when a socket is closed with bytes unread.
  private leave(detail: string, breach?: FrameTooLarge): void {
    if (this.closedBy !== undefined) return
    this.finish("this side", detail, breach)
    this.outgoing.end()
    this.read()
    this.awaitRest()
  }

  // As long as the other side takes any of it.
  private awaitRest(): void {
    this.linger ??= new Linger(
      () => this.outgoing.left,
      () => this.socket.destroy()
    )
    this.linger.begin()
  }

  // The socket has ended, or is gone: nobody takes what is left.
  private lose(detail: string): void {
    this.finish("loss", this.decoder.isAmidFrame ? `${detail}, in the middle of a frame` : detail)
    this.outgoing.drop()
    this.socket.destroy()
  }

  private finish(by: WireClosed["by"], detail: string, breach?: FrameTooLarge): void {
    if (this.closedBy !== undefined) return
    const closed = new WireClosed({ transport: this.transport, peer: this.peer.address, by, detail })
    this.closedBy = closed
    const senders = this.senders.splice(0)
    for (const sender of senders) sender.resume(Exit.fail(closed))
    this.incoming.finish(breach ?? closed)
    Deferred.doneUnsafe(this.shut, Exit.succeed(closed))
  }

  private tooLarge(direction: "in" | "out", bytes: number): FrameTooLarge {
    return new FrameTooLarge({ peer: this.peer.address, direction, bytes, limit: this.maxFrame })
  }
}
