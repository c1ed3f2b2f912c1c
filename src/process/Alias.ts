/**
 * An address for replies that its process can take back: what comes after that is dropped, and nobody is disturbed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { step } from "../channel/internal/step.ts"
import type { Definition, Running } from "./Definition.ts"
import { AliasImpl, TypeId as InternalTypeId } from "./internal/alias.ts"
import { withCell } from "./internal/services.ts"
import type { Monitor } from "./ProcessEvent.ts"

/**
 * The type-level and runtime key of `Alias`.
 *
 * @category type ids
 */
export const TypeId: "~troupe/process/Alias" = InternalTypeId

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * An address of one process, for the messages `Rpcs`, until it is revoked.
 *
 * **Details**
 *
 * `Process.send` to an alias that is revoked succeeds, and the message is dropped in silence: neither sender nor receiver
 * learns of it, and there is no dead letter. It lives in the memory of the application and can't be written as text.
 *
 * @category models
 */
export interface Alias<in Rpcs extends Rpc.Any = never> {
  readonly [TypeId]: { readonly _Rpcs: (_: Rpcs) => void }
  /** Whether a message would be delivered now. */
  readonly active: boolean
}

/**
 * Whether a value is an `Alias`.
 *
 * @category guards
 */
export const isAlias = (u: unknown): u is Alias => u instanceof AliasImpl

/**
 * How long an alias lives.
 *
 * @category models
 */
export interface Options {
  /** Revokes the alias when the watched process ends, in the step of its `Exit` event, and when the monitor is called off. */
  readonly monitor?: Monitor | undefined
}

/**
 * Makes an address of the running process that takes any number of messages, until it is revoked, its scope closes, or
 * the process of `options.monitor` is down.
 *
 * **Example** (Listening for a while)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Alias, Process, ProcessHost } from "troupe"
 *
 * const Client = Process.make("app:client", { protocol: [Rpc.make("news", { payload: Schema.String })] })
 * const ClientLive = Client.toLayer(Effect.fn(function*() {
 *   const address = yield* Alias.make(Client)
 *   yield* Process.send(address, "news", "first")
 *   yield* Alias.revoke(address)
 *   yield* Process.send(address, "news", "second")
 *   return (yield* Client.inbox).length
 * }))
 *
 * const program = Effect.flatMap(Process.spawn(Client), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClientLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(1)
 * ```
 *
 * @category constructors
 */
export const make = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  options?: Options
): Effect.Effect<Alias<Rpcs>, never, Running<Name> | Scope.Scope> => open(definition, Infinity, options)

/**
 * Makes an address of the running process that takes exactly one message, whoever sends it; otherwise as {@link make}.
 *
 * **Example** (The first answer counts)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Alias, Process, ProcessHost } from "troupe"
 *
 * const Client = Process.make("app:client", { protocol: [Rpc.make("offer", { payload: Schema.Int })] })
 * const ClientLive = Client.toLayer(Effect.fn(function*() {
 *   const address = yield* Alias.once(Client)
 *   yield* Process.send(address, "offer", 10)
 *   yield* Process.send(address, "offer", 9)
 *   const offer = yield* Client.receive("offer")
 *   return [offer.payload, (yield* Client.inbox).length]
 * }))
 *
 * const program = Effect.flatMap(Process.spawn(Client), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClientLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([10, 0])
 * ```
 *
 * @category constructors
 */
export const once = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  options?: Options
): Effect.Effect<Alias<Rpcs>, never, Running<Name> | Scope.Scope> => open(definition, 1, options)

/**
 * Takes an alias back: what is sent to it from then on is dropped. Once more does nothing.
 *
 * @category ending
 */
export const revoke = (alias: Alias): Effect.Effect<void> =>
  Effect.sync(() => {
    if (alias instanceof AliasImpl) alias.revoke()
  })

/**
 * The schema of an alias for the messages `rpcs`, for payloads that carry one; it can't be encoded.
 *
 * @category schemas
 */
export const of = <const Rpcs extends ReadonlyArray<Rpc.Any>>(
  ..._rpcs: Rpcs
): Schema.Codec<Alias<Rpcs[number]>, Alias<Rpcs[number]>> =>
  Schema.declare((u: unknown): u is Alias<Rpcs[number]> => isAlias(u), { expected: "an Alias" })

const open = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  _definition: Definition<Name, Rpcs, Args, Success, State>,
  uses: number,
  options: Options | undefined
): Effect.Effect<Alias<Rpcs>, never, Running<Name> | Scope.Scope> => {
  const opened = withCell((cell) =>
    Effect.acquireRelease(
      step(() => Exit.succeed(AliasImpl.open(cell, uses, options?.monitor))),
      (alias) => Effect.sync(() => alias.revoke())
    )
  )
  // That the process runs is known to the compiler as `Running`, and at run time as `CurrentProcess`.
  return opened as unknown as Effect.Effect<Alias<Rpcs>, never, Running<Name> | Scope.Scope>
}
