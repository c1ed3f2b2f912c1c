/**
 * Names for processes, unique in the application, with look-up, listeners and locks; and properties, of which many
 * processes may have one each.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Selectable } from "../channel/Selectable.ts"
import { cellAt } from "./internal/delivery.ts"
import type { CurrentProcess } from "./internal/services.ts"
import { type ProcessHost, withCell, withHost } from "./internal/services.ts"
import type { Name } from "./Name.ts"
import type { Pid } from "./Pid.ts"
import { AlreadyRegistered, ProcessNotFound } from "./ProcessError.ts"

/**
 * A name was given to a process, or taken from it.
 *
 * @category models
 */
export type RegistryEvent =
  | { readonly _tag: "Registered"; readonly name: string; readonly pid: Pid }
  | { readonly _tag: "Unregistered"; readonly name: string; readonly pid: Pid }

/**
 * Gives this process a name; from then on it is found by it, until it unregisters it or ends.
 *
 * **Details**
 *
 * A process may have many names, and registering one again that it has changes nothing. The name of a process that
 * ends is free before anyone can see the exit.
 *
 * Fails with `AlreadyRegistered`, which names the owner, when another process has the name.
 *
 * **Example** (Sending by name)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Registry } from "troupe"
 *
 * const Clock = Process.make("app:clock", { protocol: [Rpc.make("year", { success: Schema.Int })] })
 * const ClockLive = Clock.toLayer(Effect.fn(function*() {
 *   yield* Registry.register("clock")
 *   yield* Message.reply(yield* Clock.receive(), 2026)
 * }))
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.spawn(Clock)
 *   yield* Effect.yieldNow
 *   return yield* Process.call(Clock.named("clock"), "year")
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")])) // => 2026
 * ```
 *
 * @category names
 */
export const register = (name: string | Name): Effect.Effect<void, AlreadyRegistered, CurrentProcess> =>
  withCell((cell) => {
    const owner = cell.host.node.names.register(String(name), cell)
    return owner === cell ? Exit.void : Exit.fail(new AlreadyRegistered({ name: String(name), owner: owner.name }))
  })

/**
 * Gives a name to another process, as {@link register} does to this one. Fails with `ProcessNotFound`, too, when there
 * is no process under the pid.
 *
 * @category names
 */
export const registerPid = (
  name: string | Name,
  pid: Pid
): Effect.Effect<void, AlreadyRegistered | ProcessNotFound, ProcessHost> =>
  withHost((host): Effect.Effect<void, AlreadyRegistered | ProcessNotFound> => {
    const cell = cellAt(host, pid)
    if (cell === undefined || cell.status === "ended") return Exit.fail(new ProcessNotFound({ target: String(pid) }))
    const owner = host.node.names.register(String(name), cell)
    return owner === cell ? Exit.void : Exit.fail(new AlreadyRegistered({ name: String(name), owner: owner.name }))
  })

/**
 * Frees a name of this process; answers whether it had it.
 *
 * @category names
 */
export const unregister = (name: string | Name): Effect.Effect<boolean, never, CurrentProcess> =>
  withCell((cell) => Effect.sync(() => cell.host.node.names.unregister(String(name), cell)))

/**
 * The process that has a name now, if any.
 *
 * @category names
 */
export const whereis = <Rpcs extends Rpc.Any>(
  name: Name<Rpcs> | string
): Effect.Effect<Option.Option<Pid<Rpcs>>, never, ProcessHost> =>
  withHost((host) =>
    Effect.sync(() => Option.map(Option.fromUndefinedOr(host.node.names.whereis(String(name))), (cell) => cell.pid))
  )

/**
 * The process that has a name now. Fails with `ProcessNotFound` when there is none.
 *
 * @category names
 */
export const lookup = <Rpcs extends Rpc.Any>(
  name: Name<Rpcs> | string
): Effect.Effect<Pid<Rpcs>, ProcessNotFound, ProcessHost> =>
  Effect.flatMap(
    whereis(name),
    Option.match({
      onNone: () => Effect.fail(new ProcessNotFound({ target: String(name) })),
      onSome: (pid) => Effect.succeed(pid)
    })
  )

/**
 * All names and the processes that have them, in the order in which they were given.
 *
 * @category names
 */
export const entries: Effect.Effect<ReadonlyArray<readonly [name: string, pid: Pid]>, never, ProcessHost> = withHost(
  (host) => Effect.sync(() => Array.from(host.node.names.all, ([name, cell]) => [name, cell.pid] as const))
)

/**
 * Listens to the registry: all names that are given and taken while the scope is open are yielded, in order.
 *
 * @category names
 */
export const events: Effect.Effect<Selectable<RegistryEvent>, never, ProcessHost | Scope.Scope> = withHost((host) =>
  host.node.names.events.subscribe()
)

/**
 * Runs an effect while nobody else in the application runs one under the same key; those who wait are served first
 * come, first served.
 *
 * **Details**
 *
 * The lock is released however the effect ends: also when it fails, is interrupted, or its process is killed. It is not
 * reentrant: an effect that takes the lock which it holds waits for itself, for ever.
 *
 * @category locks
 */
export const withLock =
  (key: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | ProcessHost> =>
    withHost(
      (host) =>
        Effect.scoped(
          Effect.flatMap(RcMap.get(host.node.locks, key), (semaphore) => Semaphore.withPermits(semaphore, 1)(effect))
        ) as Effect.Effect<A, E, R>
    )

/**
 * The key of a property, with the type of its values.
 *
 * @category properties
 */
export interface Property<in out A> {
  readonly key: string
  readonly _A: (_: A) => A
}

/**
 * Makes the key of a property, of which every process may have its own value.
 *
 * @category properties
 */
export const property = <A>(key: string): Property<A> => ({ key, _A: (a) => a })

/**
 * Gives this process a value for a property, in place of an earlier one; it is gone when the process ends.
 *
 * @category properties
 */
export const setProperty = <A>(property: Property<A>, value: A): Effect.Effect<void, never, CurrentProcess> =>
  withCell((cell) => Effect.sync(() => cell.host.node.names.setProperty(property.key, cell, value)))

/**
 * Takes this process's value of a property away; answers whether it had one. The values of others stay.
 *
 * @category properties
 */
export const unsetProperty = <A>(property: Property<A>): Effect.Effect<boolean, never, CurrentProcess> =>
  withCell((cell) => Effect.sync(() => cell.host.node.names.unsetProperty(property.key, cell)))

/**
 * The processes that have a value for a property, each with its value.
 *
 * @category properties
 */
export const properties = <A>(
  property: Property<A>
): Effect.Effect<ReadonlyArray<readonly [pid: Pid, value: A]>, never, ProcessHost> =>
  withHost((host) =>
    Effect.sync(() =>
      Array.from(host.node.names.properties(property.key), ([cell, value]) => [cell.pid, value as A] as const)
    )
  )
