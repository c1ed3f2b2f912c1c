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
    rows: ["thread-ring", "ping-pong", "big", "chameneos", "banking"],
    peers: ["Erlang"],
    why:
      "Processes and messages are what Erlang's virtual machine is made for: a send is an instruction, and a process that waits is a " +
      "few words of memory. Here a message is held against its schema and counted, and a fiber that is woken goes through effect's " +
      "interpreter, which suspends it with the asynchronous context of its own. Where many talk at once, Erlang has a core more."
  },
  {
    rows: [...benchesOf("messages", () => true), "spawn-exit", "skynet", "million", ...benchesOf("savina", () => true)],
    peers: ["Go"],
    why:
      "Go is compiled to native code, and its goroutines and channels are a part of its runtime, which uses each core. Here each " +
      "process is a fiber, and each step of it an effect, on top of a JavaScript engine."
  },
  {
    rows: benchesOf("messages", (name) => name.startsWith("fan-in")),
    peers: ["Erlang", "Erlang, one scheduler"],
    why:
      "A send of Erlang's is an instruction of its virtual machine. With one scheduler the sender runs until its turn is over, and the " +
      "receiver takes what came meanwhile without a lock. Here each message is held against its schema and counted on its way."
  },
  {
    rows: benchesOf("messages", (name) => name.startsWith("fan-in")),
    peers: ["raw Effect", "raw Effect, takeAll"],
    why:
      "A queue holds nothing but the values. A message has its sender, topic and place in the order of arrival, is held against its " +
      "schema, and is counted when it is sent and when it is received, so that the account of a process adds up when it ends."
  },
  {
    rows: ["spawn-exit", "skynet"],
    peers: ["raw Effect, started at once"],
    why:
      "No other way to the same: a fiber that starts at once has ended before whoever has started it goes on, as a call does. A " +
      "process begins behind whoever spawns it, who may link, monitor and send before."
  },
  {
    rows: ["spawn-exit"],
    peers: ["raw Effect"],
    why:
      "A process is a fiber and more: a pid, a place in the table of its host, a scope, a context, and a monitor whose event is queued " +
      "and taken. A third of the time is effect's interpreter, which runs the fiber, suspends it once before its body begins, and " +
      "keeps its asynchronous context."
  },
  {
    rows: ["spawn-exit", "skynet"],
    peers: ["Erlang"],
    why:
      "A process of Erlang's is a few hundred words that its virtual machine lays out by itself, on two cores. Here it is a fiber with a " +
      "scope and a context of its own, made and taken apart in JavaScript."
  },
  {
    rows: ["million: start", "million: send and end"],
    peers: ["Erlang", "nact"],
    why:
      "A million fibers are two gigabytes of objects, which the engine's collector moves and marks again and again while they are made. " +
      "A process of Erlang's has a heap of its own that nobody looks through, and an actor of nact's is an object without a fiber."
  },
  {
    rows: ["million: memory"],
    peers: ["nact"],
    why:
      "An actor of nact's is a function that is called for each message. A process has a fiber, so that its code may wait anywhere, " +
      "and that alone takes more than an actor."
  },
  {
    rows: ["reaction"],
    peers: ["raw Effect", "Erlang"],
    why:
      "Effect's own scheduler lets the event loop turn at every hop, so that timers and sockets are served between any two messages, of " +
      "which it passes a fraction. A host serves them after its time slice, a millisecond; Erlang has a scheduler on another core."
  },
  {
    rows: ["latency"],
    peers: ["raw Effect"],
    why:
      "Nine of ten messages are taken at once, by who is woken right behind the send. The others come when the sender has had its turn " +
      "and all others have theirs, which are some twenty answers long; Effect's own scheduler goes on to the next after each hop."
  },
  {
    rows: ["latency"],
    peers: ["Erlang"],
    why:
      "Erlang runs the load on one core and the receiver on the other. Here a message waits until those that are ahead in the run queue " +
      "have had their turn."
  },
  {
    rows: [...benchesOf("messages", () => true), ...benchesOf("savina", () => true), "million: send"],
    peers: ["nact", "raw Effect"],
    why:
      "Every message of a process is held against its schema, counted, and kept from being lost or doubled by an interruption. An actor " +
      "of nact's is called with what it is sent, and a queue of effect passes it on as it is."
  },
  {
    rows: ["linear"],
    peers: ["Erlang"],
    why:
      "The work for a message does not depend on what else there is. What does is memory: with more that lives, more of it is out of the " +
      "processor's cache, and the engine's collector has more to mark."
  },
  {
    rows: ["million: start", "million: end", "million: send and end"],
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
      "No other way to the same: a receive from one channel is the least that a select can cost. A select looks at all of " +
      "its cases, draws where there is a choice, and says which it was."
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
      "Both sides say who they are before the first request, which is one more way to and fro, and goodbye behind the last one, where " +
      "the peers ask at once and hang up. A connection is made to be kept."
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
