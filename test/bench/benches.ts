/** What is measured: a file for each in `rows/`. */
import { banking } from "./rows/banking.ts"
import { big } from "./rows/big.ts"
import { boundedBuffer } from "./rows/bounded-buffer.ts"
import { callReply } from "./rows/call-reply.ts"
import { callServer } from "./rows/call-server.ts"
import { chameneosBench } from "./rows/chameneos.ts"
import { channels } from "./rows/channels.ts"
import { connections } from "./rows/connections.ts"
import { fanIn } from "./rows/fan-in.ts"
import type { Bench } from "./harness/measure.ts"
import { latency } from "./rows/latency.ts"
import { linear } from "./rows/linear.ts"
import { million } from "./rows/million.ts"
import { pingPong } from "./rows/ping-pong.ts"
import { selectParked } from "./rows/select-parked.ts"
import { select } from "./rows/select.ts"
import { reaction } from "./rows/reaction.ts"
import { restart } from "./rows/restart.ts"
import { scaling } from "./rows/scaling.ts"
import { skynet } from "./rows/skynet.ts"
import { spawnExit } from "./rows/spawn-exit.ts"
import { startChildren } from "./rows/start-children.ts"
import { streams } from "./rows/streams.ts"
import { threadRing } from "./rows/thread-ring.ts"
import { yielding } from "./rows/yield.ts"

/** All of them, in the order in which they are shown: theme by theme. */
export const benches: ReadonlyArray<Bench> = [
  pingPong,
  threadRing,
  ...fanIn,
  ...callReply,
  ...callServer,
  spawnExit,
  skynet,
  million,
  big,
  chameneosBench,
  boundedBuffer,
  banking,
  select,
  selectParked,
  ...channels,
  restart,
  ...startChildren,
  scaling,
  ...yielding,
  latency,
  reaction,
  linear,
  ...connections,
  ...streams
]

/**
 * The benches of the gate's short form, by name, which every change has to pass: short ones, of what all else is made of. The
 * ring is none of them: how it compares depends on how much of its thousand processes a machine's cache holds.
 */
export const inShort: ReadonlyArray<string> = [
  "ping-pong",
  "fan-in-8",
  "call",
  "call-64",
  "call-server",
  "spawn-exit",
  "select-parked",
  "channel-ping-pong",
  "channel-local",
  "yield"
]
