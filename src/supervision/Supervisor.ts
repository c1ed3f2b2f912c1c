/**
 * A process whose work is to have other processes run: it starts them in order, starts them again when they end, and
 * stops them in the reverse order.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Definition, Implementation } from "../process/internal/definition.ts"
import { inherited } from "../process/internal/environment.ts"
import { type ProcessHost, withCell, withHost } from "../process/internal/services.ts"
import type { Pid } from "../process/Pid.ts"
import * as Process from "../process/Process.ts"
import type { StartError, StartFailed } from "../process/StartError.ts"
import type { ChildSpec, Requirements } from "./ChildSpec.ts"
import { settingsOf } from "./internal/settings.ts"
import type { ChildSpecImpl } from "./internal/spec.ts"
import { SupervisorImpl } from "./internal/SupervisorImpl.ts"
import { invalidChildren, invalidOptions } from "./internal/validate.ts"
import { ChildStartFailed, isSpecError, type SpecError } from "./SupervisorError.ts"

export * from "./Administration.ts"

/**
 * The type-level and runtime key of `Supervisor`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/supervision/Supervisor"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A kind of supervisor, as a value; `R` is what it must be started with: the implementations of its children.
 *
 * @category models
 */
export interface Supervisor<out R = never> {
  readonly [TypeId]: { readonly _R: (_: never) => R; readonly implementation: Implementation }
  /** The name of the definition. */
  readonly name: string
}

/**
 * What happens to the other children when one is restarted.
 *
 * **Details**
 *
 * - `one_for_one`: nothing.
 * - `one_for_all`: they are stopped, the last one first, and all are started in order.
 * - `rest_for_one`: the same, for those that were started after it.
 * - `dynamic`: nothing; the children are not known beforehand, have no order, and are stopped side by side. One that
 *   has ended and is not restarted is forgotten.
 *
 * @category models
 */
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "dynamic"

/**
 * Whether a supervisor ends, in order, when significant children have ended and are not restarted: never, with the first
 * of them, or with the last.
 *
 * @category models
 */
export type AutoShutdown = "never" | "any" | "all"

/**
 * How a supervisor behaves.
 *
 * @category models
 */
export interface Options<out Spec extends ChildSpec<unknown> = ChildSpec<unknown>, out R = unknown> {
  /** `one_for_one` when absent. */
  readonly strategy?: Strategy | undefined
  /** How many restarts within `period` it does; with one more it gives up. 1 when absent. */
  readonly intensity?: number | undefined
  /** The time that `intensity` is about: 5 seconds when absent. */
  readonly period?: Duration.Input | undefined
  /** `never` when absent. */
  readonly autoShutdown?: AutoShutdown | undefined
  /** With the strategy `dynamic`: how many children it has at most, those counted that are being restarted. */
  readonly maxChildren?: number | undefined
  /**
   * The children to start with, in order; or an effect, run in the supervisor's process, that finds out. It may end with
   * `Process.ignore` when there is nothing to supervise.
   */
  readonly children?: ReadonlyArray<Spec> | Effect.Effect<ReadonlyArray<Spec>, unknown, R> | undefined
}

/**
 * Makes the definition of a supervisor; nothing runs until it is started, or a supervisor that has it as a child.
 *
 * **Details**
 *
 * A child is restarted as its `restart` says. When children end more often than `intensity` times within `period`, the
 * supervisor stops the others, the last one first, and ends with `TooManyRestarts`; so a supervisor above it takes its
 * turn. A restart that fails counts again, and is tried again. Children with a `backoff` or a `budget` of their own count
 * against that alone.
 *
 * When it is asked to end (`Process.cancel`, `Process.terminate`, its own supervisor, its host), it stops its children, the
 * last one first, each as its `shutdown` says. When it is killed, its children are killed with it: none outlives it.
 *
 * **Example** (A tree of two)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Cache = Process.make("app:cache")
 * const CacheLive = Cache.toLayer(() => Effect.never)
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 *
 * const Tree = Supervisor.make("app:tree", {
 *   strategy: "rest_for_one",
 *   children: [ChildSpec.make(Cache, undefined, { id: "cache" }), ChildSpec.make(Web, undefined, { id: "web" })]
 * })
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* Supervisor.start(Tree)
 *   return (yield* Supervisor.list(tree)).map(({ id, state }) => `${id} ${state}`)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CacheLive, WebLive, ProcessHost.layer("app:processes")]))
 * // => ["cache running", "web running"]
 * ```
 *
 * @category constructors
 */
export const make = <Spec extends ChildSpec<unknown> = never, R = never>(
  name: string,
  options: Options<Spec, R>
): Supervisor<R | Requirements<Spec>> => {
  const process = Process.make(name, { start: "acknowledged" })
  const definition: Definition = process[Process.TypeId]
  const implementation: Implementation = {
    definition,
    body: () => supervise(name, options) as Effect.Effect<unknown, unknown>,
    services: Context.empty()
  }
  return { [TypeId]: { _R: (_) => _, implementation }, name }
}

const supervise = (name: string, options: Options): Effect.Effect<void, unknown, unknown> =>
  withCell((cell, fiber) =>
    Effect.gen(function* () {
      const children = Effect.isEffect(options.children) ? yield* options.children : (options.children ?? [])
      const wrong = invalidOptions(name, options) ?? invalidChildren(name, options, children)
      if (wrong !== undefined) return yield* Effect.fail(wrong)
      const supervisor = new SupervisorImpl(cell, settingsOf(options), inherited(fiber.context, cell))
      cell.role = supervisor
      yield* Effect.onExit(
        Effect.gen(function* () {
          // They are what was found to be valid.
          yield* supervisor.startAll(children as ReadonlyArray<ChildSpec<unknown>> as ReadonlyArray<ChildSpecImpl>)
          yield* Process.ready
          yield* supervisor.run
        }),
        () => supervisor.end
      )
    })
  )

/**
 * How a supervisor is started.
 *
 * @category models
 */
export type StartOptions = Process.StartOptions

/**
 * Starts a supervisor and waits until its children are up, each before the next one.
 *
 * **Details**
 *
 * When a child can't be started, those before it are stopped, the last one first, and nothing is left. The supervisor is
 * nobody's child: put it into another one's children instead, or use {@link layer}, for it to end with something.
 *
 * **Errors**
 *
 * - A `SpecError`, before any child starts: `InvalidSupervisor`, `DuplicateChild`, `MissingChildId`, `NotAChildSpec`,
 *   `InvalidChild`, `ConflictingOptions`.
 * - `ChildStartFailed`: which child could not be started, and why.
 * - Those of `Process.start`.
 *
 * **Example** (A child that can't be started)
 *
 * ```ts import.meta.vitest
 * import { Effect, Logger } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Database = Process.make("app:database", { start: "acknowledged" })
 * const DatabaseLive = Database.toLayer(() => Effect.fail("no such file"))
 *
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Database)] })
 *
 * const program = Effect.gen(function*() {
 *   const error = yield* Effect.flip(Supervisor.start(Tree))
 *   return [error._tag, (yield* ProcessHost.list()).length]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [DatabaseLive, ProcessHost.layer("app:processes"), Logger.layer([])]))
 * // => ["ChildStartFailed", 0]
 * ```
 *
 * @category starting
 */
export const start = <R>(
  supervisor: Supervisor<R>,
  options?: StartOptions
): Effect.Effect<Pid, StartError | SpecError | ChildStartFailed, R | ProcessHost> => {
  const { implementation } = supervisor[TypeId]
  const process = { [Process.TypeId]: implementation.definition, name: supervisor.name } as never
  const started = Process.start(process, undefined as never, options) as Effect.Effect<Pid, StartError, R | ProcessHost>
  return started.pipe(
    Effect.provideService(implementation.definition.key, implementation),
    Effect.mapError((error) => (error._tag === "StartFailed" ? (reasonOf(error) ?? error) : error))
  )
}

// What the supervisor found wrong is the error, and not that its process ended.
const reasonOf = (error: StartFailed): SpecError | ChildStartFailed | undefined => {
  const exit: Exit.Exit<unknown, unknown> = error.exit
  const reason = Option.getOrUndefined(Exit.findErrorOption(exit))
  return reason instanceof ChildStartFailed || isSpecError(reason) ? reason : undefined
}

/**
 * The layer that has a supervisor run: it is started when the layer is built, and stopped with all its children when its
 * scope closes.
 *
 * **Example** (A tree as a part of an application)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web)] })
 *
 * const App = Supervisor.layer(Tree).pipe(
 *   Layer.provide(WebLive),
 *   Layer.provideMerge(ProcessHost.layer("app:processes"))
 * )
 * await Effect.runPromise(Effect.provide(Effect.map(ProcessHost.list(), (pids) => pids.length), App)) // => 2
 * ```
 *
 * @category starting
 */
export const layer = <R>(
  supervisor: Supervisor<R>,
  options?: StartOptions
): Layer.Layer<never, StartError | SpecError | ChildStartFailed, R | ProcessHost> =>
  Layer.effectDiscard(Effect.acquireRelease(start(supervisor, options), stop))

/**
 * Has a supervisor stop its children, the last one first, and waits until it has ended; nothing happens when there is no
 * such process.
 *
 * **Example** (Taking a tree down)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web)] })
 *
 * const program = Effect.gen(function*() {
 *   yield* Supervisor.stop(yield* Supervisor.start(Tree))
 *   return yield* ProcessHost.list()
 * })
 * await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")])) // => []
 * ```
 *
 * @category ending
 */
export const stop = (supervisor: Pid): Effect.Effect<void, never, ProcessHost> =>
  withHost(() => Effect.andThen(Effect.ignore(Process.cancel(supervisor, "it is stopped")), Process.await(supervisor)))
