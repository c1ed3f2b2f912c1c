/**
 * Which transports lead to one side, in the order in which they are tried.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import { UnsupportedTransport } from "./ConnectionError.ts"
import type { RuntimeType } from "./InstanceId.ts"
import type { Transport } from "./Transport.ts"

/**
 * The type-level and runtime key of `Strategy`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/net/Strategy"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The transports that lead to one side, each with its own address: the first is preferred, the next one is used when those
 * before it can't connect.
 *
 * @category models
 */
export interface Strategy {
  readonly [TypeId]: TypeId
  /** What the other side runs in; `undefined` where that does not matter. */
  readonly runtime: RuntimeType | undefined
  readonly transports: NonEmptyReadonlyArray<Transport>
}

/**
 * Makes the strategy for what runs in a runtime, of transports that it speaks.
 *
 * **Details**
 *
 * - `runtime`: what the other side runs in.
 * - `transports`: in the order in which they are to be tried, each with the address that the other side has there.
 *
 * **Errors**
 *
 * `UnsupportedTransport` for the first that is not in {@link supported}.
 *
 * **Example** (A process that is reached by its socket, and from elsewhere)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Memory, Strategy } from "troupe/net"
 * import * as Tcp from "troupe/net/tcp"
 * import * as Unix from "troupe/net/unix"
 *
 * const program = Effect.gen(function* () {
 *   const unix = Unix.make({ path: "/run/troupe/process.images.1.sock" })
 *   const strategy = yield* Strategy.make("process", [unix, Tcp.make({ host: "10.0.0.7", port: 4000 })])
 *   const refused = yield* Effect.flip(Strategy.make("process", [unix, Memory.make()]))
 *   return [...strategy.transports.map(({ name, address }) => `${name} ${address}`), refused.message]
 * })
 * Effect.runSync(program)
 * // => [
 * //   "unix /run/troupe/process.images.1.sock",
 * //   "tcp 10.0.0.7:4000",
 * //   "A process runtime does not speak memory. Use one of: unix, tcp, tls."
 * // ]
 * ```
 *
 * @category constructors
 */
export const make = (
  runtime: RuntimeType,
  transports: NonEmptyReadonlyArray<Transport>
): Effect.Effect<Strategy, UnsupportedTransport> =>
  Effect.suspend(() => {
    const unsupported = transports.find(({ name }) => !supported[runtime].includes(name))
    return unsupported === undefined
      ? Effect.succeed({ [TypeId]: TypeId, runtime, transports })
      : Effect.fail(new UnsupportedTransport({ transport: unsupported.name, runtime, supported: supported[runtime] }))
  })

/**
 * Makes a strategy of any transports, whatever the other side runs in: also of a user's own.
 *
 * @category constructors
 */
export const of = (...transports: NonEmptyReadonlyArray<Transport>): Strategy => ({
  [TypeId]: TypeId,
  runtime: undefined,
  transports
})

/**
 * The names of the transports that each runtime speaks, the quickest first. A thread of its own, of JavaScript or WebAssembly, is
 * reached by its port, which hands memory from one thread to the other; what runs in this thread by memory itself.
 *
 * @category runtimes
 */
export const supported: { readonly [Runtime in RuntimeType]: NonEmptyReadonlyArray<string> } = {
  process: ["unix", "tcp", "tls"],
  worker: ["memory", "worker"],
  wasm: ["memory", "worker"],
  kubernetes: ["grpc", "tcp", "tls", "websocket"]
}

/**
 * Whether a value is a strategy.
 *
 * @category guards
 */
export const isStrategy = (u: unknown): u is Strategy => typeof u === "object" && u !== null && TypeId in u

/**
 * The transports to try, in order, for what can be connected to.
 *
 * @category accessors
 */
export const transports = (target: Transport | Strategy): NonEmptyReadonlyArray<Transport> =>
  isStrategy(target) ? target.transports : [target]
