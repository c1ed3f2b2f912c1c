/**
 * A thread that is started by a worker runtime, and does what its argument says.
 */
import * as Effect from "effect/Effect"
import * as WorkerInstance from "../../../src/net/runtime/node/WorkerInstance.ts"
import { threadId } from "node:worker_threads"
import { handlers, Kept } from "./kept.ts"

const [, , does] = process.argv

switch (does) {
  case "serves":
    Effect.runFork(
      Effect.suspend(() =>
        WorkerInstance.serve(Kept, {
          handlers: handlers(process.env["TROUPE_INSTANCE"]!, threadId, (code) => process.exit(code))
        })
      )
    )
    break
  case "serves on":
    setInterval(() => {}, 1000)
    Effect.runFork(
      Effect.suspend(() =>
        WorkerInstance.serve(Kept, { handlers: handlers("", threadId, (code) => process.exit(code)) })
      )
    )
    break
  case "throws":
    throw new Error("not today")
  case "is silent":
    setInterval(() => {}, 1000)
    break
}
