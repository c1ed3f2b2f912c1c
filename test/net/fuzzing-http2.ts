/**
 * A hostile client of HTTP/2, which writes the frames of that protocol itself: Node's own ends the program where streams
 * are given up while both sides still write.
 */
import { Effect } from "effect"
import * as Net from "node:net"
import type { Garbage, Session } from "./fuzzing.ts"

const Type = { Data: 0, Headers: 1, Reset: 3, Settings: 4, GoAway: 7, WindowUpdate: 8 }
const Flag = { Ack: 1, EndStream: 1, EndHeaders: 4 }

const MaxData = 16_384
const Window = 65_535

const frame = (type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer => {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

// Each as a literal that is not indexed, with a new name and without Huffman's code.
const headerBlock = (headers: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat(
    Object.entries(headers).map(([name, value]) =>
      Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)])
    )
  )

/** Speaks HTTP/2 to a gRPC server, with calls and messages that are not what they should be. */
export const overHttp2 =
  (host: string, port: number, path: string): Session =>
  (garbage, frames) =>
    Effect.callback((resume) => {
      const socket = Net.connect({ host, port })
      let said = 0
      let stream = -1
      // How much the server takes of all streams, and of this one.
      let room = Window
      let streamRoom = 0
      let received: Buffer = Buffer.alloc(0)
      const write = (bytes: Uint8Array): void => void (socket.writable && socket.write(bytes))
      const reset = (): void => write(frame(Type.Reset, 0, stream, uint32(garbage.pick([0, 1, 2, 7, 8, 11, 0xffff]))))

      const call = (): void => {
        if (!socket.writable) return
        if (said >= frames) {
          if (garbage.oneIn(2)) write(frame(Type.GoAway, 0, 0, Buffer.alloc(8)))
          if (garbage.oneIn(2)) socket.end()
          setTimeout(() => socket.destroy(), 5)
          return
        }
        stream += 2
        streamRoom = Window
        const headers = headerBlock({
          ":method": garbage.oneIn(32) ? "GET" : "POST",
          ":scheme": "http",
          ":path": garbage.oneIn(32) ? `/${garbage.chance.below(1000)}` : path,
          ":authority": host,
          "content-type": garbage.oneIn(32) ? "text/plain" : "application/grpc",
          ...(garbage.oneIn(16)
            ? { "grpc-timeout": garbage.pick(["1n", "x", "99999999H", "-1S"]) }
            : { te: "trailers" })
        })
        write(frame(Type.Headers, Flag.EndHeaders, stream, garbage.oneIn(64) ? headers.subarray(1) : headers))
        say(1 + garbage.chance.below(16))
      }

      const say = (left: number): void => {
        for (let spoken = 0; spoken < left && said < frames; spoken++, said++) sayMessage(grpcMessage(garbage))
        switch (garbage.chance.below(4)) {
          case 0:
            reset()
            break
          case 1:
            write(frame(Type.Data, Flag.EndStream, stream))
            break
          case 2:
            // A frame of any kind.
            write(
              frame(
                garbage.chance.below(12),
                garbage.chance.below(256),
                stream,
                garbage.bytes(garbage.chance.below(32))
              )
            )
        }
        // As the server sees it, a wire is open, unless it was refused.
        setTimeout(() => {
          reset()
          call()
        }, 5)
      }

      const sayMessage = (message: Uint8Array): void => {
        for (let at = 0; at < message.length; at += MaxData) {
          const data = message.subarray(at, at + MaxData)
          // Whoever sends more than that is cut off at once.
          if (data.length > Math.min(room, streamRoom) && !garbage.oneIn(64)) return
          room -= data.length
          streamRoom -= data.length
          write(frame(Type.Data, 0, stream, data))
        }
      }

      const hear = (type: number, flags: number, of: number, payload: Buffer): void => {
        if (type === Type.Settings && (flags & Flag.Ack) === 0) write(frame(Type.Settings, Flag.Ack, 0))
        if (type !== Type.WindowUpdate) return
        const more = payload.readUInt32BE(0)
        if (of === 0) room += more
        if (of === stream) streamRoom += more
      }

      socket.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes])
        while (received.length >= 9) {
          const end = 9 + received.readUIntBE(0, 3)
          if (received.length < end) return
          hear(received[3]!, received[4]!, received.readUInt32BE(5), received.subarray(9, end))
          received = received.subarray(end)
        }
      })
      socket.on("error", () => socket.destroy())
      socket.on("close", () => resume(Effect.succeed(said)))
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      // The server may answer as much as it likes.
      write(frame(Type.Settings, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(0x7fff_ffff)])))
      write(frame(Type.WindowUpdate, 0, 0, uint32(0x7fff_ffff - Window)))
      call()
    })

const grpcMessage = (garbage: Garbage): Uint8Array => {
  const payload = garbage.frame()
  const { length } = payload
  // A field of bytes with the frame, as the protocol has it; and around it the frame of gRPC.
  const varint = [length & 127, (length >>> 7) & 127, length >>> 14]
  const field = [0x0a, varint[0]! | 128, varint[1]! | 128, varint[2]!]
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, ...field]), payload])
  message.writeUInt32BE(length + field.length, 1)
  switch (garbage.chance.below(16)) {
    case 0:
      message[garbage.chance.below(Math.min(message.length, 16))] = garbage.chance.below(256)
      break
    case 1:
      message.writeUInt32BE(garbage.length(), 1)
      break
    case 2:
      return message.subarray(0, garbage.chance.below(message.length))
    case 3:
      return garbage.bytes(garbage.chance.below(64))
    case 4:
      // A piece of a frame that is said to be longer.
      return Buffer.concat([message, Buffer.from([0x10, ...garbage.bytes(5)])])
  }
  return message
}
