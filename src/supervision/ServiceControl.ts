/**
 * What can be asked of the services of the running application.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import { type ProcessHost, withHost } from "../process/internal/services.ts"
import type { ServiceImpl } from "./internal/ServiceImpl.ts"
import { errorOf } from "./internal/services.ts"
import { type ServiceTable, tableOf } from "./internal/ServiceTable.ts"
import { type DependencyFailed, type ServiceClosed, ServiceNotFound, type ServiceStartFailed } from "./ServiceError.ts"
import type { Status } from "./ServiceStatus.ts"

const withService = <A, E>(
  id: string,
  f: (service: ServiceImpl, table: ServiceTable) => Effect.Effect<A, E>
): Effect.Effect<A, E | ServiceNotFound, ProcessHost> =>
  withHost((host): Effect.Effect<A, E | ServiceNotFound> => {
    const table = tableOf(host.node)
    const service = table.services.get(id)
    return service === undefined
      ? Effect.fail(new ServiceNotFound({ service: id, known: [...table.services.keys()] }))
      : f(service, table)
  })

const started = (
  service: ServiceImpl,
  table: ServiceTable
): Effect.Effect<Status, ServiceStartFailed | DependencyFailed | ServiceClosed> =>
  Effect.flatMap(
    Effect.suspend(() => table.start([service])),
    (): Effect.Effect<Status, ServiceStartFailed | DependencyFailed> => {
      const error = errorOf([service])
      return error === undefined ? Effect.succeed(service.status) : Effect.fail(error)
    }
  )

/**
 * Starts a service, and before it those that it depends on, and answers its status once that is clear; one that is up is
 * left as it is.
 *
 * **Details**
 *
 * The status is `starting` when the service is tried again in the background, or waits for one that is. An interrupted wait
 * leaves it to start.
 *
 * **Errors**
 *
 * - `ServiceNotFound`: the application has no such service.
 * - `ServiceStartFailed`: it did not come up, and is not tried again. `DependencyFailed`: it was not started, since one that
 *   it depends on has failed.
 * - `ServiceClosed`: the application stops.
 *
 * **Example** (A service on request)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost, Service } from "troupe"
 *
 * const Report = Process.make("app:report")
 * const ReportLive = Report.toLayer(() => Effect.never)
 *
 * const App = Service.layer(Report, { id: "report" }).pipe(
 *   Layer.provide(ReportLive),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * const program = Effect.gen(function*() {
 *   const before = yield* Service.find("report")
 *   return [before.state, (yield* Service.start("report")).state]
 * })
 * await Effect.runPromise(Effect.provide(program, App)) // => ["stopped", "running"]
 * ```
 *
 * @category administration
 */
export const start = (
  id: string
): Effect.Effect<Status, ServiceNotFound | ServiceStartFailed | DependencyFailed | ServiceClosed, ProcessHost> =>
  withService(id, started)

/**
 * Stops a service, after those that depend on it, and waits until it has ended; it is not started again by itself.
 *
 * **Details**
 *
 * Its process is asked to end, and killed when it has not within its `stopTimeout`: the exit in its status is then that of a
 * kill, and a warning is logged. A service that has exited or failed is left as it is. An interrupted wait leaves it to
 * stop. Fails with `ServiceNotFound`.
 *
 * **Example** (Stopping, last one first)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Application, Process, ProcessHost, Service } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 * const App = Application.layer([
 *   Service.make("database", Task, undefined, { autoStart: true }),
 *   Service.make("web", Task, undefined, { autoStart: true, dependsOn: ["database"] }),
 *   Service.make("mail", Task, undefined, { autoStart: true })
 * ]).pipe(Layer.provide(TaskLive), Layer.provideMerge(ProcessHost.layer("app:processes")))
 *
 * const program = Effect.gen(function*() {
 *   yield* Service.stop("database")
 *   return (yield* Service.list).map(({ id, state }) => `${id} ${state}`)
 * })
 * await Effect.runPromise(Effect.provide(program, App))
 * // => ["database stopped", "web stopped", "mail running"]
 * ```
 *
 * @category administration
 */
export const stop = (id: string): Effect.Effect<void, ServiceNotFound, ProcessHost> =>
  withService(id, (service, table) => table.stopWithDependents(service))

/**
 * Stops a service and starts it again, with all its attempts; those that depend on it go on, as they do when it fails.
 *
 * **Details**
 *
 * Answers its status and fails as {@link start} does.
 *
 * **Example** (A new process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost, Service } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const App = Service.layer(Web, { id: "web", autoStart: true }).pipe(
 *   Layer.provide(WebLive),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * const program = Effect.gen(function*() {
 *   const before = yield* Service.find("web")
 *   const after = yield* Service.restart("web")
 *   return [after.state, String(after.pid) === String(before.pid)]
 * })
 * await Effect.runPromise(Effect.provide(program, App)) // => ["running", false]
 * ```
 *
 * @category administration
 */
export const restart = (
  id: string
): Effect.Effect<Status, ServiceNotFound | ServiceStartFailed | DependencyFailed | ServiceClosed, ProcessHost> =>
  withService(id, (service, table) => Effect.andThen(service.halt, started(service, table)))

/**
 * The services of the application, each after those that it depends on.
 *
 * **Example** (Who is there)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost, Service } from "troupe"
 *
 * const Once = Process.make("app:once")
 * const OnceLive = Once.toLayer(() => Effect.succeed("done"))
 * const App = Service.layer(Once, { id: "migration", autoStart: true }).pipe(
 *   Layer.provide(OnceLive),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * const program = Effect.gen(function*() {
 *   yield* Effect.sleep("10 millis")
 *   return (yield* Service.list).map(({ exit, id, state }) => `${id} ${state}: ${exit?._tag}`)
 * })
 * await Effect.runPromise(Effect.provide(program, App)) // => ["migration exited: Success"]
 * ```
 *
 * @category reading
 */
export const list: Effect.Effect<ReadonlyArray<Status>, never, ProcessHost> = withHost((host) =>
  Effect.sync(() => tableOf(host.node).all.map(({ status }) => status))
)

/**
 * What is known of one service; fails with `ServiceNotFound`.
 *
 * **Example** (A service that there is not)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ProcessHost, Service } from "troupe"
 *
 * const program = Effect.map(Effect.flip(Service.find("web")), (error) => error._tag)
 * await Effect.runPromise(Effect.provide(program, ProcessHost.layer("app:processes"))) // => "ServiceNotFound"
 * ```
 *
 * @category reading
 */
export const find = (id: string): Effect.Effect<Status, ServiceNotFound, ProcessHost> =>
  withService(id, (service) => Effect.sync(() => service.status))

/**
 * Subscribes to the states of the application's services: every change that comes while the scope is open is yielded, in
 * order.
 *
 * **Example** (A crash and a restart)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost, Selectable, Service } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const App = Service.layer(Web, { id: "web", autoStart: true, backoff: { min: "10 millis" } }).pipe(
 *   Layer.provide(WebLive),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * const program = Effect.gen(function*() {
 *   const changes = yield* Service.changes
 *   const { pid } = yield* Service.find("web")
 *   if (pid !== undefined) yield* Process.kill(pid)
 *   return [(yield* Selectable.take(changes)).state, (yield* Selectable.take(changes)).state]
 * })
 * await Effect.runPromise(Effect.provide(Effect.scoped(program), App)) // => ["starting", "running"]
 * ```
 *
 * @category reading
 */
export const changes: Effect.Effect<Selectable<Status>, never, ProcessHost | Scope.Scope> = withHost((host) =>
  tableOf(host.node).changes.subscribe()
)
