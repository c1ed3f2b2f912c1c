/** Pairs of processes, a server and a client of one peer, which live until the benchmarks have ended. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Run } from "./harness.ts"
import type { Address } from "./peers/net/peer.ts"
import type { Done, Load, PeerName } from "./peers/net/program.ts"

const program = join(import.meta.dirname, "peers", "net", "program.ts")

interface Pair {
  readonly server: ChildProcess
  readonly client: ChildProcess
  /** The loads that it has run before. */
  readonly warm: Set<string>
}

// The next message of a process; its end is an error.
const message = async (child: ChildProcess): Promise<unknown> => {
  const ended = new AbortController()
  const exit = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.join(" ")} has ended with ${code}`)
  })
  const [said] = (await Promise.race([once(child, "message", { signal: ended.signal }), exit])) as [unknown]
  exit.catch(() => {})
  ended.abort()
  return said
}

const start = async (side: string, peer: PeerName, address: Address): Promise<[ChildProcess, unknown]> => {
  const child = fork(program, [side, peer, JSON.stringify(address)])
  // They hold up nobody's end, and end with whoever has started them.
  child.unref()
  child.channel?.unref()
  return [child, await message(child)]
}

const pairs = new Map<string, Promise<Pair>>()

let folder: string | undefined = undefined

const startPair = async (peer: PeerName, kind: Address["kind"]): Promise<Pair> => {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "troupe-bench-"))
    process.once("exit", () => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  const wanted: Address = kind === "tcp" ? { kind, port: 0 } : { kind, path: join(folder, `${peer}.sock`) }
  const [server, address] = await start("serve", peer, wanted)
  const [client] = await start("connect", peer, address as Address)
  return { server, client, warm: new Set() }
}

const pairOf = (peer: PeerName, kind: Address["kind"]): Promise<Pair> => {
  const name = `${peer} ${kind}`
  const known = pairs.get(name) ?? startPair(peer, kind)
  pairs.set(name, known)
  return known
}

const ask = (child: ChildProcess, what: unknown): Promise<unknown> => {
  const said = message(child)
  child.send(what as object)
  return said
}

/** Runs a load in the pair of a peer, once more before it counts for the first time; what the server says is the proof. */
export const runLoad = async (peer: PeerName, kind: Address["kind"], load: Load): Promise<Run> => {
  const pair = await pairOf(peer, kind)
  const what = JSON.stringify(load)
  if (!pair.warm.has(what)) {
    pair.warm.add(what)
    await ask(pair.client, load)
  }
  await ask(pair.server, "tally")
  const { answered, seconds } = (await ask(pair.client, load)) as Done
  const tally = (await ask(pair.server, "tally")) as Run["proof"]
  return { measured: { seconds }, proof: { ...tally, answered } }
}
