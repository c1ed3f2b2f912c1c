/** The peer `node:net`: each message behind its length, and a producer that waits while the socket takes no more. */
import * as Net from "node:net"
import { type Connect, type Ledger, type Serve, type Wanted, write } from "./peer.ts"

const Head = 4

/** Writes a message; answers whether there is room for more. */
type Put = (n: number, size: number) => boolean

const alone =
  (socket: Net.Socket): Put =>
  (n, size) => {
    const bytes = Buffer.allocUnsafe(Head + size)
    bytes.writeUInt32BE(size, 0)
    write(n, size, bytes, Head)
    return socket.write(bytes)
  }

const Batch = 65_536

/** Writes all messages of one turn of the program in one go, as far as they are small. */
const batched = (socket: Net.Socket): Put => {
  const single = alone(socket)
  let batch = Buffer.allocUnsafe(Batch)
  let filled = 0
  const flush = (): void => {
    if (filled === 0) return
    socket.write(batch.subarray(0, filled))
    filled = 0
    batch = Buffer.allocUnsafe(Batch)
  }
  return (n, size) => {
    if (Head + size > Batch) return single(n, size)
    if (filled + Head + size > Batch) flush()
    if (filled === 0) process.nextTick(flush)
    batch.writeUInt32BE(size, filled)
    write(n, size, batch, filled + Head)
    filled += Head + size
    return !socket.writableNeedDrain
  }
}

/** Cuts what comes in into messages: a view of what came where that has all of one. */
const read = (socket: Net.Socket, onMessage: (bytes: Buffer) => void): void => {
  const head = Buffer.alloc(Head)
  let headed = 0
  let message: Buffer | undefined
  let filled = 0
  socket.on("data", (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (message === undefined) {
        const part = Math.min(Head - headed, chunk.length - at)
        chunk.copy(head, headed, at, at + part)
        headed += part
        at += part
        if (headed < Head) return
        const length = head.readUInt32BE(0)
        headed = 0
        if (chunk.length - at >= length) {
          onMessage(chunk.subarray(at, at + length))
          at += length
          continue
        }
        message = Buffer.allocUnsafe(length)
        filled = 0
      }
      const part = Math.min(message.length - filled, chunk.length - at)
      chunk.copy(message, filled, at, at + part)
      filled += part
      at += part
      if (filled < message.length) return
      const whole = message
      message = undefined
      onMessage(whole)
    }
  })
}

const produce = (socket: Net.Socket, put: Put, { count, size }: Wanted, ledger: Ledger): Promise<void> =>
  new Promise((resolve) => {
    const go = (from: number): void => {
      for (let n = from; n < count; n++) {
        ledger.onProduced()
        if (!put(n, size)) {
          socket.once("drain", () => go(n + 1))
          return
        }
      }
      resolve()
    }
    go(0)
  })

const serve =
  (putting: (socket: Net.Socket) => Put): Serve =>
  (address, ledger) => {
    const server = Net.createServer({ noDelay: true }, (socket) => {
      const put = putting(socket)
      socket.on("error", () => socket.destroy())
      read(socket, (bytes) => {
        ledger.began(produce(socket, put, JSON.parse(bytes.toString()) as Wanted, ledger))
      })
    })
    const where = address.kind === "unix" ? { path: address.path } : { host: "127.0.0.1", port: address.port }
    return new Promise((resolve) =>
      server.listen(where, () =>
        resolve(address.kind === "unix" ? address : { kind: "tcp", port: (server.address() as Net.AddressInfo).port })
      )
    )
  }

const connect: Connect = (address) => {
  const socket =
    address.kind === "unix"
      ? Net.createConnection({ path: address.path })
      : Net.createConnection({ host: "127.0.0.1", port: address.port, noDelay: true })
  let onMessage: (bytes: Buffer) => void = () => {}
  read(socket, (bytes) => onMessage(bytes))
  return new Promise((resolve, reject) => {
    socket.on("error", reject)
    socket.on("connect", () =>
      resolve({
        consume: (wanted, check) =>
          new Promise((done) => {
            onMessage = (bytes) => {
              check.take(bytes)
              if (check.messages === wanted.count) done()
            }
            const asked = Buffer.from(JSON.stringify(wanted))
            const head = Buffer.alloc(Head)
            head.writeUInt32BE(asked.length, 0)
            socket.write(Buffer.concat([head, asked]))
          })
      })
    )
  })
}

export const raw = { serve: serve(alone), connect }
export const rawBatched = { serve: serve(batched), connect }
