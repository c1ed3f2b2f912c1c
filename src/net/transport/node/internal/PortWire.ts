/**
 * One side of a wire over a `MessagePort`. A port has no backpressure of its own: the reader grants a window, by the weight
 * of frames, and again as much as it has taken; who has used it up waits.
 */
import * as Effect from "effect/Effect"
import { types } from "node:util"
import type { MessagePort } from "node:worker_threads"
import { Bell } from "../../internal/Bell.ts"
import { type Ends, Line, weigh, Window } from "../../internal/Line.ts"

// What goes through the port: lists of frames as buffers, numbers that grant, and this, which says that it ends in order.
const Close = "close"

export class PortWire extends Line {
  private readonly port: MessagePort
  private readonly faultOf: () => string | undefined
  private readonly gone = new Bell()
  private isGone = false
  private hasLeft = false
  // How much the other side still takes, by what it has told.
  private credit = 0
  // How much the other side may still send, by what it was told.
  private granted = 0
  // What was taken and not granted again so far.
  private owed = Window

  /** `faultOf` tells of what happened to the thread on the other side, if anything is known. */
  constructor(ends: Ends, port: MessagePort, faultOf: () => string | undefined = () => undefined) {
    super(ends, "at once")
    this.port = port
    this.faultOf = faultOf
    port.on("message", (message: unknown) => this.onMessage(message))
    port.on("messageerror", () => this.breakOff())
    port.once("close", () => this.onClose())
    this.grant()
  }

  hasRoom(): boolean {
    return this.credit > 0
  }

  protected post(frames: ReadonlyArray<Uint8Array>): void {
    this.credit -= weigh(frames)
    // Copies, since what is transferred is gone here.
    const buffers = frames.map((frame) => new Uint8Array(frame).buffer)
    this.port.postMessage(buffers, buffers)
  }

  protected onTaken(frames: ReadonlyArray<Uint8Array>): void {
    this.owed += weigh(frames)
    if (this.owed >= Window / 2) this.grant()
  }

  protected readonly shut: Effect.Effect<void> = Effect.suspend(() => {
    this.leave()
    return this.gone.until(() => this.isGone)
  })

  private grant(): void {
    this.granted += this.owed
    this.port.postMessage(this.owed, [])
    this.owed = 0
  }

  // What is posted before a port is closed arrives.
  private leave(): void {
    if (this.hasLeft) return
    this.hasLeft = true
    this.port.postMessage(Close, [])
    this.port.close()
  }

  private onMessage(message: unknown): void {
    if (this.hasEnded) return
    if (message === Close) {
      this.finish("the other side", "")
      this.leave()
    } else if (typeof message === "number") {
      this.credit += message
      this.room.ring()
    } else if (isBuffers(message) && this.granted > 0) {
      this.onFrames(message.map((buffer) => new Uint8Array(buffer)))
    } else {
      this.breakOff()
    }
  }

  private onFrames(frames: ReadonlyArray<Uint8Array>): void {
    this.granted -= weigh(frames)
    this.push(frames)
    if (this.hasEnded) this.leave()
  }

  private breakOff(): void {
    this.finish("loss", "since the other side has posted what is no frame, or more than it may")
    this.leave()
  }

  private onClose(): void {
    this.finish("loss", this.faultOf() ?? "its port was closed, or its thread has ended")
    this.isGone = true
    this.gone.ring()
  }
}

const isBuffers = (message: unknown): message is ReadonlyArray<ArrayBuffer> =>
  Array.isArray(message) && message.every((buffer) => types.isArrayBuffer(buffer))
