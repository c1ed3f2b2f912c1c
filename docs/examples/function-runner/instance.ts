import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect } from "effect"
import { Invocation } from "troupe/net"
import * as ProcessInstance from "troupe/net/process-instance"
import process from "node:process"
import { Numbers, TooLarge } from "./functions.ts"

const Limit = 10_000_000

const primesBelow = (n: number): number => {
  const composite = new Uint8Array(Math.max(0, n))
  let count = 0
  for (let candidate = 2; candidate < n; candidate++) {
    if (composite[candidate] === 1) continue
    count++
    for (let multiple = candidate * candidate; multiple < n; multiple += candidate) composite[multiple] = 1
  }
  return count
}

// #region handlers
const handlers = Invocation.handlers(
  Numbers,
  {
    primes: (n, execution) =>
      n > Limit
        ? Effect.fail(new TooLarge({ limit: Limit }))
        : Effect.as(execution.respondWith({ pid: String(process.pid) }), primesBelow(n)),
    crash: () => Effect.sync(() => process.kill(process.pid, "SIGKILL"))
  },
  {
    // Asked by the runner now and then.
    health: Effect.suspend(() =>
      process.memoryUsage().rss < 1024 ** 3 ? Effect.void : Effect.fail("it needs too much memory")
    )
  }
)
// #endregion handlers

// #region serve
ProcessInstance.serve(Invocation.protocol(Numbers), { handlers, stopTimeout: "5 seconds" }).pipe(NodeRuntime.runMain)
// #endregion serve
