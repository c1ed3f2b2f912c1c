/**
 * A runtime of WebAssembly: each instance is a module in a thread of its own, whose functions are called by their names, with
 * bytes.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { readFile } from "node:fs/promises"
import { env } from "node:process"
import type { Instance } from "../../Instance.ts"
import * as InstanceId from "../../InstanceId.ts"
import type { Protocol } from "../../Protocol.ts"
import type { Starter } from "../../Runtime.ts"
import type { StartFailed } from "../../RuntimeError.ts"
import * as Strategy from "../../Strategy.ts"
import { type Failing, identified } from "./internal/failing.ts"
import { ThreadProgram } from "./internal/ThreadProgram.ts"
import type { Hosted } from "./internal/wasmCalls.ts"
import { WasmFailed } from "./internal/WasmFailed.ts"
import { whole } from "./internal/whole.ts"

export { WasmFailed } from "./internal/WasmFailed.ts"

/**
 * A route of a module: bytes, which are answered with bytes by the function of that name.
 *
 * @category models
 */
export interface Route<Name extends string> extends Rpc.Rpc<
  Name,
  typeof Schema.Uint8Array,
  typeof Schema.Uint8Array,
  typeof WasmFailed
> {}

/**
 * A route of a module, whatever its name.
 *
 * @category models
 */
export type AnyRoute = Rpc.Any & Pick<Route<string>, "payloadSchema" | "successSchema" | "errorSchema">

/**
 * Makes the route of a function that a module exports.
 *
 * @category constructors
 */
export const route = <const Name extends string>(name: Name): Route<Name> =>
  Rpc.make(name, { payload: Schema.Uint8Array, success: Schema.Uint8Array, error: WasmFailed })

/**
 * What is started, and how.
 *
 * @category models
 */
export interface Options {
  /** What the instances are instances of: the middle part of their names. */
  readonly namespace: string
  /** The file of the module. */
  readonly program: string | URL
  /** What is said to it: a protocol whose routes come from {@link route}, each for a function that it exports. */
  readonly protocol: Protocol<AnyRoute, never>
  /** How long it may take until it is ready: 30 seconds when absent. */
  readonly startTimeout?: Duration.Input | undefined
  /** How long it may take to end when it was asked to, until it is ended where it stands: 15 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Makes what starts instances of a module, each in a worker thread.
 *
 * **Details**
 *
 * A module needs nothing from outside: one that imports something is not started. It exports
 *
 * - `memory`, its memory;
 * - `alloc(length: i32) -> i32`, which gives room for that many bytes;
 * - for each route a function `(pointer: i32, length: i32) -> i64` of its name, which is given its input in such room, and
 *   answers where its output is: the pointer in the upper 32 bits, the length in the lower ones;
 * - `free(pointer: i32, length: i32)`, if it likes, which is told of an output when that was read. The input is the
 *   function's own.
 *
 * Calls come one after the other. One that traps fails with `WasmFailed`, and the instance goes on with the module made anew:
 * what a trap leaves in memory can't be trusted, so that nothing of it is used again. What the module kept there is gone with
 * it. A function that never returns holds up its instance alone, until that is stopped.
 *
 * **Errors**
 *
 * To start fails with `StartFailed`: there is no such file, it is no module, or one that lacks something or imports something.
 *
 * **Example** (A module that is none)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { mkdtempSync, writeFileSync } from "node:fs"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 * import { Protocol } from "troupe/net"
 * import * as WasmRuntime from "troupe/net/wasm-runtime"
 *
 * const program = join(mkdtempSync(join(tmpdir(), "wasm-")), "images.wasm")
 * writeFileSync(program, "something else")
 *
 * const Images = Protocol.make("app:images", { server: [WasmRuntime.route("resize")] })
 * const starter = WasmRuntime.make({ namespace: "images", program, protocol: Images })
 * await Effect.runPromise(Effect.scoped(Effect.flip(starter.start("1")))).then(({ reason }) => reason) // => "Invalid"
 * ```
 *
 * @category constructors
 */
export const make = (options: Options): Starter => ({
  type: "wasm",
  start: (instance) => whole(starting(options, instance))
})

const starting = Effect.fnUntraced(function* (
  options: Options,
  instance: string
): Effect.fn.Return<Instance, StartFailed, Scope.Scope> {
  const { namespace, program, protocol } = options
  const { failing, id, path } = yield* identified("wasm", namespace, instance, program)
  const routes = protocol.server.map(({ _tag }) => _tag)
  const hosted: Hosted = { module: yield* compiled(path, routes, failing), protocol: protocol.name, routes }
  const thread = yield* ThreadProgram.start({
    script: host,
    worker: { name: String(id), env: { ...env, ...InstanceId.toEnvironment(id) }, workerData: hosted },
    startTimeout: Duration.fromInputUnsafe(options.startTimeout ?? "30 seconds"),
    grace: Duration.fromInputUnsafe(options.stopTimeout ?? "15 seconds"),
    failing
  })
  return {
    id,
    strategy: yield* Effect.orDie(Strategy.make("wasm", [thread.transport])),
    credentials: undefined,
    ended: thread.ended
  }
})

// Beside this file, whether that was compiled or not.
const host = new URL(`./internal/wasmHost${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url)

const compiled = (
  path: string,
  routes: ReadonlyArray<string>,
  failing: Failing
): Effect.Effect<WebAssembly.Module, StartFailed> =>
  Effect.gen(function* () {
    const bytes = yield* Effect.tryPromise({
      try: () => readFile(path),
      catch: (error) => failing("Refused", `it can't be read: ${String(error)}`)
    })
    const module = yield* Effect.tryPromise({
      try: () => WebAssembly.compile(bytes),
      catch: (error) => failing("Invalid", `it is no module: ${String(error)}`)
    })
    const [needed] = WebAssembly.Module.imports(module)
    if (needed !== undefined) {
      return yield* failing("Invalid", `it imports ${needed.module}.${needed.name}, and there is nothing to import`)
    }
    const kinds = new Map(WebAssembly.Module.exports(module).map(({ kind, name }) => [name, kind]))
    for (const name of ["memory", "alloc", ...routes]) {
      const kind = name === "memory" ? "memory" : "function"
      if (kinds.get(name) !== kind) return yield* failing("Invalid", `it exports no ${kind} "${name}"`)
    }
    return module
  })
