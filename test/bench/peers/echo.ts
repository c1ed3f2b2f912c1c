/**
 * A program that writes a byte to a unix socket, waits for it to come back, and pauses, again and again; when the other
 * side closes, it tells how long each byte took, and ends.
 */
import * as Net from "node:net"

/** How long each byte took to come back, in milliseconds, and how many that came back were not what was written. */
export interface Echoed {
  readonly took: ReadonlyArray<number>
  readonly wrong: number
}

const path = process.argv[2]!
const pause = 1

const took: Array<number> = []
let wrong = 0

const write = (socket: Net.Socket): void => {
  const byte = took.length & 255
  const begun = performance.now()
  socket.once("data", (bytes: Buffer) => {
    took.push(performance.now() - begun)
    if (bytes.length !== 1 || bytes[0] !== byte) wrong++
    setTimeout(() => socket.writable && write(socket), pause)
  })
  socket.write(Uint8Array.of(byte))
}

// Who listens may still have to start.
const connect = (): void => {
  const socket = Net.connect({ path })
  let isConnected = false
  socket.on("connect", () => {
    isConnected = true
    write(socket)
  })
  socket.on("error", () => {})
  socket.on("close", () => {
    if (isConnected) process.send!({ took, wrong } satisfies Echoed)
    else setTimeout(connect, 10)
  })
}

process.on("disconnect", () => process.exit())
connect()
