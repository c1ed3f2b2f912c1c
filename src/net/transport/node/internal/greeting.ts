/** The first words of the other side, before there is a wire. */
import { Buffer } from "node:buffer"
import type { Socket } from "node:net"
import { Header } from "../../../internal/frames.ts"

/** What came: a mark with what came behind it, or the end of the socket with its cause. */
export type Greeting =
  | { readonly mark: number; readonly rest: Uint8Array }
  | { readonly mark: undefined; readonly cause: Error | undefined }

/** Waits for the first mark. When it is heard nobody listens to the socket any more: that has to happen before its next event. */
export const hear = (socket: Socket, heard: (greeting: Greeting) => void): void => {
  let bytes: Uint8Array = new Uint8Array(0)
  const end = (greeting: Greeting): void => {
    socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError)
    heard(greeting)
  }
  const onError = (cause: Error): void => end({ mark: undefined, cause })
  const onEnd = (): void => end({ mark: undefined, cause: undefined })
  const onData = (chunk: Uint8Array): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    if (bytes.length < Header) return
    end({ mark: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), rest: bytes.subarray(Header) })
  }
  socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError)
}
