/**
 * A sandbox of Node's worker threads.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import type { InvalidOption } from "../../process/ProcessError.ts"
import type { EvalError } from "../EvalError.ts"
import { limitsOf } from "../internal/limits.ts"
import { type Limits, Sandbox } from "../Sandbox.ts"
import { crashed, memoryLimit, type Request, resultOf, timeLimit } from "./internal/answer.ts"
import { workerCode } from "./internal/evaluator.ts"

/**
 * What a sandbox of worker threads can be told.
 *
 * @category models
 */
export interface Options {
  /** How many threads there are at most; who comes later waits. As many as the machine has processors when absent. */
  readonly concurrency?: number | undefined
}

/**
 * Runs source in worker threads: one for each run, which ends with it.
 *
 * **Details**
 *
 * The source has the language alone: no `process`, no modules, no network, no files, no timers, no way to make code from
 * text (`eval`, `Function`, WebAssembly), and no shared memory. What it leaves behind is gone with its thread. `console` is
 * there and writes nowhere.
 *
 * This is a limit for code that may be wrong, and no jail for code that is out to do harm:
 *
 * - **Time.** The thread is ended at the limit, and the program goes on meanwhile. A single operation of the engine, such as
 *   sorting or splitting something huge, can't be ended before it is over; the run fails in time or a second later, and its
 *   thread keeps its place until it has ended.
 * - **Memory.** The heap and the buffers of the thread are looked at every 10 ms, garbage included, and it is ended when
 *   they are over the limit. What is allocated between two looks is there until then: some 100 MB in a loop, and up to 4 GB
 *   in one operation. The threads share the memory of the program, and there are operations on huge values for which V8 ends
 *   the program itself: `"x,".repeat(2.5e8).split(",")` is one.
 * - **Walls.** A context of `node:vm` is no security boundary, says Node. The ways out that are known are closed: no object
 *   of the host gets in, and the thread has given up its own globals and `Function`. A bug of V8 opens the whole program.
 *
 * For code of strangers take `ProcessSandbox`, which ends with a process of its own whatever happens in it. A thread costs
 * less: some 16 ms to start and end, where a process costs 40.
 *
 * **Errors**
 *
 * `InvalidOption` for a `concurrency` that is no whole number from 1 on.
 *
 * **Example** (Running a rule)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Eval } from "troupe/command"
 * import * as WorkerSandbox from "troupe/command/worker-sandbox"
 *
 * const Pricing = Process.make("app:pricing")
 * const PricingLive = Pricing.toLayer(() =>
 *   Eval.run("return input.items.reduce((sum, { price }) => sum + price, 0)", { items: [{ price: 3 }, { price: 4 }] })
 * ).pipe(Layer.provide(Eval.layer()), Layer.provide(WorkerSandbox.layer()))
 *
 * const program = Effect.flatten(Effect.flatMap(Process.spawn(Pricing), Process.await))
 * await Effect.runPromise(Effect.provide(program, [PricingLive, ProcessHost.layer("app:processes")])) // => 7
 * ```
 *
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Sandbox, InvalidOption> =>
  Layer.effect(
    Sandbox,
    Effect.gen(function* () {
      const concurrency = limitsOf("WorkerSandbox.layer").count(
        "concurrency",
        options?.concurrency,
        availableParallelism(),
        1
      )
      const places = yield* Semaphore.make(yield* concurrency)
      const scope = yield* Effect.scope
      return {
        check: (source, limits) => Effect.asVoid(evaluate(places, scope, { source, input: undefined }, limits)),
        run: (source, input, limits) => evaluate(places, scope, { source, input }, limits)
      }
    })
  )

interface Running {
  readonly worker: Worker
  readonly started: Deferred.Deferred<void>
  readonly answer: Deferred.Deferred<unknown, EvalError>
}

const evaluate = (
  places: Semaphore.Semaphore,
  scope: Scope.Scope,
  request: Omit<Request, "maxBytes">,
  limits: Limits
): Effect.Effect<string, EvalError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      yield* restore(Semaphore.take(places, 1))
      const running = yield* Effect.onError(start({ ...request, maxBytes: limits.maxBytes }, limits), () =>
        Semaphore.release(places, 1)
      )
      const outcome = restore(
        Effect.raceAllFirst([Deferred.await(running.answer), late(running, limits), large(running, limits)])
      )
      const answer = yield* Effect.ensuring(outcome, stop(running, places, scope))
      return yield* resultOf(answer, limits)
    })
  )

// V8 ends the whole program when one allocation is over a thread's limit, so that its own limit is far above ours.
const headroom = 4096

const start = (request: Request, limits: Limits): Effect.Effect<Running, EvalError> =>
  Effect.gen(function* () {
    const started = yield* Deferred.make<void>()
    const answer = yield* Deferred.make<unknown, EvalError>()
    const worker = yield* Effect.try({
      try: () =>
        new Worker(workerCode, {
          eval: true,
          name: "sandbox",
          workerData: request,
          argv: [],
          env: {},
          execArgv: [],
          stdout: true,
          stderr: true,
          resourceLimits: { maxOldGenerationSizeMb: limits.memory + headroom, maxYoungGenerationSizeMb: 16 }
        }),
      catch: (error) => crashed(`its thread was not started: ${String(error)}`)
    })
    const fail = (error: EvalError) => Deferred.doneUnsafe(answer, Exit.fail(error))
    worker.on("message", (message: unknown) => {
      if (typeof message === "object" && message !== null && "_tag" in message && message._tag === "Started") {
        Deferred.doneUnsafe(started, Exit.void)
      } else {
        Deferred.doneUnsafe(answer, Exit.succeed(message))
      }
    })
    worker.on("error", (error: unknown) => {
      const isMemory = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
      fail(isMemory ? memoryLimit(limits) : crashed(String(error)))
    })
    worker.on("exit", (code) => fail(crashed(`its thread ended with code ${code}`)))
    return { worker, started, answer }
  })

// Fails when the source has run for too long; a thread that starts slowly is not its fault.
const late = ({ started }: Running, limits: Limits): Effect.Effect<never, EvalError> =>
  Deferred.await(started).pipe(
    Effect.andThen(Effect.sleep(limits.time)),
    Effect.andThen(Effect.suspend(() => Effect.fail(timeLimit(limits))))
  )

// Fails when the thread has too much memory. It doesn't answer while it is in the middle of one operation.
const large = ({ started, worker }: Running, limits: Limits): Effect.Effect<never, EvalError> => {
  const most = limits.memory * 1024 * 1024
  const look = Effect.tryPromise(() => worker.getHeapStatistics()).pipe(
    // A thread that has ended says so by itself.
    Effect.catch(() => Effect.never),
    Effect.flatMap(({ external_memory, used_heap_size }) =>
      used_heap_size + external_memory > most ? Effect.fail(memoryLimit(limits)) : Effect.sleep("10 millis")
    )
  )
  return Effect.andThen(Deferred.await(started), Effect.forever(look))
}

// The place is free when the thread has ended. That may take long, and nobody waits for longer than a second.
const stop = ({ worker }: Running, places: Semaphore.Semaphore, scope: Scope.Scope): Effect.Effect<void> =>
  Effect.suspend(() => {
    // Told here, and not in the fiber, which does not begin when the layer is closed by now.
    const ended = worker.terminate()
    return Effect.ignore(Effect.tryPromise(() => ended)).pipe(
      Effect.andThen(Semaphore.release(places, 1)),
      Effect.forkIn(scope),
      Effect.flatMap(Fiber.await),
      Effect.timeoutOption("1 second"),
      Effect.asVoid
    )
  })
