/**
 * Interceptors: what stands between the commands that are yielded and their handlers, such as spans, metrics, retries, and
 * fakes in tests.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { Rpc } from "effect/rpc"
import type { Any } from "./Command.ts"
import type { Around, Registry } from "./internal/registry.ts"
import { Dispatcher, registryLayer } from "./internal/services.ts"
import type { AnyYielded, Yielded } from "./Yielded.ts"

/**
 * The type-level and runtime key of `Interceptor`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/dispatch/Interceptor"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * What stands around handlers.
 *
 * @category models
 */
export interface Interceptor {
  readonly [TypeId]: Around
}

/**
 * Stands around the handler of every command.
 *
 * **Details**
 *
 * - `around`: given what was yielded, and the effect that does the work, which may be run once, several times, or not at
 *   all; it changes neither the type of the answer nor that of the error.
 *
 * It runs with the services of the handler, where the handler would: an interruption reaches both.
 *
 * **Example** (A log of all commands)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Command, Dispatcher, Interceptor, Process, ProcessHost } from "troupe"
 *
 * const Lamp = Command.module("lamp", { on: Command.make(300), off: Command.make(301) })
 * const LampLive = Dispatcher.layer(Lamp, { on: () => Effect.void, off: () => Effect.void })
 *
 * const log: Array<string> = []
 * const Logged = Interceptor.layer(Interceptor.make((yielded, work) => {
 *   log.push(`${yielded.tag} ${yielded.command._tag}`)
 *   return work
 * }))
 *
 * const Child = Process.make("app:child")
 * const ChildLive = Child.toLayer(() => Effect.andThen(Process.yield(Lamp.on), Process.yield(Lamp.off))).pipe(
 *   Layer.provide([LampLive, Logged])
 * )
 *
 * const program = Effect.flatMap(Process.spawn(Child), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ChildLive, ProcessHost.layer("app:processes")]))
 * log // => ["1 lamp.on", "2 lamp.off"]
 * ```
 *
 * @category constructors
 */
export const make = (
  around: <A, E>(yielded: AnyYielded, work: Effect.Effect<A, E>) => Effect.Effect<A, E>
): Interceptor => ({ [TypeId]: around as unknown as Around })

/**
 * Stands around the handler of one command, with its types: a fake answers in its place.
 *
 * **Example** (A fake in a test)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Command, Dispatcher, Interceptor, Process, ProcessHost } from "troupe"
 *
 * const Weather = Command.module("weather", { celsius: Command.make(300, { success: Schema.Number }) })
 * const WeatherLive = Dispatcher.layer(Weather, { celsius: () => Effect.never })
 * const Sunny = Interceptor.layer(Interceptor.of(Weather.celsius, () => Effect.succeed(25)))
 *
 * const Guide = Process.make("app:guide")
 * const GuideLive = Guide.toLayer(() => Process.yield(Weather.celsius)).pipe(Layer.provide([WeatherLive, Sunny]))
 *
 * const program = Effect.flatMap(Process.spawn(Guide), Process.await)
 * await Effect.runPromise(Effect.provide(program, [GuideLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(25)
 * ```
 *
 * @category constructors
 */
export const of = <C extends Any>(
  command: C,
  around: (
    payload: Rpc.Payload<C>,
    work: Effect.Effect<Rpc.Success<C>, Rpc.Error<C>>,
    yielded: Yielded<Rpc.Success<C>, Rpc.Error<C>>
  ) => Effect.Effect<Rpc.Success<C>, Rpc.Error<C>>
): Interceptor => {
  const run = around as (payload: unknown, work: unknown, yielded: AnyYielded) => Effect.Effect<unknown, unknown>
  return {
    [TypeId]: (yielded, work) => (yielded.command._tag === command._tag ? run(yielded.payload, work, yielded) : work)
  }
}

/**
 * Opens a span around each command, with its id, its tag and the process as attributes.
 *
 * @category interceptors
 */
export const spans: Interceptor = make(({ command, process, tag }, work) =>
  Effect.withSpan(work, command._tag, {
    kind: "client",
    attributes: { "troupe.command.id": command.id, "troupe.process": process.id, "troupe.tag": tag }
  })
)

const completed = Metric.counter("troupe_commands_total", {
  description: "Commands that were completed, by command and outcome (success, failure, defect, interruption)",
  incremental: true
})

const seconds = Metric.histogram("troupe_command_seconds", {
  description: "How long commands took, in seconds, by command",
  boundaries: Metric.exponentialBoundaries({ start: 0.0001, factor: 4, count: 10 })
})

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  if (Exit.hasDies(exit)) return "defect"
  return Exit.hasFails(exit) ? "failure" : "interruption"
}

/**
 * Counts commands by outcome (`troupe_commands_total`) and how long they took (`troupe_command_seconds`).
 *
 * @category interceptors
 */
export const metrics: Interceptor = make(({ command }, work) =>
  Effect.flatMap(Clock.monotonicTimeNanos, (begun) =>
    Effect.onExit(work, (exit) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (ended) =>
        Effect.andThen(
          Metric.update(Metric.withAttributes(completed, { command: command._tag, outcome: outcomeOf(exit) }), 1),
          Metric.update(Metric.withAttributes(seconds, { command: command._tag }), Number(ended - begun) / 1e9)
        )
      )
    )
  )
)

/**
 * Has interceptors stand around the handlers of the application, the first one outermost, until the layer's scope closes.
 *
 * **Details**
 *
 * Of several such layers, one that is built later stands further inside. Without any, a yield pays nothing for them.
 *
 * @category layers
 */
export const layer = (...interceptors: ReadonlyArray<Interceptor>): Layer.Layer<Dispatcher> =>
  Layer.effectDiscard(
    Effect.flatMap(Dispatcher, (registry) =>
      Effect.forEach(interceptors, (interceptor) =>
        Effect.acquireRelease(
          Effect.sync(() => (registry as Registry).intercept(interceptor[TypeId])),
          (remove) => Effect.sync(remove)
        )
      )
    )
  ).pipe(Layer.provideMerge(registryLayer))
