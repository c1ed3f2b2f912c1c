// #region program
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect } from "effect"
import * as ProcessInstance from "troupe/net/process-instance"
import { Shout } from "./runtimes-protocol.ts"

ProcessInstance.serve(Shout, {
  handlers: {
    shout: (text) => Effect.succeed(text.toUpperCase()),
    pid: () => Effect.succeed(process.pid)
  }
}).pipe(NodeRuntime.runMain)
// #endregion program
