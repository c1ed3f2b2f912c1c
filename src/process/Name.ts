/**
 * A name under which a process is registered, with the messages that the process takes: an address that outlives its
 * process.
 */
import type { Rpc } from "effect/rpc"
import type { Pid } from "./Pid.ts"

/**
 * The type-level and runtime key of `Name`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/process/Name"

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
  toString(): string
}

/**
 * Where a message can be sent: to a pid, or to whichever process has a name when it is sent.
 *
 * @category models
 */
export type Address<Rpcs extends Rpc.Any = never> = Pid<Rpcs> | Name<Rpcs>

const Proto = {
  [TypeId]: { _Rpcs: (_: never) => {} },
  toString(this: Name) {
    return this.name
  }
}

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
export const make = <Rpcs extends Rpc.Any = never>(name: string): Name<Rpcs> =>
  Object.assign(Object.create(Proto) as Name<Rpcs>, { name })
