/** Why a row is slower than a peer: a test fails for a ratio below 1 in `results.json` that has no reason here. */
import { isRowOf } from "./harness/measure.ts"
import { themes } from "./themes.ts"

export interface Reason {
  /** Names of benches, for all their rows, or of single rows. */
  readonly rows: ReadonlyArray<string>
  readonly peers: ReadonlyArray<string>
  readonly why: string
}

const benchesOf = (id: string, isMeant: (name: string) => boolean): ReadonlyArray<string> =>
  themes.filter((theme) => theme.id === id).flatMap(({ benches }) => Object.keys(benches).filter(isMeant))

const streams = benchesOf("streams", (name) => !name.startsWith("stream-slow"))
const latest = streams.filter((name) => name.startsWith("stream-latest"))
const connects = benchesOf("connections", (name) => name.startsWith("connect"))
const requestsAndTells = benchesOf("connections", (name) => !name.startsWith("connect"))

const rawStreams = ["node:net", "node:net, messages in one go"]
const packaged = ["grpc-js", "Effect RPC, binary", "Effect RPC, ndjson"]

/** The first one that fits a row and a peer counts. */
export const reasons: ReadonlyArray<Reason> = [
  {
    rows: ["million: start", "million: end"],
    peers: ["raw Effect"],
    why:
      "A process is more than a fiber and a queue: it gets a pid, a place in the table of its host and a queue of events when it " +
      "starts, and when it ends its scope, names, dead letters, monitors and links are seen to, in that order."
  },
  {
    rows: ["million: memory", "million: send"],
    peers: ["raw Effect"],
    why:
      "A process has an inbox with counts and a queue of events beside what a fiber and its queue have, and a send looks at the " +
      "state of the process before it is accepted."
  },
  {
    rows: ["call", "call-64"],
    peers: ["troupe, no deadline"],
    why: "The calls of this peer have no deadline. What is missing is the price of one."
  },
  {
    rows: ["call-64", "call-server-64"],
    peers: ["Erlang"],
    why:
      "Erlang's virtual machine has a scheduler for each core, which run its 64 callers side by side; ours share one JavaScript " +
      "thread with the process that they call."
  },
  {
    rows: ["restart"],
    peers: ["Erlang"],
    why:
      "Processes and their exits are part of Erlang's virtual machine. Here a restart unwinds a fiber and closes its scope, goes " +
      "through the agenda of the supervisor, and builds both anew, in JavaScript."
  },
  {
    rows: ["start-children", "start-children-ordered"],
    peers: ["Erlang, simple_one_for_one", "Erlang, one_for_one"],
    why:
      "Erlang's processes are native, without a scope, a fiber's context or typed exits. Here each child is a fiber with those, " +
      "and each start a call whose start is supervised, timed and answered by effects that an interpreter evaluates."
  },
  {
    rows: ["scaling"],
    peers: ["troupe, one_for_one", "Erlang, one_for_one"],
    why:
      "The work for each child does not grow with their number. What grows is what memory costs: the engine's collector marks all " +
      "that lives on one heap, and moves what is new there, while each process of Erlang has a small heap of its own. Such factors " +
      "differ the most from run to run."
  },
  {
    rows: ["channel-ping-pong", "channel-0", "channel-1", "channel-100", "channel-local"],
    peers: ["Go"],
    why:
      "Go is compiled to native code, and its channels and goroutines are a part of its runtime. Here each send and receive is an " +
      "effect, which a fiber evaluates on top of a JavaScript engine."
  },
  {
    rows: ["channel-ping-pong"],
    peers: ["raw Effect"],
    why:
      "Every value wakes a fiber that waits, on both ways. A receiver that is woken looks again before it takes, and a sender is " +
      "told behind the step in which its value was accepted; so no interruption loses a value or sends one twice."
  },
  {
    rows: ["select"],
    peers: ["bare receive"],
    why:
      "No other way to the same: a receive from one channel is the least that a select can cost. A select draws the case " +
      "that it begins with, looks at the others until one is ready, and says which it was."
  },
  {
    rows: ["select-parked"],
    peers: ["bare receive"],
    why: "No other way to the same: a receive waits in one place. The select waits in two, and leaves the other one when it is decided."
  },
  {
    rows: ["yield"],
    peers: ["a direct call"],
    why:
      "No other way to the same: an effect on the spot passes no door. A yield gets a tag, is held against the policy, and finds " +
      "its handler; that is what it takes to refuse, fake, record and replay it."
  },
  {
    rows: connects,
    peers: ["node:net", "node:net, frames in one go", ...packaged],
    why:
      "Both sides say who they are before the first request, in two more ways to and fro, where the peers ask at once. A connection " +
      "is made to be kept."
  },
  {
    rows: requestsAndTells,
    peers: ["node:net", "node:net, frames in one go"],
    why:
      "The peer writes two numbers into bytes: it encodes no schema, has no fiber for a handler, no deadline and no window, and " +
      "forgets what it has sent. Where it writes all frames of a turn in one go, nothing else is left to pay for."
  },
  {
    rows: latest.map((name) => `${name}: delivered`),
    peers: ["troupe, reliable", ...rawStreams, "grpc-js", "Effect RPC, binary"],
    why:
      "A latency-first stream drops what its consumer has no room for, and counts it: that is what it is for. The others have their " +
      "producers wait instead."
  },
  {
    rows: latest,
    peers: ["troupe, reliable"],
    why: "Only messages that have arrived count, and a latency-first stream drops what its consumer has no room for."
  },
  {
    rows: streams,
    peers: rawStreams,
    why: "The peer numbers nothing, keeps nothing for the next link, and is answered nothing: it is what the guarantees of a stream cost."
  },
  {
    rows: streams.filter((name) => name.includes("64k")),
    peers: packaged,
    why:
      "A chunk is copied when it is sent, since it may be sent again, then into its frame, and to the socket. A large one goes " +
      "alone and has new memory in the last two; most of what it costs is to collect that."
  },
  {
    rows: streams.filter((name) => !name.includes("64k")),
    peers: packaged,
    why:
      "Each send is a step of its own, whose chunk is numbered and kept until it is acknowledged. Effect RPC encodes an array of 64 " +
      "messages at once."
  },
  {
    rows: ["stream-slow-unix", "stream-slow-latest-unix"],
    peers: ["troupe, a fast consumer"],
    why:
      "Less is better here. Behind a slow consumer the windows of both sides and the frames underway are full, and no more than " +
      "those; beside a fast one they are all but empty."
  }
]

/** Why a row is slower than a peer, as far as anybody knows. */
export const reasonOf = (row: string, peer: string): Reason | undefined =>
  reasons.find(({ peers, rows }) => peers.includes(peer) && rows.some((name) => isRowOf({ name })({ name: row })))
