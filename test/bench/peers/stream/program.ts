/**
 * One side of a stream in a process of its own, which `pairs.ts` starts: the producer listens, and the consumer connects. It is
 * told by messages what to do, and ends with the process that has started it.
 */
import type { Address } from "../net/peer.ts"
import { grpc } from "./grpc.ts"
import { type Memory, watchMemory } from "./memory.ts"
import { Check, type Connect, Ledger, type Serve, type Wanted } from "./peer.ts"
import { raw, rawBatched } from "./raw.ts"
import { rpcBinary, rpcNdjson } from "./rpc.ts"
import { troupe } from "./troupe.ts"

const peers = { troupe, raw, rawBatched, grpc, rpcNdjson, rpcBinary } satisfies {
  readonly [name: string]: { readonly serve: Serve; readonly connect: Connect }
}

export type PeerName = keyof typeof peers

/** What a consumer is asked to consume. */
export interface Load extends Wanted {
  /** How many milliseconds each message takes it. */
  readonly delay: number
  /** Whether its memory is watched meanwhile. */
  readonly isWatched: boolean
}

/** What a consumer has consumed. */
export interface Consumed {
  readonly seconds: number
  readonly proof: Check["proof"]
  readonly droppedHere: number
  readonly memory: Memory | undefined
}

/** What a producer has produced since it was last asked, and its memory if that was watched. */
export interface Produced {
  readonly produced: number
  readonly droppedThere: number
  readonly memory: Memory | undefined
}

const send = (message: unknown): void => void process.send!(message)

const serve = async (name: PeerName, address: Address): Promise<void> => {
  const ledger = new Ledger()
  let watched: (() => Memory) | undefined
  const at = await peers[name].serve(address, ledger)
  process.on("message", async (what: "watch" | "tally") => {
    const tally = await ledger.take()
    send({ ...tally, memory: watched?.() } satisfies Produced)
    watched = what === "watch" ? watchMemory() : undefined
    globalThis.gc?.()
  })
  send(at)
}

const connect = async (name: PeerName, address: Address): Promise<void> => {
  const consumer = await peers[name].connect(address)
  process.on("message", async ({ delay, isWatched, ...wanted }: Load) => {
    globalThis.gc?.()
    const check = new Check(wanted)
    const watched = isWatched ? watchMemory() : undefined
    const start = performance.now()
    await consumer.consume(wanted, check, delay)
    const seconds = (performance.now() - start) / 1000
    send({ seconds, proof: check.proof, droppedHere: check.dropped, memory: watched?.() } satisfies Consumed)
  })
  send("ready")
}

const [side, name, address] = process.argv.slice(2) as [string, PeerName, string]
process.on("disconnect", () => process.exit())
await (side === "serve" ? serve : connect)(name, JSON.parse(address) as Address)
