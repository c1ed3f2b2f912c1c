/**
 * One side of a wire over a WebSocket that is open.
 */
import type * as NodeWS from "@effect/platform-node/NodeWS"
import * as Effect from "effect/Effect"
import { types } from "node:util"
import { Bell } from "../../internal/Bell.ts"
import { type Ends, Line } from "../../internal/Line.ts"
import { Linger } from "./Linger.ts"
import { codeOf } from "./reasons.ts"

// How many bytes are held here, for the socket to send or for the reader to take, before the other side has to wait.
const HighWater = 64 * 1024

// The other side sends what is no binary message.
const UnsupportedData = 1003

// What the close of a connection is called that was lost.
const Abnormal = 1006

export class WebSocketWire extends Line {
  private readonly webSocket: NodeWS.WebSocket
  private readonly gone = new Bell()
  private fault: string | undefined
  private readonly lingering: Linger

  constructor(ends: Ends, webSocket: NodeWS.WebSocket) {
    super(ends, "at once")
    this.webSocket = webSocket
    this.lingering = new Linger(
      () => webSocket.bufferedAmount,
      () => webSocket.terminate()
    )
    webSocket.binaryType = "arraybuffer"
    webSocket.on("message", (data, isBinary) => this.onMessage(data, isBinary))
    webSocket.on("error", (error) => this.onError(error))
    webSocket.once("close", (code, reason) => this.onClose(code, reason.toString()))
  }

  hasRoom(): boolean {
    return this.webSocket.bufferedAmount < HighWater
  }

  protected post(frames: ReadonlyArray<Uint8Array>): void {
    for (const frame of frames) {
      // A server's socket sends from the very memory that it is given, whenever it gets to it.
      this.webSocket.send(new Uint8Array(frame), this.flushed)
    }
  }

  private readonly flushed = (): void => this.room.ring()

  protected onTaken(): void {
    this.webSocket.resume()
  }

  protected readonly shut: Effect.Effect<void> = Effect.suspend(() => {
    this.leave(1000)
    return this.gone.until(() => this.webSocket.readyState === this.webSocket.CLOSED)
  })

  private leave(code: number, reason?: string): void {
    this.webSocket.close(code, reason)
    // What still comes in is for nobody; but the other side's part of the close is behind it.
    this.webSocket.resume()
    this.linger()
  }

  private linger(): void {
    if (this.webSocket.readyState !== this.webSocket.CLOSED) this.lingering.begin()
  }

  private onMessage(data: NodeWS.RawData, isBinary: boolean): void {
    if (this.hasEnded) return
    if (!isBinary || !types.isArrayBuffer(data)) {
      // Whoever is told of the end may close it in its own way.
      this.leave(UnsupportedData, "frames are binary messages")
      return this.finish("loss", "since the other side has sent a text message, which is no frame")
    }
    this.push([new Uint8Array(data)])
    // Whoever has taken it may have closed the wire, which has to be read to its end then.
    if (this.waiting >= HighWater && !this.hasEnded) this.webSocket.pause()
  }

  private onError(error: Error): void {
    const code = codeOf(error)
    if (code.startsWith("WS_ERR_")) {
      // It does not tell of how many bytes: of more than there may be.
      if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") this.refuse(this.maxFrame + 1)
      else this.finish("loss", `since the other side has sent what is no frame: ${error.message}`)
      // It is closed already, and told why.
      this.linger()
    } else {
      this.fault = error.message
    }
  }

  private onClose(code: number, reason: string): void {
    if (code === Abnormal) this.finish("loss", this.fault ?? "the connection broke off")
    else
      this.finish("the other side", code === 1000 ? "" : `with the code ${code}${reason === "" ? "" : `, ${reason}`}`)
    this.lingering.end()
    this.gone.ring()
  }
}
