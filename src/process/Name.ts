/**
 * A name under which a process is registered, with the messages that the process takes: an address that outlives its
 * process.
 */
import type { Rpc } from "effect/rpc"
import * as internal from "./internal/name.ts"
import type { Pid } from "./Pid.ts"

/**
 * The type-level and runtime key of `Name`.
 *
 * @category type ids
 */
export const TypeId: "~troupe/process/Name" = internal.TypeId

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A registered name whose process takes the messages `Rpcs`.
 *
 * **Details**
 *
 * The compiler takes the name's word for it; a process that is registered under the name and does not know a message
 * refuses it when it is sent.
 *
 * @category models
 */
export interface Name<in Rpcs extends Rpc.Any = never> {
  readonly [TypeId]: { readonly _Rpcs: (_: Rpcs) => void }
  readonly name: string
  /** The node that has the name; `undefined` for this one. */
  readonly node: string | undefined
  /** `relay`, or `relay@node` when it names a process of another node. */
  toString(): string
}

/**
 * Where a name is.
 *
 * @category models
 */
export interface Options {
  /** The node that has the name: the present one when absent. */
  readonly node?: string | undefined
}

/**
 * Where a message can be sent: to a pid, or to whichever process has a name when it is sent.
 *
 * @category models
 */
export type Address<Rpcs extends Rpc.Any = never> = Pid<Rpcs> | Name<Rpcs>

/**
 * Whether a value is a `Name`.
 *
 * @category guards
 */
export const isName = (u: unknown): u is Name => typeof u === "object" && u !== null && TypeId in u

/**
 * Makes the address of whichever process is registered under a name; a definition's `named` does it with the
 * definition's messages.
 *
 * **Details**
 *
 * A name on another node (`options.node`) can be watched through its pid alone, and takes messages only where their schemas
 * are known: when it was made by a definition's `named`.
 *
 * **Example** (An address that outlives its process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Name, Process, ProcessHost } from "troupe"
 *
 * const Year = Rpc.make("year", { success: Schema.Int })
 * const clock = Name.make<typeof Year>("clock")
 *
 * const Clock = Process.make("app:clock", { protocol: [Year] })
 * const ClockLive = Clock.toLayer(Effect.fn(function*() {
 *   yield* Message.reply(yield* Clock.receive(), 2026)
 * }))
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.spawn(Clock, undefined, { name: String(clock) })
 *   return yield* Process.call(clock, "year")
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")])) // => 2026
 * ```
 *
 * @category constructors
 */
export const make = <Rpcs extends Rpc.Any = never>(name: string, options?: Options): Name<Rpcs> =>
  new internal.NameImpl(name, options?.node, undefined)
