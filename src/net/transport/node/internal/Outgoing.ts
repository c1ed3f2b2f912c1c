/**
 * What a wire has to write: small frames in one piece of bytes, large ones in several, and never more at once than the
 * socket shall hold.
 */
import { Buffer } from "node:buffer"
import type { Socket } from "node:net"
import { Header, write } from "../../../internal/frames.ts"
import { Spares } from "../../../internal/Spares.ts"
import { goodbye } from "./marks.ts"

// Of a large frame so much is written at once, so that it can be seen whether the other side takes it.
const PieceSize = 256 * 1024

// How much the socket may hold before senders wait.
const InFlight = 128 * 1024

const batches = new Spares(64 * 1024, 16)
const BatchSize = batches.size

interface Piece {
  readonly bytes: Uint8Array
  /** The memory that is free once the piece is written. */
  readonly batch: Uint8Array | undefined
}

export class Outgoing {
  private readonly socket: Socket
  private readonly onRoom: () => void
  private batch: Uint8Array | undefined
  private filled = 0
  private pieces: Array<Piece> = []
  private inFlight = 0
  private takesAtOnce = true
  private isHeld = false
  private isFlushing = false
  private isEnding = false

  constructor(socket: Socket, onRoom: () => void) {
    this.socket = socket
    this.onRoom = onRoom
  }

  /** Whether senders have to wait for room. */
  get isFull(): boolean {
    return this.inFlight >= InFlight || this.pieces.length > 0
  }

  /** How much is left that the system has not taken. */
  get left(): number {
    return this.pieces.reduce((sum, { bytes }) => sum + bytes.length, this.inFlight + this.filled)
  }

  /** What is added from now on is written when it is released. */
  hold(): void {
    this.isHeld = true
  }

  release(): void {
    this.isHeld = false
    this.pump()
  }

  /** Takes a copy of the frame, and writes it with all that is added before this step of the program ends. */
  add(frame: Uint8Array): void {
    const size = Header + frame.length
    if (size > BatchSize) {
      this.addLarge(frame, size)
      return
    }
    if (this.filled + size > BatchSize) this.seal()
    this.batch ??= batches.take()
    this.filled = write(frame, this.batch, this.filled)
    this.flushSoon()
  }

  /** Writes what was added, without waiting for the end of the step. */
  flushNow(): void {
    this.pump()
  }

  /** Adds a mark, which is no frame. */
  addMark(mark: Uint8Array): void {
    if (this.filled + Header > BatchSize) this.seal()
    this.batch ??= batches.take()
    this.batch.set(mark, this.filled)
    this.filled += Header
    this.flushSoon()
  }

  /** Writes what is left and a goodbye, and ends the socket. */
  end(): void {
    this.addMark(goodbye)
    this.isEnding = true
    this.pump()
  }

  /** Drops what the socket does not have yet. */
  drop(): void {
    this.pieces = []
    this.batch = undefined
    this.filled = 0
    this.isEnding = false
  }

  private flushSoon(): void {
    if (this.isHeld || this.isFlushing) return
    this.isFlushing = true
    queueMicrotask(this.flush)
  }

  private readonly flush = (): void => {
    this.isFlushing = false
    this.pump()
  }

  private addLarge(frame: Uint8Array, size: number): void {
    this.seal()
    const bytes = Buffer.allocUnsafeSlow(size)
    write(frame, bytes, 0)
    for (let at = 0; at < size; at += PieceSize) {
      this.pieces.push({ bytes: bytes.subarray(at, at + PieceSize), batch: undefined })
    }
    this.pump()
  }

  // Makes a piece of the batch.
  private seal(): void {
    const { batch } = this
    if (batch === undefined) return
    this.pieces.push({ bytes: batch.subarray(0, this.filled), batch })
    this.batch = undefined
    this.filled = 0
    this.pump()
  }

  private pump(): void {
    while (this.inFlight < InFlight) {
      if (this.pieces.length === 0) {
        if (this.batch === undefined) break
        this.pieces.push({ bytes: this.batch.subarray(0, this.filled), batch: this.batch })
        this.batch = undefined
        this.filled = 0
      }
      this.write(this.pieces.shift() as Piece)
    }
    if (this.isEnding && this.pieces.length === 0 && this.batch === undefined) this.socket.end()
  }

  // Most pieces are taken by the system at once, and nobody has to be told. Where one was not, as always with TLS, an empty
  // one behind it tells when it is, and the next ones tell themselves.
  private write(piece: Piece): void {
    const { socket } = this
    let last = piece.bytes
    if (this.takesAtOnce) {
      socket.write(last)
      if (socket.writableLength === 0) return free(piece)
      last = nothing
    }
    this.inFlight += piece.bytes.length
    socket.write(last, () => this.written(piece))
    this.takesAtOnce = socket.writableLength === 0
  }

  private written(piece: Piece): void {
    this.inFlight -= piece.bytes.length
    free(piece)
    this.pump()
    if (!this.isFull) this.onRoom()
  }
}

const nothing = new Uint8Array(0)

const free = ({ batch }: Piece): void => {
  if (batch !== undefined) batches.give(batch)
}
