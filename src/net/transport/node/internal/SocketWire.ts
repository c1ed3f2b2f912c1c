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
import type * as Fiber from "effect/Fiber"
import type { Socket } from "node:net"
import { callback, step } from "../../../../channel/internal/step.ts"
import { Decoder } from "../../../internal/frames.ts"
import type { Peer, Wire } from "../../../Transport.ts"
import { FrameTooLarge, WireClosed } from "../../../TransportError.ts"
import { Goodbye } from "./marks.ts"
import { Outgoing } from "./Outgoing.ts"

// How much of what came in waits for a reader before the socket is read no further. A frame counts a little beside its bytes.
const Ahead = 256 * 1024
const PerFrame = 64

// How long a side that closes waits for the other while that takes nothing.
const Patience = 2000

interface Sender {
  readonly frames: NonEmptyReadonlyArray<Uint8Array>
  next: number
  readonly resume: (effect: Effect.Effect<void, WireClosed>) => void
}

export class SocketWire implements Wire {
  readonly transport: string
  readonly peer: Peer
  readonly maxFrame: number
  private readonly socket: Socket
  private readonly decoder: Decoder
  private readonly outgoing: Outgoing
  private frames: Array<Uint8Array> = []
  private ahead = 0
  private isPaused = false
  private readonly senders: Array<Sender> = []
  private readonly receivers = new Set<() => void>()
  private lingering: ReturnType<typeof setTimeout> | undefined
  private closedBy: WireClosed | undefined
  // What a reader is told that has taken everything.
  private end: WireClosed | FrameTooLarge | undefined
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
      clearTimeout(this.lingering)
      this.lose("its socket was closed")
      Deferred.doneUnsafe(this.gone, Exit.void)
    })
    if (start !== undefined) this.take(start)
  }

  get isClosed(): boolean {
    return this.closedBy !== undefined
  }

  readonly send = (frame: Uint8Array): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    step<void, WireClosed | FrameTooLarge>((fiber) => {
      if (this.closedBy !== undefined) return Exit.fail(this.closedBy)
      if (frame.length > this.maxFrame) return Exit.fail(this.tooLarge("out", frame.length))
      if (this.senders.length > 0 || this.outgoing.isFull) return this.wait(fiber, [frame], 0)
      this.outgoing.add(frame)
      return Exit.void
    })

  readonly sendAll = (frames: NonEmptyReadonlyArray<Uint8Array>): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    step<void, WireClosed | FrameTooLarge>((fiber) => {
      if (this.closedBy !== undefined) return Exit.fail(this.closedBy)
      for (const frame of frames) {
        if (frame.length > this.maxFrame) return Exit.fail(this.tooLarge("out", frame.length))
      }
      if (this.senders.length > 0) return this.wait(fiber, frames, 0)
      for (let next = 0; next < frames.length; next++) {
        if (this.outgoing.isFull) return this.wait(fiber, frames, next)
        this.outgoing.add(frames[next]!)
      }
      return Exit.void
    })

  readonly receive: Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, WireClosed | FrameTooLarge> = step((fiber) => {
    const { frames } = this
    if (frames.length > 0) {
      this.frames = []
      this.ahead = 0
      this.resume()
      return Exit.succeed(frames as [Uint8Array, ...Array<Uint8Array>])
    }
    if (this.end !== undefined) return Exit.fail(this.end)
    // Whoever is woken looks again: it has taken nothing if it was interrupted meanwhile.
    return Effect.andThen(this.arrival(fiber), this.receive)
  })

  readonly closed: Effect.Effect<WireClosed> = Deferred.await(this.shut)

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.leave("")
    return Deferred.await(this.gone)
  })

  private wait(
    fiber: Fiber.Fiber<unknown, unknown>,
    frames: NonEmptyReadonlyArray<Uint8Array>,
    next: number
  ): Effect.Effect<void, WireClosed> {
    return callback<void, WireClosed>(fiber, (resume, signal) => {
      const sender: Sender = { frames, next, resume }
      this.senders.push(sender)
      const leave = (): void => {
        const index = this.senders.indexOf(sender)
        if (index >= 0) this.senders.splice(index, 1)
      }
      signal?.addEventListener("abort", leave)
      return Effect.sync(leave)
    })
  }

  private arrival(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> {
    return callback<void>(fiber, (resume) => {
      const wake = (): void => resume(Exit.void)
      this.receivers.add(wake)
      return Effect.sync(() => this.receivers.delete(wake))
    })
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
    for (const { resume } of admitted) resume(Exit.void)
  }

  private take(chunk: Uint8Array): void {
    if (this.closedBy !== undefined) return
    const { frames } = this
    let next = frames.length
    const tooLong = this.decoder.push(chunk, frames)
    for (; next < frames.length; next++) this.ahead += (frames[next] as Uint8Array).length + PerFrame
    if (tooLong === Goodbye) {
      this.finish("the other side", "")
      this.outgoing.drop()
      this.socket.end()
      this.resume()
      this.linger()
    } else if (tooLong !== undefined) {
      this.end = this.tooLarge("in", tooLong)
      this.leave("a frame from the other side is too large")
    } else {
      if (this.ahead >= Ahead && !this.isPaused) {
        this.isPaused = true
        this.socket.pause()
      }
      if (frames.length > 0) this.wake()
    }
  }

  private wake(): void {
    if (this.receivers.size === 0) return
    const receivers = [...this.receivers]
    this.receivers.clear()
    for (const wake of receivers) wake()
  }

  private resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.socket.resume()
  }

  // Closes from this side. The socket is read until the other side ends it too, and nothing of that is kept: the system drops
  // what it has of ours when a socket is closed with bytes unread.
  private leave(detail: string): void {
    if (this.closedBy !== undefined) return
    this.finish("this side", detail)
    this.outgoing.end()
    this.resume()
    this.linger()
  }

  // The socket has ended, or is gone: nobody takes what is left.
  private lose(detail: string): void {
    this.finish("loss", this.decoder.isAmidFrame ? `${detail}, in the middle of a frame` : detail)
    this.outgoing.drop()
    this.socket.destroy()
  }

  private finish(by: WireClosed["by"], detail: string): void {
    if (this.closedBy !== undefined) return
    const closed = new WireClosed({ transport: this.transport, peer: this.peer.address, by, detail })
    this.closedBy = closed
    this.end ??= closed
    const senders = this.senders.splice(0)
    for (const { resume } of senders) resume(Exit.fail(closed))
    this.wake()
    Deferred.doneUnsafe(this.shut, Exit.succeed(closed))
  }

  // Waits for the other side to take what is left, as long as it takes anything.
  private linger(left: number = Number.POSITIVE_INFINITY): void {
    const now = this.outgoing.left
    if (now >= left) {
      this.socket.destroy()
      return
    }
    this.lingering = setTimeout(() => this.linger(now), Patience)
  }

  private tooLarge(direction: "in" | "out", bytes: number): FrameTooLarge {
    return new FrameTooLarge({ peer: this.peer.address, direction, bytes, limit: this.maxFrame })
  }
}
