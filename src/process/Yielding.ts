/**
 * Yielding commands: how a process asks something of the world.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type * as Selectable from "../channel/Selectable.ts"
import type { Any } from "../dispatch/Command.ts"
import type { Handles } from "../dispatch/Dispatcher.ts"
import type { DispatchError, YieldTimeout } from "../dispatch/DispatchError.ts"
import type { Answer } from "../dispatch/internal/pending.ts"
import { perform, waiting } from "../dispatch/internal/perform.ts"
import { type CurrentProcess, withLiveCell } from "./internal/services.ts"

/**
 * How a command is yielded.
 *
 * @category models
 */
export interface YieldOptions {
  /** How long its handler may take: as long as it likes when absent. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * The arguments of a yield behind its command: the payload may be left out where there is none.
 *
 * @category utility types
 */
export type YieldArguments<C extends Rpc.Any, O> = [Rpc.Payload<C>] extends [void]
  ? [payload?: undefined, options?: O]
  : [payload: Rpc.Payload<C>, options?: O]

/**
 * Why a yield can fail: its own typed error, or since it did not reach its handler, or took too long where it has a limit.
 *
 * @category utility types
 */
export type YieldError<C extends Rpc.Any, O> =
  | Rpc.Error<C>
  | DispatchError
  | (O extends { readonly timeout: Duration.Input } ? YieldTimeout : never)

/**
 * What a yield requires: that it runs in a process, and that something handles the command.
 *
 * @category utility types
 */
export type YieldServices<C extends Any> = Handles<C["module"]> | CurrentProcess

// Read before the yield is opened: what is no duration, past the types, is a defect, and leaves nothing behind.
const timeoutOf = (options: YieldOptions | undefined): Duration.Duration | undefined =>
  options?.timeout === undefined ? undefined : Duration.fromInputUnsafe(options.timeout)

const yieldCommand = <C extends Any, const O extends YieldOptions = {}>(
  command: C,
  ...[payload, options]: YieldArguments<C, O>
): Effect.Effect<Rpc.Success<C>, YieldError<C, O>, YieldServices<C>> =>
  withLiveCell((cell, fiber) => {
    const { door } = cell
    const timeout = timeoutOf(options)
    const pending = door.open(command, payload, fiber)
    return perform(door, pending, timeout) ?? waiting(pending)
  }) as Effect.Effect<Rpc.Success<C>, YieldError<C, O>, YieldServices<C>>

export {
  /**
   * Yields a command, and waits for its completion: the answer of its handler, or its typed error.
   *
   * **Details**
   *
   * - `command`: the command; that something handles its module is required of the context, so that a forgotten layer is a
   *   compile error.
   * - `payload`: what it carries; it may be left out where that is nothing.
   * - `options.timeout`: how long its handler may take.
   *
   * The yield has a tag, which counts from 1 in each process. The handler is interrupted with the process, and at the
   * deadline, and its finalizers have run when the yield ends. A defect of the handler is a defect of the yield.
   *
   * **Errors**
   *
   * The command's own, and
   *
   * - `CommandDenied`: the policy of the process does not allow it.
   * - `UnknownCommand`: nothing handles it, past the types.
   * - `InvalidCommandPayload`: the payload came past the types and does not fit its schema.
   * - `YieldTimeout`: with a `timeout`, when it was not completed in time.
   *
   * **Example** (Yielding a command)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Layer, Schema } from "effect"
   * import { Command, Dispatcher, Process, ProcessHost } from "troupe"
   *
   * const Text = Command.module("text", {
   *   upper: Command.make(300, { payload: Schema.String, success: Schema.String })
   * })
   * const TextLive = Dispatcher.layer(Text, { upper: (text) => Effect.succeed(text.toUpperCase()) })
   *
   * const Worker = Process.make("app:worker")
   * const WorkerLive = Worker.toLayer(() => Process.yield(Text.upper, "hello", { timeout: "1 second" })).pipe(
   *   Layer.provide(TextLive)
   * )
   *
   * const program = Effect.flatMap(Process.spawn(Worker), Process.await)
   * await Effect.runPromise(Effect.provide(program, [WorkerLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed("HELLO")
   * ```
   *
   * @category commands
   */
  yieldCommand as yield
}

/**
 * The type-level key of {@link Yield}.
 *
 * @category models
 */
export interface Yield<out A, out E> extends Selectable.Selectable<A, E> {
  /** Counts from 1 in each process, and is never given twice. */
  readonly tag: number
  /** Waits for the completion; as often as one likes. */
  readonly await: Effect.Effect<A, E>
  /** Interrupts the handler, and waits until its finalizers have run; who waits for the completion is interrupted. */
  readonly cancel: Effect.Effect<void>
}

/**
 * Yields a command and goes on at once, with its tag and a way to wait for its completion, which can be a case of a select.
 *
 * **Details**
 *
 * As `yield`; the handler runs in a fiber of its own, which ends with the process. Several yields may be outstanding, and
 * each is completed for itself, in whatever order.
 *
 * **Example** (Two at once)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Command, Dispatcher, Process, ProcessHost, Select } from "troupe"
 *
 * const Race = Command.module("race", {
 *   run: Command.make(300, { payload: Schema.Int, success: Schema.Int })
 * })
 * const RaceLive = Dispatcher.layer(Race, { run: (millis) => Effect.as(Effect.sleep(millis), millis) })
 *
 * const Judge = Process.make("app:judge")
 * const JudgeLive = Judge.toLayer(Effect.fn(function*() {
 *   const hare = yield* Process.yieldAsync(Race.run, 2000)
 *   const tortoise = yield* Process.yieldAsync(Race.run, 10)
 *   const winner = yield* Select.any({ hare, tortoise })
 *   return [hare.tag, tortoise.tag, winner._tag]
 * })).pipe(Layer.provide(RaceLive))
 *
 * const program = Effect.flatMap(Process.spawn(Judge), Process.await)
 * await Effect.runPromise(Effect.provide(program, [JudgeLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([1, 2, "tortoise"])
 * ```
 *
 * @category commands
 */
export const yieldAsync = <C extends Any, const O extends YieldOptions = {}>(
  command: C,
  ...[payload, options]: YieldArguments<C, O>
): Effect.Effect<Yield<Rpc.Success<C>, YieldError<C, O>>, never, YieldServices<C>> =>
  withLiveCell((cell, fiber) => {
    const { door } = cell
    const timeout = timeoutOf(options)
    const pending = door.open(command, payload, fiber)
    const answer = pending.answer as Answer as unknown as Yield<Rpc.Success<C>, YieldError<C, O>>
    const work = perform(door, pending, timeout)
    if (work === undefined || Exit.isExit(work)) return Exit.succeed(answer)
    const forked = Effect.map(Effect.forkIn(work, cell.scope, { startImmediately: true }), (worker) => {
      pending.worker = worker
      // It ends without having begun where the scope has closed, or where it is interrupted at once.
      worker.addObserver(() => pending.giveUp())
      return answer
    })
    // From here to there no interruption may leave it without a worker.
    return Effect.uninterruptible(forked)
  }) as Effect.Effect<Yield<Rpc.Success<C>, YieldError<C, O>>, never, YieldServices<C>>
