/**
 * What a process is told beside its messages: that another one ended, that it is asked to end, that its inbox grows.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type { Pid } from "./Pid.ts"

/**
 * One watch of one process over another; it stands for itself, so that two of the same process give two exit events.
 *
 * @category models
 */
export interface Monitor<in Rpcs extends Rpc.Any = never> {
  /** The process that is watched. */
  readonly pid: Pid<Rpcs>
}

/**
 * A monitored process ended, or was gone when it was monitored.
 *
 * **Details**
 *
 * `exit` is the whole outcome: the value that the process returned, the typed error, the defect, or the interruption
 * (`requesterOf` tells who asked for it). It is a failure with `NoProcess` when there was no process to monitor.
 *
 * **Example** (Telling how a process ended)
 *
 * ```ts import.meta.vitest
 * import { Cause, Effect, Exit, Layer, Logger } from "effect"
 * import { Process, type ProcessEvent, ProcessHost, Selectable } from "troupe"
 *
 * const report = ({ exit, from }: ProcessEvent.Exited): string =>
 *   Exit.match(exit, {
 *     onSuccess: (value) => `${from} returned ${value}`,
 *     onFailure: (cause) => Cause.hasInterruptsOnly(cause) ? `${from} was ended` : `${from}: ${Cause.squash(cause)}`
 *   })
 *
 * const Worker = Process.make("app:worker")
 * const WorkerLive = Worker.toLayer(() => Effect.fail("out of paper"))
 *
 * const Boss = Process.make("app:boss")
 * const BossLive = Boss.toLayer(Effect.fn(function*() {
 *   yield* Process.spawnMonitored(Worker)
 *   const event = yield* Selectable.take(yield* Boss.events)
 *   return event._tag === "Exit" ? report(event) : event._tag
 * })).pipe(Layer.provide(WorkerLive))
 *
 * const program = Effect.flatMap(Process.spawn(Boss), Process.await)
 * await Effect.runPromise(Effect.provide(program, [BossLive, ProcessHost.layer("app:processes"), Logger.layer([])]))
 * // => Exit.succeed("{app:processes|0x00002}: out of paper")
 * ```
 *
 * @category models
 */
export interface Exited {
  readonly _tag: "Exit"
  readonly from: Pid
  readonly monitor: Monitor
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * A linked process ended, and this process traps exits.
 *
 * @category models
 */
export interface LinkDown {
  readonly _tag: "LinkDown"
  readonly from: Pid
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * The process is asked to end, in its own time.
 *
 * @category models
 */
export interface Cancel {
  readonly _tag: "Cancel"
  /** The process that asks; `undefined` when it is its host, or the request comes from outside of any process. */
  readonly from: Pid | undefined
  readonly reason: string
}

/**
 * The inbox has grown to its high-water mark.
 *
 * @category models
 */
export interface InboxHigh {
  readonly _tag: "InboxHigh"
  readonly length: number
}

/**
 * A service that this one depends on has failed for good: it is not started again unless somebody asks for it.
 *
 * @category models
 */
export interface DependencyFailed {
  readonly _tag: "DependencyFailed"
  /** The id of the service that failed. */
  readonly service: string
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * What a process is told: a union that `_tag` narrows.
 *
 * @category models
 */
export type ProcessEvent = Exited | LinkDown | Cancel | InboxHigh | DependencyFailed

/**
 * Who asked for an interruption, as an annotation of the exit's cause.
 *
 * @category models
 */
export class Requester extends Context.Service<Requester, Pid>()("troupe/process/ProcessEvent/Requester") {}

/**
 * That a process was killed: ended at once, without a wait for its finalizers; an annotation of the exit's cause.
 *
 * @category models
 */
export class Killed extends Context.Service<Killed, true>()("troupe/process/ProcessEvent/Killed") {}

/**
 * The process that asked for the interruption with which `exit` ended; `undefined` when there was none, or the request
 * came from outside of any process.
 *
 * **Example** (Who ended a process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessEvent, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const Owner = Process.make("app:owner")
 * const OwnerLive = Owner.toLayer(Effect.fn(function*() {
 *   const task = yield* Process.spawn(Task)
 *   yield* Process.terminate(task)
 *   return ProcessEvent.requesterOf(yield* Process.await(task)) === (yield* Owner.self)
 * })).pipe(Layer.provide(TaskLive))
 *
 * const program = Effect.flatMap(Process.spawn(Owner), Process.await)
 * await Effect.runPromise(Effect.provide(program, [OwnerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(true)
 * ```
 *
 * @category reading
 */
export const requesterOf = (exit: Exit.Exit<unknown, unknown>): Pid | undefined =>
  exit._tag === "Failure" ? Context.getOrUndefined(Cause.annotations(exit.cause), Requester) : undefined

/**
 * Whether a process was killed.
 *
 * **Example** (Killed, or terminated)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessEvent, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const killed = yield* Process.spawn(Task)
 *   const terminated = yield* Process.spawn(Task)
 *   yield* Process.kill(killed)
 *   yield* Process.terminate(terminated)
 *   return (yield* Effect.forEach([killed, terminated], Process.await)).map(ProcessEvent.isKilled)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [TaskLive, ProcessHost.layer("app:processes")])) // => [true, false]
 * ```
 *
 * @category reading
 */
export const isKilled = (exit: Exit.Exit<unknown, unknown>): boolean =>
  exit._tag === "Failure" && Context.getOrUndefined(Cause.annotations(exit.cause), Killed) === true
