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
import { type ProcessHost, withCell, withHost, withLiveCell } from "./internal/services.ts"
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
  withLiveCell((cell) => {
    const owner = cell.host.node.names.register(String(name), cell)
    return owner === cell ? Exit.void : Exit.fail(new AlreadyRegistered({ name: String(name), owner: owner.name }))
  })

/**
 * Gives a name to another process, as {@link register} does to this one. Fails with `ProcessNotFound`, too, when there
 * is no process under the pid.
 *
 * **Example** (Naming another process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Option } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Task)
 *   yield* Registry.registerPid("store", pid)
 *   return Option.map(yield* Registry.whereis("store"), String)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [TaskLive, ProcessHost.layer("app:processes")]))
 * // => Option.some("{app:processes|0x00001}")
 * ```
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
 * **Example** (Giving a name back)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const Leader = Process.make("app:leader")
 * const LeaderLive = Leader.toLayer(Effect.fn(function*() {
 *   yield* Registry.register("leader")
 *   return [yield* Registry.unregister("leader"), yield* Registry.unregister("leader")]
 * }))
 *
 * const program = Effect.flatMap(Process.spawn(Leader), Process.await)
 * await Effect.runPromise(Effect.provide(program, [LeaderLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([true, false])
 * ```
 *
 * @category names
 */
export const unregister = (name: string | Name): Effect.Effect<boolean, never, CurrentProcess> =>
  withCell((cell) => Effect.sync(() => cell.host.node.names.unregister(String(name), cell)))

/**
 * The process that has a name now, if any.
 *
 * **Example** (Asking for a name)
 *
 * ```ts import.meta.vitest
 * import { Effect, Option } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const Clock = Process.make("app:clock")
 * const ClockLive = Clock.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Clock, undefined, { name: "clock" })
 *   const before = yield* Registry.whereis(Clock.named("clock"))
 *   yield* Process.kill(pid)
 *   return [Option.map(before, String), yield* Registry.whereis(Clock.named("clock"))]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")]))
 * // => [Option.some("{app:processes|0x00001}"), Option.none()]
 * ```
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
 * **Example** (A process that must be there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const Clock = Process.make("app:clock")
 * const ClockLive = Clock.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.spawn(Clock, undefined, { name: "clock" })
 *   const pid = yield* Registry.lookup(Clock.named("clock"))
 *   const missing = yield* Effect.flip(Registry.lookup(Clock.named("calendar")))
 *   return [pid.id, missing._tag]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")]))
 * // => [1, "ProcessNotFound"]
 * ```
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
 * **Example** (Listing the names)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   for (const name of ["clock", "mail"]) yield* Process.spawn(Task, undefined, { name })
 *   return (yield* Registry.entries).map(([name, pid]) => `${name} ${pid.id}`)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [TaskLive, ProcessHost.layer("app:processes")]))
 * // => ["clock 1", "mail 2"]
 * ```
 *
 * @category names
 */
export const entries: Effect.Effect<ReadonlyArray<readonly [name: string, pid: Pid]>, never, ProcessHost> = withHost(
  (host) => Effect.sync(() => Array.from(host.node.names.all, ([name, cell]) => [name, cell.pid] as const))
)

/**
 * Listens to the registry: all names that are given and taken while the scope is open are yielded, in order.
 *
 * **Example** (Learning when a name is free)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessHost, Registry, Selectable } from "troupe"
 *
 * const Clock = Process.make("app:clock")
 * const ClockLive = Clock.toLayer(() => Effect.succeed("done"))
 *
 * const program = Effect.gen(function*() {
 *   const events = yield* Registry.events
 *   yield* Process.spawn(Clock, undefined, { name: "clock" })
 *   const first = yield* Selectable.take(events)
 *   const second = yield* Selectable.take(events)
 *   return [`${first._tag} ${first.name}`, `${second._tag} ${second.name}`]
 * }).pipe(Effect.scoped)
 *
 * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")]))
 * // => ["Registered clock", "Unregistered clock"]
 * ```
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
 * **Example** (One at a time)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ProcessHost, Registry } from "troupe"
 *
 * const log: Array<string> = []
 * const book = (who: string) =>
 *   Effect.gen(function*() {
 *     log.push(`${who} reads`)
 *     yield* Effect.yieldNow
 *     log.push(`${who} writes`)
 *   }).pipe(Registry.withLock("ledger"))
 *
 * const program = Effect.all([book("Ada"), book("Bob")], { concurrency: "unbounded" })
 * await Effect.runPromise(Effect.provide(program, ProcessHost.layer("app:processes")))
 * log // => ["Ada reads", "Ada writes", "Bob reads", "Bob writes"]
 * ```
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
 * **Example** (A typed key)
 *
 * ```ts import.meta.vitest
 * import { Registry } from "troupe"
 *
 * const port = Registry.property<number>("port")
 * port.key // => "port"
 * ```
 *
 * @category properties
 */
export const property = <A>(key: string): Property<A> => ({ key, _A: (a) => a })

/**
 * Gives this process a value for a property, in place of an earlier one; it is gone when the process ends.
 *
 * **Example** (Telling what one does)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const state = Registry.property<"starting" | "ready">("state")
 * const Server = Process.make("app:server")
 * const ServerLive = Server.toLayer(Effect.fn(function*() {
 *   yield* Registry.setProperty(state, "starting")
 *   yield* Registry.setProperty(state, "ready")
 *   return (yield* Registry.properties(state)).map(([, value]) => value)
 * }))
 *
 * const program = Effect.flatMap(Process.spawn(Server), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ServerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(["ready"])
 * ```
 *
 * @category properties
 */
export const setProperty = <A>(property: Property<A>, value: A): Effect.Effect<void, never, CurrentProcess> =>
  withLiveCell((cell) => Effect.sync(() => cell.host.node.names.setProperty(property.key, cell, value)))

/**
 * Takes this process's value of a property away; answers whether it had one. The values of others stay.
 *
 * **Example** (Taking a value away)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const port = Registry.property<number>("port")
 * const Server = Process.make("app:server")
 * const ServerLive = Server.toLayer(Effect.fn(function*() {
 *   yield* Registry.setProperty(port, 8080)
 *   return [yield* Registry.unsetProperty(port), yield* Registry.unsetProperty(port)]
 * }))
 *
 * const program = Effect.flatMap(Process.spawn(Server), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ServerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([true, false])
 * ```
 *
 * @category properties
 */
export const unsetProperty = <A>(property: Property<A>): Effect.Effect<boolean, never, CurrentProcess> =>
  withCell((cell) => Effect.sync(() => cell.host.node.names.unsetProperty(property.key, cell)))

/**
 * The processes that have a value for a property, each with its value.
 *
 * **Example** (The value of every process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Registry } from "troupe"
 *
 * const port = Registry.property<number>("port")
 * const Server = Process.make("app:server", { args: Schema.Int, protocol: [Rpc.make("ready")] })
 * const ServerLive = Server.toLayer(Effect.fn(function*(number) {
 *   yield* Registry.setProperty(port, number)
 *   yield* Message.reply(yield* Server.receive(), undefined)
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.gen(function*() {
 *   for (const number of [8080, 8081]) yield* Process.call(yield* Process.spawn(Server, number), "ready")
 *   return (yield* Registry.properties(port)).map(([pid, value]) => `${pid.id} at ${value}`)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ServerLive, ProcessHost.layer("app:processes")]))
 * // => ["1 at 8080", "2 at 8081"]
 * ```
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
