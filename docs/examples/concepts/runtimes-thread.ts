// #region thread
import { Effect } from "effect"
import * as WorkerInstance from "troupe/net/worker-instance"
import { Shout } from "./runtimes-protocol.ts"

Effect.runFork(
  WorkerInstance.serve(Shout, {
    handlers: {
      shout: (text) => Effect.succeed(text.toUpperCase()),
      pid: () => Effect.succeed(process.pid)
    }
  })
)
// #endregion thread
