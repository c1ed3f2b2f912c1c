/**
 * A program that is started by a process runtime, and serves; on request it does not end when it is to.
 */
// From their files alone: an instance is there sooner.
import * as Effect from "effect/Effect"
import * as ProcessInstance from "../../../src/net/runtime/node/ProcessInstance.ts"
import { handlers, Kept } from "./kept.ts"

const [, , does] = process.argv

const serves = Effect.suspend(() =>
  ProcessInstance.serve(Kept, {
    handlers: handlers(process.env["TROUPE_INSTANCE"]!, process.pid, (code) => process.exit(code))
  })
)

// Something else keeps it alive, and it does not end when it is asked to.
if (does === "serves on") setInterval(() => {}, 1000)
Effect.runFork(serves)
