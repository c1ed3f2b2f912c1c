/**
 * The peer `node:net`: frames of a length, a kind, an id and a number; a client that knows by the id whose answer comes.
 */
import * as Net from "node:net"
import { callBack, type Client, type Connect, type Serve, type Tally } from "./peer.ts"

const Request = 0
const Tell = 1
const Settled = 2

// Four bytes with the length of the rest, one with the kind, four with the id, four with the number.
const Rest = 9
const Size = 4 + Rest

/** Writes each frame by itself; answers whether there is room for more. */
type Write = (kind: number, id: number, n: number) => boolean

const put = (bytes: Buffer, at: number, kind: number, id: number, n: number): number => {
  bytes.writeUInt32BE(Rest, at)
  bytes[at + 4] = kind
  bytes.writeUInt32BE(id, at + 5)
  bytes.writeInt32BE(n, at + 9)
  return at + Size
}

const alone =
  (socket: Net.Socket): Write =>
  (kind, id, n) => {
    const bytes = Buffer.allocUnsafe(Size)
    put(bytes, 0, kind, id, n)
    return socket.write(bytes)
  }

/** Writes all frames of one turn of the program in one go. */
const together = (socket: Net.Socket): Write => {
  let batch = Buffer.allocUnsafe(65_536)
  let filled = 0
  const flush = (): void => {
    if (filled === 0) return
    socket.write(batch.subarray(0, filled))
    batch = batch.subarray(filled)
    filled = 0
    if (batch.length < 4096) batch = Buffer.allocUnsafe(65_536)
  }
  return (kind, id, n) => {
    if (filled === 0) process.nextTick(flush)
    filled = put(batch, filled, kind, id, n)
    if (filled + Size > batch.length) flush()
    return !socket.writableNeedDrain
  }
}

const read = (socket: Net.Socket, onFrame: (kind: number, id: number, n: number) => void): void => {
  let left: Buffer = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => {
    const bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk])
    let at = 0
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at)
      if (bytes.length - at - 4 < length) break
      onFrame(bytes[at + 4]!, bytes.readUInt32BE(at + 5), bytes.readInt32BE(at + 9))
      at += 4 + length
    }
    left = bytes.subarray(at)
  })
}

const serve =
  (writer: (socket: Net.Socket) => Write): Serve =>
  (address, tally: Tally) => {
    const server = Net.createServer({ noDelay: true }, (socket) => {
      const write = writer(socket)
      socket.on("error", () => socket.destroy())
      read(socket, (kind, id, n) => {
        if (kind === Request) write(kind, id, tally.requested(n))
        else if (kind === Tell) tally.told(n)
        else tally.settled(n, () => write(kind, id, n))
      })
    })
    const where = address.kind === "unix" ? { path: address.path } : { host: "127.0.0.1", port: address.port }
    return new Promise((resolve) =>
      server.listen(where, () =>
        resolve(address.kind === "unix" ? address : { kind: "tcp", port: (server.address() as Net.AddressInfo).port })
      )
    )
  }

const clientOf = (socket: Net.Socket, write: Write): Client => {
  const pending = new Map<number, (answer: number) => void>()
  let next = 0
  const ask = (kind: number, n: number, then: (answer: number) => void): void => {
    const id = next++
    pending.set(id, then)
    write(kind, id, n)
  }
  read(socket, (_kind, id, n) => {
    const then = pending.get(id)!
    pending.delete(id)
    then(n)
  })
  return {
    request: (load) => callBack(load, (n, then) => ask(Request, n, then)),
    tell: (count) =>
      new Promise((resolve) => {
        const go = (from: number): void => {
          for (let n = from; n < count; n++) {
            if (!write(Tell, 0, n)) {
              socket.once("drain", () => go(n + 1))
              return
            }
          }
          ask(Settled, count, () => resolve())
        }
        go(0)
      }),
    close: () => new Promise((resolve) => socket.end(() => resolve()))
  }
}

const connect =
  (writer: (socket: Net.Socket) => Write): Connect =>
  (address) => {
    const socket =
      address.kind === "unix"
        ? Net.createConnection({ path: address.path })
        : Net.createConnection({ host: "127.0.0.1", port: address.port, noDelay: true })
    return new Promise((resolve, reject) => {
      socket.on("error", reject)
      socket.on("connect", () => resolve(clientOf(socket, writer(socket))))
    })
  }

export const raw = { serve: serve(alone), connect: connect(alone) }
export const rawBatched = { serve: serve(together), connect: connect(together) }
