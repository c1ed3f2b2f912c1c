/**
 * An application: the services that run together, started in order, run until they are asked to end, and stopped in the
 * reverse order.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ProcessHost } from "../process/internal/services.ts"
import { runMain as runMainProgram } from "../process/TerminalHost.ts"
import type { ApplicationStopTimeout } from "./ApplicationError.ts"
import { runUntilEnd } from "./internal/running.ts"
import { run as runServices } from "./internal/services.ts"
import type { LayerError, Service } from "./Service.ts"
import type { ServiceFailed } from "./ServiceError.ts"

/**
 * What a service requires of its application.
 *
 * @category utility types
 */
export type Requirements<S> = S extends Service<infer R> ? R : never

/**
 * The layer that has services run: they are started when it is built, each after those that it depends on, and stopped when
 * its scope closes, each after those that depend on it.
 *
 * **Details**
 *
 * - Services that don't depend on each other start, and stop, side by side.
 * - Those with `autoStart`, and what they depend on, are started; the others when they are asked for with `Service.start`.
 * - A required service that can't be started blocks those that depend on it, and no others; when all is clear, what has
 *   started is stopped, and the layer fails with the error of that service.
 * - An optional one (`required: false`) is tried again in the background, as its backoff says. The layer does not wait for
 *   it, nor for those that depend on it: they start when it is up.
 *
 * Layers of services that are built together belong to one application. A service may depend on those of a layer that was
 * built before, with `Layer.provide`.
 *
 * **Errors**
 *
 * - A `ServiceSpecError`, before anything starts: `InvalidService`, `DuplicateService`, and `UnknownDependency` and
 *   `DependencyCycle`, which name the path.
 * - `ServiceStartFailed`: which service could not be started, and why.
 * - `DependencyFailed`: a required service depends on an optional one that has failed for good.
 *
 * **Example** (What is wrong is told before anything starts)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Application, Process, ProcessHost, Service } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 * const App = Application.layer([
 *   Service.make("web", Task, undefined, { autoStart: true, dependsOn: ["database"] }),
 *   Service.make("database", Task, undefined, { dependsOn: ["web"] })
 * ])
 * const program = Effect.scoped(Layer.build(App)).pipe(
 *   Effect.provide([TaskLive, ProcessHost.layer("app:processes")]),
 *   Effect.catchTag("DependencyCycle", ({ path }) => Effect.succeed(path))
 * )
 * await Effect.runPromise(program) // => ["web", "database", "web"]
 * ```
 *
 * @category layers
 */
export const layer = <const Services extends ReadonlyArray<Service<unknown>>>(
  services: Services
): Layer.Layer<never, LayerError, Requirements<Services[number]> | ProcessHost> =>
  Layer.effectDiscard(runServices(services))

/**
 * How an application runs.
 *
 * @category models
 */
export interface RunOptions<out E = never, out R = never> {
  /**
   * The main program, whose end is the end of the application and whose number is the exit code: `TerminalHost.main`, for
   * instance. Without one, the application runs until it is asked to end.
   */
  readonly main?: Effect.Effect<number, E, R> | undefined
  /** How long it has to stop once it was asked to, before what is left is killed: 30 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Why an application ended, other than in order, once it had started.
 *
 * @category errors
 */
export type RunError = ServiceFailed | ApplicationStopTimeout

/**
 * Builds an application, runs it until it is asked to end, stops it and answers the exit code of the program.
 *
 * **Details**
 *
 * It is asked to end by `TerminalHost.Shutdown`: under {@link runMain} the signals SIGINT, SIGTERM and SIGHUP. Then, and when
 * its main program has ended or a required service has failed for good, its layer is closed: services stop in the reverse
 * order of their start, then hosts. A request that comes while it starts ends the start.
 *
 * The exit code is 0 after a request to end, and otherwise the number of the main program. An interruption of this effect
 * stops the application in the same way; when it was asked to end before, what is left is killed at once.
 *
 * **Errors**
 *
 * - Those of the layer: the start failed, and what had started was stopped.
 * - Those of the main program.
 * - `ServiceFailed`: a required service, started with the application, has failed for good.
 * - `ApplicationStopTimeout`: it had not stopped in time; names what was left and killed.
 *
 * **Example** (A server that is asked to end)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Application, Process, ProcessHost, Selectable, Service, TerminalHost } from "troupe"
 *
 * const log: Array<string> = []
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(Effect.fn(function*() {
 *   log.push("open")
 *   yield* Selectable.take(yield* Web.events)
 *   log.push("closed")
 * }))
 *
 * const App = Service.layer(Web, { autoStart: true }).pipe(
 *   Layer.provide(WebLive),
 *   Layer.provide(ProcessHost.layer("app:processes"))
 * )
 * const request = Effect.as(Effect.sleep("10 millis"), "SIGTERM")
 * const program = Application.run(App).pipe(Effect.provideService(TerminalHost.Shutdown, request))
 *
 * await Effect.runPromise(program) // => 0
 * log // => ["open", "closed"]
 * ```
 *
 * @category running
 */
export const run = <ROut, E, RIn, E2 = never>(
  layer: Layer.Layer<ROut, E, RIn>,
  { main, stopTimeout = "30 seconds" }: RunOptions<E2, ROut> = {}
): Effect.Effect<number, E | E2 | RunError, RIn> =>
  runUntilEnd(layer, main, Duration.toMillis(Duration.fromInputUnsafe(stopTimeout)))

/**
 * Runs an application as the main program of the operating system's process, and exits with its code.
 *
 * **Details**
 *
 * As {@link run}, with the signals and exit codes of `TerminalHost.runMain`: the first SIGINT, SIGTERM or SIGHUP asks it to
 * end, and a second one, half a second later or more, kills what is left: 130. An error, whose report is logged, exits
 * with 1.
 *
 * **Example** (A server on Node.js)
 *
 * ```ts no-run
 * import { Effect, Layer } from "effect"
 * import { Application, Process, ProcessHost, Service } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 *
 * const App = Service.layer(Web, { autoStart: true }).pipe(
 *   Layer.provide(WebLive),
 *   Layer.provide(ProcessHost.layer("app:processes"))
 * )
 * Application.runMain(App, { stopTimeout: "10 seconds" })
 * ```
 *
 * @category running
 */
export const runMain = <ROut, E, E2 = never>(layer: Layer.Layer<ROut, E>, options?: RunOptions<E2, ROut>): void =>
  runMainProgram(run(layer, options))
