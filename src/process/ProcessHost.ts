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
  /** How long the host runs before timers and sockets are served: 5 milliseconds when absent. */
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
 * All hosts that are built together belong to one application: they share names, groups and dead letters, and each has
 * its own run queue, so that one that is busy delays another by no more than its time slice. A program that chose a
 * scheduler of its own (a test on virtual time, for instance) keeps it.
 *
 * When it stops, the host refuses spawns and sends with `HostStopped`; each process that reads its events gets a
 * `Cancel`, and one that does not is interrupted; those that are still there after `stopTimeout` are killed.
 *
 * **Errors**
 *
 * - `HostAlreadyExists`: the application has a host of this name.
 * - `InvalidOption`: the name or an option is not valid.
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
 * @category reading
 */
export const list = (name?: string): Effect.Effect<ReadonlyArray<Pid>, HostNotFound, ProcessHost> =>
  hostNamed(name, (host) => Effect.sync(() => host.cells.map((cell) => cell.pid)))

/**
 * What a host has done and has to do, as of now; this host when no name is given. Fails with `HostNotFound`.
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
 * @category stopping
 */
export const stop = (name?: string): Effect.Effect<void, HostNotFound, ProcessHost> =>
  hostNamed(name, (host) => host.stop)
