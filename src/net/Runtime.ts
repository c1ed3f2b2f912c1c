/**
 * Runtimes: who runs of something now, and how each of them is reached; whoever looks learns of every change.
 */
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidArgument } from "./ConnectionError.ts"
import type { Ended, Instance } from "./Instance.ts"
import type { RuntimeType } from "./InstanceId.ts"
import { keeping } from "./internal/runtime/keeping.ts"
import type { RuntimeError, StartFailed } from "./RuntimeError.ts"

/**
 * The type-level and runtime key of `Runtime`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/net/Runtime"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The instances of one thing: who runs now, be it that they were started here or found somewhere.
 *
 * @category models
 */
export interface Runtime {
  readonly [TypeId]: TypeId
  /** What they run in. */
  readonly type: RuntimeType
  /**
   * Those that there are now, at once, and after each change those that there are then; it ends when nothing changes any
   * more. Who reads slowly sees the latest. One that stays is the same object each time.
   */
  readonly instances: Stream.Stream<ReadonlyArray<Instance>, RuntimeError>
}

/**
 * What starts instances of one program.
 *
 * @category models
 */
export interface Starter {
  /** What they run in. */
  readonly type: RuntimeType
  /**
   * Starts an instance of that name, and waits until it is ready; it is stopped with the scope. Two of one name that run at
   * the same time have nothing in common.
   */
  readonly start: (instance: string) => Effect.Effect<Instance, StartFailed, Scope.Scope>
}

/**
 * Makes a runtime of a stream that has who runs now at once, and again after each change.
 *
 * @category constructors
 */
export const make = (type: RuntimeType, instances: Stream.Stream<ReadonlyArray<Instance>, RuntimeError>): Runtime => ({
  [TypeId]: TypeId,
  type,
  instances
})

/**
 * Makes a runtime of instances that somebody else looks after, and that are always the same.
 *
 * **Example** (Two that are known by their addresses)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { InstanceId, Runtime, Strategy } from "troupe/net"
 * import * as Tcp from "troupe/net/tcp"
 *
 * const known = (instance: string, host: string) =>
 *   Effect.gen(function* () {
 *     return {
 *       id: yield* InstanceId.make({ runtime: "process", namespace: "images", instance }),
 *       strategy: yield* Strategy.make("process", [Tcp.make({ host, port: 4000 })]),
 *       credentials: undefined,
 *       ended: Effect.never
 *     }
 *   })
 *
 * const program = Effect.gen(function* () {
 *   const runtime = Runtime.fixed("process", [yield* known("1", "10.0.0.7"), yield* known("2", "10.0.0.8")])
 *   const [instances] = yield* Stream.runCollect(runtime.instances)
 *   return instances?.map(({ id, strategy }) => `${id} at ${strategy.transports[0].address}`)
 * })
 * await Effect.runPromise(program) // => ["process/images/1 at 10.0.0.7:4000", "process/images/2 at 10.0.0.8:4000"]
 * ```
 *
 * @category constructors
 */
export const fixed = (type: RuntimeType, instances: ReadonlyArray<Instance>): Runtime =>
  make(type, Stream.succeed(instances))

/**
 * How instances are kept running.
 *
 * @category models
 */
export interface ReplicaOptions {
  /**
   * When one that has ended, or could not be started again, is started the next time: after 100 milliseconds when absent,
   * each time twice as long, up to 30 seconds, a fifth longer at random, for ever. It begins anew for one that has run for a
   * minute; when it ends, that one is given up.
   */
  readonly restart?: Schedule.Schedule<unknown, Ended | StartFailed> | undefined
}

/**
 * Starts a number of instances, named `1` to `count`, and starts each again when it ends, until the scope closes, with which
 * all of them are stopped.
 *
 * **Details**
 *
 * It waits until all are ready. One that is started again keeps its name, and is another `Instance`; those who use it see
 * that one is gone as soon as it has ended, and the new one when that is ready. Each end is logged as a warning.
 *
 * **Errors**
 *
 * `InvalidArgument` when the count is no whole number from 1 on. `StartFailed` when one can't be started at first; those that
 * have been started are stopped. Later ones are logged, and count as ends. The stream of instances fails with `GivenUp` when all of them have been given up.
 *
 * **Example** (Three that stay)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { Runtime } from "troupe/net"
 * import * as ProcessRuntime from "troupe/net/process-runtime"
 *
 * const Images = ProcessRuntime.make({ namespace: "images", program: new URL("./images.js", import.meta.url) })
 *
 * const program = Effect.gen(function* () {
 *   const runtime = yield* Runtime.replicas(Images, 3)
 *   return runtime.instances
 * })
 * ```
 *
 * @category constructors
 */
export const replicas = (
  starter: Starter,
  count: number,
  options?: ReplicaOptions
): Effect.Effect<Runtime, StartFailed | InvalidArgument, Scope.Scope> =>
  Number.isSafeInteger(count) && count > 0
    ? Effect.map(keeping(starter.start, count, options?.restart), (instances) => make(starter.type, instances))
    : Effect.fail(
        new InvalidArgument({ argument: "count", detail: `is ${count}, and has to be a whole number from 1 on` })
      )

/**
 * Whether a value is a runtime.
 *
 * @category guards
 */
export const isRuntime = (u: unknown): u is Runtime => typeof u === "object" && u !== null && TypeId in u
