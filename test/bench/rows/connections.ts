/** Connections: requests one after the other and with many outstanding, tells, and connecting, over sockets. */
import { Effect } from "effect"
import type { Arm, Bench, Run } from "../harness/measure.ts"
import { pairOf } from "../harness/pairs.ts"
import { ask } from "../harness/talking.ts"
import type { Address } from "../peers/net/peer.ts"
import type { Done, Load, PeerName } from "../peers/net/program.ts"

// A load is run once more before it counts for the first time; what the server says is the proof.
const runLoad = async (peer: PeerName, kind: Address["kind"], load: Load): Promise<Run> => {
  const pair = await pairOf("net", peer, kind)
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

const arm = (name: string, peer: PeerName, kind: Address["kind"], load: Load, count: number): Arm => ({
  name,
  startsPrograms: true,
  run: Effect.map(
    Effect.promise(() => runLoad(peer, kind, load)),
    ({ measured, proof }) => ({ measured: { rate: count / measured["seconds"]! }, proof })
  )
})

const bench = (
  kind: Address["kind"],
  name: string,
  what: string,
  unit: string,
  count: number,
  load: Load,
  work: Bench["work"]
): Bench => {
  const of = (name: string, peer: PeerName) => arm(name, peer, kind, load, count)
  return {
    name: `${name}-${kind}`,
    description: `${what} over ${kind === "unix" ? "a unix socket" : "TCP"}, ${count.toLocaleString("en")} ${unit}`,
    metrics: [{ name: "rate", unit: `${unit}/s`, better: "higher" }],
    rounds: 5,
    work,
    subject: of("troupe", "troupe"),
    peers: [
      of("node:net, frames in one go", "rawBatched"),
      of("node:net", "raw"),
      of("grpc-js", "grpc"),
      of("Effect RPC, ndjson", "rpcNdjson"),
      of("Effect RPC, binary", "rpcBinary")
    ]
  }
}

const requests = (kind: Address["kind"], name: string, callers: number, count: number): Bench => {
  const each = count / callers
  const what = callers === 1 ? "requests one after the other" : `requests, ${callers} outstanding`
  return bench(
    kind,
    name,
    what,
    "requests",
    count,
    { load: "requests", callers, each },
    {
      answered: count,
      requests: count,
      sum: (callers * (each * (each - 1))) / 2
    }
  )
}

const tells = (kind: Address["kind"], count: number): Bench =>
  bench(
    kind,
    "tell",
    "tells, until the last is handled",
    "tells",
    count,
    { load: "tells", count },
    {
      tells: count,
      sum: (count * (count - 1)) / 2
    }
  )

// Each connects, makes one request of 0, and closes.
const connects = (kind: Address["kind"], count: number): Bench =>
  bench(
    kind,
    "connect",
    "connecting, with one request, and closing, 8 at a time",
    "connections",
    count,
    { load: "connects", count, atOnce: 8 },
    { answered: count, requests: count, connections: count, sum: 0 }
  )

const of = (kind: Address["kind"]): ReadonlyArray<Bench> => [
  requests(kind, "request", 1, 5_000),
  requests(kind, "request-64", 64, 32_000),
  requests(kind, "request-256", 256, 51_200),
  // Of fewer of these two, the one load that goes before leaves what runs them half compiled.
  tells(kind, 60_000),
  connects(kind, 10_000)
]

export const connections: ReadonlyArray<Bench> = [...of("unix"), ...of("tcp")]
