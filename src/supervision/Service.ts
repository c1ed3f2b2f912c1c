/**
 * A part of an application that is to run: a process, or a supervisor, that is started with the application, after what it
 * depends on, started again when it fails, and stopped with the application.
 */
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { Definition, Implementation } from "../process/Definition.ts"
import type { ProcessHost } from "../process/internal/services.ts"
import type * as Backoff from "./Backoff.ts"
import type { Ended } from "./ChildSpec.ts"
import { run } from "./internal/services.ts"
import { ServiceSpec, type Subject } from "./internal/serviceSpec.ts"
import type { DependencyFailed, ServiceClosed, ServiceSpecError, ServiceStartFailed } from "./ServiceError.ts"
import type { Supervisor } from "./Supervisor.ts"

export * from "./ServiceControl.ts"
export type * from "./ServiceStatus.ts"

/**
 * The type-level and runtime key of `Service`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/supervision/Service"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A service, as a value; `R` is what the application must provide for it: the implementation of its process.
 *
 * @category models
 */
export interface Service<out R = never> {
  readonly [TypeId]: { readonly _R: (_: never) => R }
  /** What it is called in its application. */
  readonly id: string
}

/**
 * How a service is run.
 *
 * @category models
 */
export interface Options {
  /** The host to run it on: that of the application when absent. */
  readonly host?: string | undefined
  /** A name to register its process under, each time that it is started. */
  readonly name?: string | undefined
  /** Whether it is started with the application; otherwise when it is asked for, or something that depends on it starts. */
  readonly autoStart?: boolean | undefined
  /** The services, or their ids, that have to be up before it starts. */
  readonly dependsOn?: ReadonlyArray<string | Service<unknown>> | undefined
  /**
   * Whether the application can't do without it, which is so when absent. When it can't be started, neither can the
   * application; an optional one is tried again in the background.
   */
  readonly required?: boolean | undefined
  /** How long it has to start: 10 seconds when absent. */
  readonly startTimeout?: Duration.Input | undefined
  /** How long it has to end after it was asked to, before it is killed: 10 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
  /** How long it must have run for its backoff and its attempts to begin anew: 5 seconds when absent. */
  readonly stableThreshold?: Duration.Input | undefined
  /**
   * How long to wait before it is started again after a failure: as an exponential backoff, whose defaults are a `min` of 1
   * second, a `max` of 90 seconds, a `factor` of 2 and a `jitter` of 0.1; or as any schedule.
   */
  readonly backoff?: Partial<Backoff.Options> | Schedule.Schedule<unknown, Ended> | undefined
  /** How many times it is started again, with no stable run in between, before it is given up: without limit when absent. */
  readonly maxAttempts?: number | undefined
  /**
   * With `keep`, a process that fails keeps its pid, its names, its monitors and its queued messages when it is started
   * again; see `ChildSpec`.
   */
  readonly inbox?: "keep" | undefined
}

/**
 * Makes a service; nothing runs until the layer of an application that has it is built.
 *
 * **Details**
 *
 * - `id`: tells the services of an application apart.
 * - `process`: the definition of a process, or a supervisor.
 * - `args`: what the process is started with, each time; to be left out where it takes none.
 *
 * A service runs under a supervisor of its own. When its process fails or is killed, it is started again after its backoff;
 * when it returns, it has exited and is not. When it has used up its attempts it has failed: those that depend on it and
 * run get a `DependencyFailed` event, and those that wait for it fail with `DependencyFailed`.
 *
 * What is wrong with it is told when the layer is built, before anything starts.
 *
 * **Example** (Two services, one after the other)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Application, Process, ProcessHost, Service } from "troupe"
 *
 * const Database = Process.make("app:database")
 * const DatabaseLive = Database.toLayer(() => Effect.never)
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 *
 * const database = Service.make("database", Database)
 * const web = Service.make("web", Web, undefined, { autoStart: true, dependsOn: [database], maxAttempts: 5 })
 *
 * const App = Application.layer([web, database]).pipe(
 *   Layer.provide([DatabaseLive, WebLive]),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * const program = Effect.map(Service.list, (services) => services.map(({ id, state }) => `${id} ${state}`))
 * await Effect.runPromise(Effect.provide(program, App)) // => ["database running", "web running"]
 * ```
 *
 * @category constructors
 */
export const make: {
  <R>(id: string, supervisor: Supervisor<R>, args?: undefined, options?: Options): Service<R>
  <
    Name extends string,
    Rpcs extends Rpc.Any,
    Args extends Schema.Top,
    Success extends Schema.Top,
    State extends Schema.Top
  >(
    id: string,
    process: Definition<Name, Rpcs, Args, Success, State>,
    ...[args, options]: [Args["Type"]] extends [void]
      ? [args?: undefined, options?: Options]
      : [args: Args["Type"], options?: Options]
  ): Service<Implementation<Name>>
} = (id: string, subject: Subject, args?: unknown, options?: Options): Service<never> =>
  new ServiceSpec(id, subject, args, options ?? {})

/**
 * Why the layer of services can't be built.
 *
 * @category errors
 */
export type LayerError = ServiceSpecError | ServiceStartFailed | DependencyFailed | ServiceClosed

/**
 * How a service is run whose layer is made in one go.
 *
 * @category models
 */
export interface LayerOptions extends Options {
  /** What it is called in its application: the name of the process when absent. */
  readonly id?: string | undefined
}

/**
 * The layer that has one service run: as `Application.layer` with that one.
 *
 * **Details**
 *
 * Takes a service, or what one is made of: a process, or a supervisor, and options, among them the `args` of a process
 * that takes some. It may depend on services whose layers were built before, with `Layer.provide`.
 *
 * **Example** (A process that starts with the application)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost, Service } from "troupe"
 *
 * const Relay = Process.make("app:relay")
 * const RelayLive = Relay.toLayer(() => Effect.never)
 *
 * const App = Service.layer(Relay, { id: "relay-service", autoStart: true }).pipe(
 *   Layer.provide(RelayLive),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * const program = Effect.map(Service.find("relay-service"), ({ state }) => state)
 * await Effect.runPromise(Effect.provide(program, App)) // => "running"
 * ```
 *
 * @category layers
 */
export const layer: {
  <R>(service: Service<R>): Layer.Layer<never, LayerError, R | ProcessHost>
  <R>(supervisor: Supervisor<R>, options?: LayerOptions): Layer.Layer<never, LayerError, R | ProcessHost>
  <
    Name extends string,
    Rpcs extends Rpc.Any,
    Args extends Schema.Top,
    Success extends Schema.Top,
    State extends Schema.Top
  >(
    process: Definition<Name, Rpcs, Args, Success, State>,
    ...[options]: [Args["Type"]] extends [void]
      ? [options?: LayerOptions]
      : [options: LayerOptions & { readonly args: Args["Type"] }]
  ): Layer.Layer<never, LayerError, Implementation<Name> | ProcessHost>
} = (
  subject: Service<unknown> | Subject,
  { args, id, ...options }: LayerOptions & { readonly args?: unknown } = {}
): Layer.Layer<never, LayerError, ProcessHost> => {
  const service = TypeId in subject ? subject : new ServiceSpec(id ?? subject.name, subject, args, options)
  return Layer.effectDiscard(run([service]))
}
