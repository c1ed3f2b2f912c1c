/** Streams: how many messages and bytes go from one process to another, and what a consumer that is slow costs both. */
import { Effect } from "effect"
import type { Arm, Bench, Run } from "../harness/measure.ts"
import { endPair, type Pair, pairOf, startPair } from "../harness/pairs.ts"
import { ask } from "../harness/talking.ts"
import type { Address } from "../peers/net/peer.ts"
import type { Wanted } from "../peers/stream/peer.ts"
import type { Consumed, Load, PeerName, Produced } from "../peers/stream/program.ts"

type Kind = Address["kind"]
type Mode = Wanted["mode"]

const Megabyte = 1_000_000

const asFastAsItGoes = { delay: 0, pace: 0, isWatched: false }

const runIn = async ({ client, server }: Pair, load: Load): Promise<readonly [Consumed, Produced]> => {
  await ask(server, load.isWatched ? "watch" : "tally")
  const consumed = (await ask(client, load)) as Consumed
  return [consumed, (await ask(server, "tally")) as Produced]
}

// What every message has become of.
const proofOf = ({ droppedHere, proof }: Consumed, { droppedThere, produced }: Produced): Run["proof"] => ({
  ...proof,
  produced,
  accounted: proof.messages + droppedHere + droppedThere
})

const runStream = async (peer: PeerName, kind: Kind, load: Load): Promise<Run> => {
  const pair = await pairOf("stream", peer, kind)
  const what = JSON.stringify(load)
  if (!pair.warm.has(what)) {
    pair.warm.add(what)
    await runIn(pair, load)
  }
  const [consumed, produced] = await runIn(pair, load)
  const { proof, seconds } = consumed
  return {
    measured: {
      messages: proof.messages / seconds,
      bytes: proof.bytes / Megabyte / seconds,
      delivered: (100 * proof.messages) / load.count
    },
    proof: proofOf(consumed, produced)
  }
}

const over = (kind: Kind): string => (kind === "unix" ? "a unix socket" : "TCP")

const armOf = (name: string, peer: PeerName, kind: Kind, mode: Mode, size: number, count: number): Arm => ({
  name,
  startsPrograms: true,
  run: Effect.promise(() => runStream(peer, kind, { ...asFastAsItGoes, mode, size, count }))
})

const throughput = (kind: Kind, mode: Mode, name: string, size: number, count: number): Bench => {
  const isReliable = mode === "reliable"
  // Peers know one mode, in which nothing is dropped.
  const peer = (called: string, peer: PeerName) => armOf(called, peer, kind, "reliable", size, count)
  const metrics = [
    { name: "messages", unit: "messages/s", better: "higher" },
    { name: "bytes", unit: "MB/s", better: "higher" }
  ] as const
  const all = { produced: count, accounted: count, ordered: 1, intact: 1 }
  return {
    name: `stream${isReliable ? "" : "-latest"}-${name}-${kind}`,
    description: `a ${mode} stream over ${over(kind)}, ${count.toLocaleString("en")} messages of ${size.toLocaleString("en")} bytes`,
    metrics: isReliable ? metrics : [...metrics, { name: "delivered", unit: "% of messages", better: "higher" }],
    rounds: 5,
    work: isReliable ? { ...all, messages: count, bytes: count * size } : all,
    subject: armOf("troupe", "troupe", kind, mode, size, count),
    peers: [
      ...(isReliable ? [] : [peer("troupe, reliable", "troupe")]),
      peer("node:net, messages in one go", "rawBatched"),
      peer("node:net", "raw"),
      peer("grpc-js", "grpc"),
      peer("Effect RPC, binary", "rpcBinary"),
      ...(isReliable ? [peer("Effect RPC, ndjson", "rpcNdjson")] : [])
    ]
  }
}

interface Slow {
  readonly mode: Mode
  readonly size: number
  readonly count: number
  readonly pace: number
  readonly delay: number
}

// How many times as long a slow consumer takes for a message as its producer.
const Slower = 100

// Both processes are new, so that the most memory which they ever had is that of the load.
const runWatched = async (kind: Kind, { delay, ...wanted }: Slow): Promise<Run> => {
  const pair = await startPair("stream", "troupe", kind)
  await runIn(pair, { ...wanted, ...asFastAsItGoes, count: wanted.count / 10 })
  const [consumed, produced] = await runIn(pair, { ...wanted, delay, isWatched: true })
  await endPair(pair)
  const eachHere = consumed.seconds / consumed.proof.messages
  const eachThere = 0.001 / wanted.pace
  const [here, there] = [consumed.memory!, produced.memory!]
  return {
    measured: {
      "producer, in use": there.live,
      "consumer, in use": here.live,
      "producer, resident": there.resident,
      "consumer, resident": here.resident
    },
    proof: { ...proofOf(consumed, produced), slower: Number(eachHere >= Slower * eachThere) }
  }
}

const slow = (kind: Kind, load: Slow): Bench => {
  const { count, mode, size } = load
  const isReliable = mode === "reliable"
  const megabytes = (count * size) / Megabyte
  const arm = (name: string, load: Slow): Arm => ({
    name,
    startsPrograms: true,
    run: Effect.map(
      Effect.promise(() => runWatched(kind, load)),
      ({ measured, proof }) => ({ measured, proof: load.delay === 0 ? { ...proof, slower: 1 } : proof })
    )
  })
  return {
    name: `stream-slow${isReliable ? "" : "-latest"}-${kind}`,
    description: `memory of both sides of a ${mode} stream of ${megabytes.toFixed(0)} MB, with a consumer ${Slower} times slower than its producer`,
    metrics: ["producer, in use", "consumer, in use", "producer, resident", "consumer, resident"].map((name) => ({
      name,
      unit: "MB at most",
      better: "lower"
    })),
    rounds: 2,
    work: { produced: count, accounted: count, ordered: 1, intact: 1, slower: 1 },
    subject: arm("troupe, a slow consumer", load),
    peers: [arm("troupe, a fast consumer", { ...load, delay: 0 })]
  }
}

const of = (mode: Load["mode"]): ReadonlyArray<Bench> =>
  (["unix", "tcp"] as const).flatMap((kind) => [
    throughput(kind, mode, "64", 64, 30_000),
    throughput(kind, mode, "1k", 1024, 12_000),
    throughput(kind, mode, "64k", 65_536, 600)
  ])

export const streams: ReadonlyArray<Bench> = [
  ...of("reliable"),
  ...of("latency-first"),
  slow("unix", { mode: "reliable", size: 16_384, count: 1_200, pace: 50, delay: 2 }),
  slow("unix", { mode: "latency-first", size: 1024, count: 100_000, pace: 50, delay: 2 })
]
