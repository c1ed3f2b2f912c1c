/**
 * A runtime of worker threads: each instance is a thread of this program, which is started, reached and stopped from here.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { env } from "node:process"
import type { Instance } from "../../Instance.ts"
import * as InstanceId from "../../InstanceId.ts"
import type { Starter } from "../../Runtime.ts"
import type { StartFailed } from "../../RuntimeError.ts"
import * as Strategy from "../../Strategy.ts"
import { identified } from "./internal/failing.ts"
import { ThreadProgram } from "./internal/ThreadProgram.ts"
import { whole } from "./internal/whole.ts"

/**
 * What is started, and how.
 *
 * @category models
 */
export interface Options {
  /** What the instances are instances of: the middle part of their names. */
  readonly namespace: string
  /** The file of the thread's program, which serves with `WorkerInstance.serve`. */
  readonly program: string | URL
  /** What the thread finds in `process.argv`, behind the first two. */
  readonly args?: ReadonlyArray<string> | undefined
  /** What Node itself is given; what this program was given when absent. */
  readonly execArgv?: ReadonlyArray<string> | undefined
  /** How long it may take until it is ready: 30 seconds when absent. */
  readonly startTimeout?: Duration.Input | undefined
  /** How long it may take to end when it was asked to, until it is ended where it stands: 15 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Makes what starts instances of a program, each in a worker thread.
 *
 * **Details**
 *
 * An instance is reached through the port of its thread, which nobody else has: there are no credentials. It has ended when
 * its thread has: by itself, by `process.exit`, which ends that thread alone, or by an error that nobody caught. It is asked
 * to stop, answers what it has underway, and ends; after `stopTimeout` the thread is ended where it stands, also in a loop.
 *
 * **Errors**
 *
 * To start fails with `StartFailed`: there is no such program, it ended before it was ready, it was not ready in time, or it
 * said why it can't serve.
 *
 * **Example** (A program that is not there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as WorkerRuntime from "troupe/net/worker-runtime"
 *
 * const Images = WorkerRuntime.make({ namespace: "images", program: "/nowhere/images.js" })
 *
 * const program = Effect.flip(Images.start("1"))
 * await Effect.runPromise(Effect.scoped(program)).then(({ reason }) => reason) // => "NotFound"
 * ```
 *
 * @category constructors
 */
export const make = (options: Options): Starter => ({
  type: "worker",
  start: (instance) => whole(starting(options, instance))
})

const starting = Effect.fnUntraced(function* (
  options: Options,
  instance: string
): Effect.fn.Return<Instance, StartFailed, Scope.Scope> {
  const { args, execArgv, namespace, program } = options
  const { failing, id, path } = yield* identified("worker", namespace, instance, program)
  const thread = yield* ThreadProgram.start({
    script: path,
    worker: {
      name: String(id),
      env: { ...env, ...InstanceId.toEnvironment(id) },
      ...(args === undefined ? {} : { argv: [...args] }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] })
    },
    startTimeout: Duration.fromInputUnsafe(options.startTimeout ?? "30 seconds"),
    grace: Duration.fromInputUnsafe(options.stopTimeout ?? "15 seconds"),
    failing
  })
  return {
    id,
    strategy: yield* Effect.orDie(Strategy.make("worker", [thread.transport])),
    credentials: undefined,
    ended: thread.ended
  }
})
