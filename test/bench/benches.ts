/** What is measured: a file for each in `rows/`. */
import { banking } from "./rows/banking.ts"
import { big } from "./rows/big.ts"
import { boundedBuffer } from "./rows/bounded-buffer.ts"
import { callReply } from "./rows/call-reply.ts"
import { callServer } from "./rows/call-server.ts"
import { chameneosBench } from "./rows/chameneos.ts"
import { channels } from "./rows/channels.ts"
import { connections } from "./rows/connections.ts"
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
import { startChildren } from "./rows/start-children.ts"
import { streams } from "./rows/streams.ts"
import { yielding } from "./rows/yield.ts"

/** All of them, in the order in which they are shown. */
export const benches: ReadonlyArray<Bench> = [
  pingPong,
  ...callReply,
  ...callServer,
  restart,
  ...startChildren,
  scaling,
  million,
  ...channels,
  select,
  selectParked,
  ...yielding,
  ...connections,
  ...streams,
  big,
  chameneosBench,
  boundedBuffer,
  banking,
  latency,
  reaction,
  linear
]
