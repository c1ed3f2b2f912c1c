/** Pairs of processes, a server and a client of one peer. */
import { type ChildProcess, fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Address } from "../peers/net/peer.ts"
import { endOf, message } from "./talking.ts"

/** What the two of them run: the program in a folder of `peers`. */
export type Program = "net" | "stream"

export interface Pair {
  readonly server: ChildProcess
  readonly client: ChildProcess
  /** The loads that it has run before. */
  readonly warm: Set<string>
}

const start = async (
  program: Program,
  side: string,
  peer: string,
  address: Address
): Promise<[ChildProcess, unknown]> => {
  const file = join(import.meta.dirname, "..", "peers", program, "program.ts")
  const child = fork(file, [side, peer, JSON.stringify(address)])
  // They hold up nobody's end, and end with whoever has started them.
  child.unref()
  child.channel?.unref()
  return [child, await message(child)]
}

let folder: string | undefined = undefined
let sockets = 0

/** Starts both. */
export const startPair = async (program: Program, peer: string, kind: Address["kind"]): Promise<Pair> => {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "troupe-bench-"))
    process.once("exit", () => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  const wanted: Address = kind === "tcp" ? { kind, port: 0 } : { kind, path: join(folder, `${++sockets}.sock`) }
  const [server, address] = await start(program, "serve", peer, wanted)
  const [client] = await start(program, "connect", peer, address as Address)
  return { server, client, warm: new Set() }
}

/** Ends both. */
export const endPair = async ({ client, server }: Pair): Promise<void> => {
  for (const child of [client, server]) await endOf(child)
}

/** Those that are shared, until they end. */
const pairs = new Map<string, Promise<Pair>>()

/** A pair that lives until the benchmarks have ended, or all pairs are ended. */
export const pairOf = (program: Program, peer: string, kind: Address["kind"]): Promise<Pair> => {
  const name = `${program} ${peer} ${kind}`
  const known = pairs.get(name) ?? startPair(program, peer, kind)
  pairs.set(name, known)
  return known
}

/** Ends all of these, so that whoever asks next has new ones. */
export const endPairs = async (): Promise<void> => {
  const known = [...pairs.values()]
  pairs.clear()
  for (const pair of known) await endPair(await pair)
}
