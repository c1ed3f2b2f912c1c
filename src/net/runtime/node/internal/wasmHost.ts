/**
 * The program of a thread that hosts a module of WebAssembly: it serves the functions of the module as routes.
 */
import * as Effect from "effect/Effect"
import { parentPort, workerData } from "node:worker_threads"
import * as Protocol from "../../../Protocol.ts"
import { route } from "../WasmRuntime.ts"
import { Failed } from "./familyTalk.ts"
import { type Hosted, WasmCalls } from "./wasmCalls.ts"
import { serving } from "./workerServing.ts"

const { module, protocol, routes } = workerData as Hosted
const calls = new WasmCalls(module)

const hosting = serving(Protocol.make(protocol, { server: routes.map((name) => route(name)) }), {
  handlers: Object.fromEntries(routes.map((name) => [name, (input: Uint8Array) => calls.call(name, input)]))
})

Effect.runFork(
  Effect.andThen(
    Effect.tapError(calls.begin, ({ message }) =>
      Effect.sync(() => parentPort?.postMessage(Failed.make({ detail: message }), []))
    ),
    hosting
  )
)
