/**
 * A host: where processes run, on one run queue, until it stops them.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Options as InboxOptions } from "./Inbox.ts"
import type { HostImpl, Payloads } from "./internal/host.ts"
import { makeHost } from "./internal/makeHost.ts"
import { Node } from "./internal/node.ts"
import { type Host, ProcessHost, withHost } from "./internal/services.ts"
import type { Pid } from "./Pid.ts"
import { type HostAlreadyExists, HostNotFound, type InvalidOption } from "./ProcessError.ts"

export { type Host, ProcessHost }

/**
 * How a host runs its processes.
 *
 * @category models
 */
export interface Options {
  /** How long the host runs before timers and sockets are served: 1 millisecond when absent. */
  readonly timeSlice?: Duration.Input | undefined
  /** How inboxes behave whose definition says nothing of it. */
  readonly inbox?: InboxOptions | undefined
  /**
   * What happens to payloads, which pass by reference: `checked` (when absent) refuses those that do not fit their
   * schema; `frozen` checks them and freezes them deeply, which shows a change after the send at once; `trusted` does
   * neither, for senders that the compiler has checked.
   */
  readonly payloads?: Payloads | undefined
  /** How long processes have to end when the host stops: 5 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Provides a host, which runs until the layer's scope closes and then stops.
 *
 * **Details**
 *
 * - `name`: tells the hosts of an application apart, and is part of the pids of its processes; it has no white space and
 *   none of `@ { | }`.
 *
 * A spawn from outside of any process, that names no host, goes to the one that is in the context: of several that are
 * merged the last, with `Layer.provideMerge` the one that was provided to.
 *
 * All hosts that are built together belong to one application: they share names, groups and dead letters, and each has
 * its own run queue, so that one that is busy delays another by no more than its time slice. A program that chose a
 * scheduler of its own (a test on virtual time, for instance) keeps it.
 *
 * When it stops, the host refuses spawns and sends with `HostStopped`; each process that has opened its events gets a
 * `Cancel`, and one that has not is interrupted; those that are still there after `stopTimeout` are killed.
 *
 * **Errors**
 *
 * - `HostAlreadyExists`: the application has a host of this name.
 * - `InvalidOption`: the name or an option is not valid.
 *
 * **Example** (Two hosts in one application)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost, Registry } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const session = yield* Process.spawn(Task, undefined, { name: "session" })
 *   yield* Process.spawn(Task, undefined, { host: "app:jobs", name: "job" })
 *   const job = yield* Registry.lookup(Task.named("job"))
 *   return [session.host, job.host]
 * })
 *
 * const hosts = ProcessHost.layer("app:web").pipe(Layer.provideMerge(ProcessHost.layer("app:jobs", { timeSlice: 1 })))
 * await Effect.runPromise(Effect.provide(program, Layer.merge(TaskLive, hosts))) // => ["app:web", "app:jobs"]
 * ```
 *
 * @category layers
 */
export const layer = (name: string, options?: Options): Layer.Layer<ProcessHost, HostAlreadyExists | InvalidOption> =>
  Layer.effect(ProcessHost, make(name, options)).pipe(Layer.provide(Node.layer))

const make = (
  name: string,
  options: Options | undefined
): Effect.Effect<Host, HostAlreadyExists | InvalidOption, Node | Scope.Scope> => makeHost(name, options)

/**
 * What a host has done, and has to do.
 *
 * **Details**
 *
 * The messages always add up: `sent` = `received` + `queued` + `deadLetters`.
 *
 * @category models
 */
export interface Stats {
  /** Processes that are there. */
  readonly live: number
  /** Processes that were started. */
  readonly spawned: number
  /** Messages that were accepted. */
  readonly sent: number
  /** Messages that were taken by their receiver. */
  readonly received: number
  /** Messages that wait. */
  readonly queued: number
  /** Messages that were accepted and could not be handled. */
  readonly deadLetters: number
}

/**
 * The names of the application's hosts that run.
 *
 * **Example** (Listing the hosts)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { ProcessHost } from "troupe"
 *
 * const hosts = ProcessHost.layer("app:web").pipe(Layer.provideMerge(ProcessHost.layer("app:jobs")))
 * const program = Effect.map(ProcessHost.names, (names) => names.toSorted())
 * await Effect.runPromise(Effect.provide(program, hosts)) // => ["app:jobs", "app:web"]
 * ```
 *
 * @category reading
 */
export const names: Effect.Effect<ReadonlyArray<string>, never, ProcessHost> = withHost((host) =>
  Effect.sync(() =>
    Array.from(host.node.hosts.values()).flatMap((one) => (one.refusal() === undefined ? [one.name] : []))
  )
)

const hostNamed = <A>(
  name: string | undefined,
  f: (host: HostImpl) => Effect.Effect<A>
): Effect.Effect<A, HostNotFound, ProcessHost> =>
  withHost((here) => {
    const host = name === undefined ? here : here.node.hosts.get(name)
    return host === undefined
      ? Effect.fail(new HostNotFound({ host: String(name), known: [...here.node.hosts.keys()] }))
      : f(host)
  })

/**
 * The pids of a host's processes, oldest first; of this host when no name is given. Fails with `HostNotFound`.
 *
 * **Example** (Listing the processes)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.spawn(Task)
 *   yield* Process.spawn(Task)
 *   return (yield* ProcessHost.list()).map(String)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [TaskLive, ProcessHost.layer("app:processes")]))
 * // => ["{app:processes|0x00001}", "{app:processes|0x00002}"]
 * ```
 *
 * @category reading
 */
export const list = (name?: string): Effect.Effect<ReadonlyArray<Pid>, HostNotFound, ProcessHost> =>
  hostNamed(name, (host) => Effect.sync(() => host.cells.map((cell) => cell.pid)))

/**
 * What a host has done and has to do, as of now; this host when no name is given. Fails with `HostNotFound`.
 *
 * **Example** (Where the messages are)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Once = Process.make("app:once", { protocol: [Rpc.make("work")] })
 * const OnceLive = Once.toLayer(() => Once.receive())
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Once)
 *   yield* Process.send(pid, "work")
 *   yield* Process.send(pid, "work")
 *   yield* Process.await(pid)
 *   return yield* ProcessHost.stats()
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [OnceLive, ProcessHost.layer("app:processes")]))
 * // => { live: 0, spawned: 1, sent: 2, received: 1, queued: 0, deadLetters: 1 }
 * ```
 *
 * @category reading
 */
export const stats = (name?: string): Effect.Effect<Stats, HostNotFound, ProcessHost> =>
  hostNamed(name, (host) =>
    Effect.sync(() => ({
      ...host.counters,
      live: host.processes.size,
      queued: host.cells.reduce((sum, cell) => sum + cell.queued, 0)
    }))
  )

/**
 * The process of a host that has a number, if there is one; for tools that know pids as text, `Pid.parse` is the way.
 *
 * **Example** (Finding a process by its number)
 *
 * ```ts import.meta.vitest
 * import { Effect, Option } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.spawn(Task)
 *   const found = yield* ProcessHost.find("app:processes", 1)
 *   return Option.map(found, String)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [TaskLive, ProcessHost.layer("app:processes")]))
 * // => Option.some("{app:processes|0x00001}")
 * ```
 *
 * @category reading
 */
export const find = (name: string, id: number): Effect.Effect<Option.Option<Pid>, HostNotFound, ProcessHost> =>
  hostNamed(name, (host) =>
    Effect.sync(() => Option.map(Option.fromUndefinedOr(host.processes.get(id)), (cell) => cell.pid))
  )

/**
 * Stops a host before its layer's scope closes, and waits until it has stopped; this host when no name is given. Fails
 * with `HostNotFound`.
 *
 * **Example** (Stopping one of two hosts)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Task, undefined, { host: "app:jobs" })
 *   yield* ProcessHost.stop("app:jobs")
 *   return [Exit.hasInterrupts(yield* Process.await(pid)), yield* ProcessHost.names]
 * })
 *
 * const hosts = ProcessHost.layer("app:web").pipe(Layer.provideMerge(ProcessHost.layer("app:jobs")))
 * await Effect.runPromise(Effect.provide(program, Layer.merge(TaskLive, hosts))) // => [true, ["app:web"]]
 * ```
 *
 * @category stopping
 */
export const stop = (name?: string): Effect.Effect<void, HostNotFound, ProcessHost> =>
  hostNamed(name, (host) => host.stop)
