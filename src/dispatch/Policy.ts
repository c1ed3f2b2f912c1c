/**
 * Policies: which commands a process may yield. A process inherits the policy of whoever spawned it; a policy given at a
 * spawn narrows that, and nothing widens it.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { type Any, type AnyModule, isModule, TypeId as ModuleTypeId } from "./Command.ts"
import { Allowance, narrowed } from "./internal/allowed.ts"

/**
 * The type-level and runtime key of `Policy`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/dispatch/Policy"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The commands that may be yielded.
 *
 * @category models
 */
export interface Policy {
  readonly [TypeId]: TypeId
  /** The tags of the commands. */
  readonly commands: ReadonlyArray<string>
}

class PolicyImpl extends Allowance implements Policy {
  readonly [TypeId]: TypeId = TypeId

  get commands(): ReadonlyArray<string> {
    return this.names
  }
}

/**
 * Allows the commands, and all of the modules, that are named, and nothing else.
 *
 * **Details**
 *
 * A policy is about what a process yields. What its body does by itself, such as an effect that opens a file, no policy
 * sees: it is for processes whose effects are commands.
 *
 * **Example** (Allowing a module and a command)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Command, Dispatcher, Policy, Process, ProcessHost } from "troupe"
 *
 * const Door = Command.module("door", { open: Command.make(300), close: Command.make(301) })
 * const DoorLive = Dispatcher.layer(Door, { open: () => Effect.void, close: () => Effect.void })
 *
 * const Guest = Process.make("app:guest")
 * const GuestLive = Guest.toLayer(Effect.fn(function*() {
 *   yield* Process.yield(Door.close)
 *   const denied = yield* Effect.flip(Process.yield(Door.open))
 *   return denied._tag
 * })).pipe(Layer.provide(DoorLive))
 *
 * const program = Effect.gen(function*() {
 *   const guest = yield* Process.spawn(Guest, undefined, { policy: Policy.allow(Door.close) })
 *   return yield* Effect.flatten(Process.await(guest))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [GuestLive, ProcessHost.layer("app:processes")])) // => "CommandDenied"
 * ```
 *
 * @category constructors
 */
export const allow = (...allowed: ReadonlyArray<Any | AnyModule>): Policy =>
  new PolicyImpl(allowed.flatMap((one) => (isModule(one) ? one[ModuleTypeId].commands : [one])).map(({ _tag }) => _tag))

/**
 * Runs an effect under a policy, which what it forks and spawns inherits; it may do what the policy allows, as far as it
 * was allowed before.
 *
 * **Example** (A tool that may do less than its process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Command, Dispatcher, Policy, Process, ProcessHost } from "troupe"
 *
 * const Door = Command.module("door", { open: Command.make(300), close: Command.make(301) })
 * const DoorLive = Dispatcher.layer(Door, { open: () => Effect.void, close: () => Effect.void })
 *
 * const Porter = Process.make("app:porter")
 * const PorterLive = Porter.toLayer(Effect.fn(function*() {
 *   yield* Process.yield(Door.open)
 *   const denied = yield* Process.yield(Door.open).pipe(Policy.within(Policy.allow(Door.close)), Effect.flip)
 *   return denied.message.includes('"door.close"')
 * })).pipe(Layer.provide(DoorLive))
 *
 * const program = Effect.flatMap(Process.spawn(Porter), Process.await)
 * await Effect.runPromise(Effect.provide(program, [PorterLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(true)
 * ```
 *
 * @category restricting
 */
export const within: {
  (policy: Policy): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, policy: Policy): Effect.Effect<A, E, R>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, policy: Policy): Effect.Effect<A, E, R> =>
  Effect.updateContext(self, (context: Context.Context<R>) => narrowed(context, policy as PolicyImpl))
)
