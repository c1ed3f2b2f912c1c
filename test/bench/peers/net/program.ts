/**
 * One side of a peer in a process of its own, which `pairs.ts` starts: it is told by messages what to do, and ends with the
 * process that has started it.
 */
import { subscribe } from "node:diagnostics_channel"
import { grpc } from "./grpc.ts"
import { type Address, type Connect, type Serve, Tally } from "./peer.ts"
import { raw, rawBatched } from "./raw.ts"
import { rpcBinary, rpcNdjson } from "./rpc.ts"
import { troupe } from "./troupe.ts"

const peers = { troupe, raw, rawBatched, grpc, rpcNdjson, rpcBinary } satisfies {
  readonly [name: string]: { readonly serve: Serve; readonly connect: Connect }
}

export type PeerName = keyof typeof peers

/** What a client is asked to do. */
export type Load =
  | { readonly load: "requests"; readonly callers: number; readonly each: number }
  | { readonly load: "tells"; readonly count: number }
  /** Connects, makes one request, and closes, so many at a time. */
  | { readonly load: "connects"; readonly count: number; readonly atOnce: number }

/** What a client has done. */
export interface Done {
  readonly seconds: number
  readonly answered: number
}

const connectAll = async (connect: Connect, address: Address, count: number, atOnce: number): Promise<number> => {
  let left = count
  let answered = 0
  const inTurn = async (): Promise<void> => {
    while (left-- > 0) {
      const client = await connect(address)
      const one = await client.request({ callers: 1, each: 1 })
      answered += one
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, inTurn))
  return answered
}

const send = (message: unknown): void => void process.send!(message)

const serve = async (name: PeerName, address: Address): Promise<void> => {
  const tally = new Tally()
  subscribe("net.server.socket", () => tally.connected())
  const at = await peers[name].serve(address, tally)
  process.on("message", () => {
    send(tally.take())
    globalThis.gc?.()
  })
  send(at)
}

const connect = async (name: PeerName, address: Address): Promise<void> => {
  const peer = peers[name]
  const client = await peer.connect(address)
  const run = async (load: Load): Promise<number> => {
    switch (load.load) {
      case "requests":
        return client.request(load)
      case "tells":
        await client.tell(load.count)
        return load.count
      case "connects":
        return connectAll(peer.connect, address, load.count, load.atOnce)
    }
  }
  process.on("message", async (load: Load) => {
    globalThis.gc?.()
    const start = performance.now()
    const answered = await run(load)
    send({ seconds: (performance.now() - start) / 1000, answered } satisfies Done)
  })
  send("ready")
}

const [side, name, address] = process.argv.slice(2) as [string, PeerName, string]
process.on("disconnect", () => process.exit())
await (side === "serve" ? serve : connect)(name, JSON.parse(address) as Address)
