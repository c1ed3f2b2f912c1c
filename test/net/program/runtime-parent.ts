/**
 * A program that starts an instance, says where it is, and does nothing more.
 */
import * as Effect from "effect/Effect"
import * as Connection from "../../../src/net/Connection.ts"
import * as ProcessRuntime from "troupe/net/process-runtime"
import { Kept } from "./kept.ts"

const starter = ProcessRuntime.make({
  namespace: "orphan",
  program: new URL("./process-instance.ts", import.meta.url),
  args: ["serves"],
  execArgv: ["-C", "source"]
})

Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const { credentials, id, strategy } = yield* starter.start("1")
      const connection = yield* Connection.connect(strategy, Kept, { credentials, instanceId: id })
      const pid = yield* connection.request("pid")
      process.stdout.write(`${JSON.stringify({ pid, socket: strategy.transports[0].address })}\n`)
      return yield* Effect.never
    })
  )
)
