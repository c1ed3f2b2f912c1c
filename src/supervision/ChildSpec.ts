/**
 * How a supervisor starts a child, restarts it and stops it.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { Policy } from "../dispatch/Policy.ts"
import type { DeadLetter, Reason } from "../process/DeadLetter.ts"
import type { Recorder } from "../process/Recording.ts"
import { type Definition, type Implementation, TypeId as ProcessTypeId } from "../process/Definition.ts"
import { ChildSpecImpl } from "./internal/spec.ts"
import { type Supervisor, TypeId as SupervisorTypeId } from "./Supervisor.ts"

/**
 * The type-level and runtime key of `ChildSpec`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/supervision/ChildSpec"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A child of a supervisor, as a value; `R` is what its supervisor must be started with.
 *
 * @category models
 */
export interface ChildSpec<out R = never> {
  readonly [TypeId]: { readonly _R: (_: never) => R }
  /** What the child is called among its siblings. */
  readonly id: string
}

/**
 * What a supervisor must be started with for it to have a child.
 *
 * @category utility types
 */
export type Requirements<Spec extends ChildSpec<unknown>> = Spec extends ChildSpec<infer R> ? R : never

/**
 * When a child is restarted.
 *
 * **Details**
 *
 * - `permanent`: however it ended.
 * - `transient`: when it failed or was killed, and not when it returned, ended with `Shutdown`, or was asked to end.
 * - `temporary`: never; it is forgotten when it has ended.
 *
 * @category models
 */
export type Restart = "permanent" | "transient" | "temporary"

/**
 * The end of a child that is to be restarted, as a backoff schedule sees it.
 *
 * @category models
 */
export interface Ended {
  readonly id: string
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * How a child is supervised.
 *
 * @category models
 */
export interface Options<R = never> {
  /** What it is called among its siblings: the name of its definition when absent. */
  readonly id?: string | undefined
  /** When it is restarted: `permanent` when absent. */
  readonly restart?: Restart | undefined
  /**
   * How it is stopped: `brutal` kills it; a time is how long it has to end after it was asked to, before it is killed. 5
   * seconds when absent, and as long as it takes when the child is a supervisor.
   */
  readonly shutdown?: "brutal" | Duration.Input | undefined
  /** Whether its end may end its supervisor, whose `autoShutdown` says how. */
  readonly significant?: boolean | undefined
  /** A name to register it under, each time that it is started. */
  readonly name?: string | undefined
  /** The host to start it on: that of its supervisor when absent. */
  readonly host?: string | undefined
  /**
   * Writes down what its bodies do and are given, so that they can be replayed: one that records into a folder records every
   * body, any other one the first.
   */
  readonly record?: Recorder | undefined
  /** The commands that it may yield, and those that it spawns, as far as its supervisor's policy goes: that when absent. */
  readonly policy?: Policy | undefined
  /** How long it has to start: as long as it takes when absent. */
  readonly startTimeout?: Duration.Input | undefined
  /**
   * What happens when it can't be started for the first time: with `retry` it stays known, its supervisor goes on without
   * it and starts it again, as if it had ended. Otherwise it is not taken in, and the start of its supervisor fails.
   */
  readonly startFailure?: "retry" | undefined
  /**
   * How long to wait before each restart; at once when absent. When the schedule ends, the child is given up. A child
   * with a schedule does not count against the intensity of its supervisor.
   */
  readonly backoff?: Schedule.Schedule<unknown, Ended> | undefined
  /** How long it must have run for its `backoff` to begin anew. Never when absent. */
  readonly resetAfter?: Duration.Input | undefined
  /**
   * How many times it is restarted within which time before it is given up. A child with a budget of its own does not
   * count against the intensity of its supervisor.
   */
  readonly budget?: { readonly restarts: number; readonly within: Duration.Input } | undefined
  /**
   * What becomes of the messages that it has not taken when it ends by itself and is restarted: with `keep` it keeps
   * its pid, its names, its monitors and its queued messages; otherwise, and always when it was killed or terminated, they
   * are undelivered, and a new process is started.
   */
  readonly inbox?: "keep" | undefined
  /** With `inbox: "keep"`: how many messages may wait while it is down; without limit when absent. */
  readonly stash?: number | undefined
  /**
   * With `inbox: "keep"`: whether the processes that are linked to it stay linked when it is restarted, or are told of its
   * exit, and have ended before it begins again.
   */
  readonly linked?: "stop" | "keep" | undefined
  /**
   * Takes the messages that the child accepted and never took, once for each end, with the reason; they are dead letters
   * when absent. Calls are not among them: they come back to their callers.
   */
  readonly onUndelivered?:
    | ((reason: Reason, messages: ReadonlyArray<DeadLetter>) => Effect.Effect<void, never, R>)
    | undefined
}

/**
 * Makes the specification of a child.
 *
 * **Details**
 *
 * - `process`: the definition of a process, or a supervisor.
 * - `args`: what the process is started with, each time; to be left out where it takes none.
 *
 * What is wrong with it is told by whoever starts it, before any child starts.
 *
 * **Example** (A worker and a supervisor)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { ChildSpec, Process, Supervisor } from "troupe"
 *
 * const Fetcher = Process.make("app:fetcher", { args: Schema.String })
 * const Inner = Supervisor.make("app:inner", { children: [] })
 *
 * const children = [
 *   ChildSpec.make(Fetcher, "https://example.org", { restart: "transient", shutdown: "1 second" }),
 *   ChildSpec.make(Inner)
 * ]
 * children.map((child) => child.id) // => ["app:fetcher", "app:inner"]
 * ```
 *
 * @category constructors
 */
export const make: {
  <R, R2 = never>(supervisor: Supervisor<R>, args?: undefined, options?: Options<R2>): ChildSpec<R | R2>
  <
    Name extends string,
    Rpcs extends Rpc.Any,
    Args extends Schema.Top,
    Success extends Schema.Top,
    State extends Schema.Top,
    R2 = never
  >(
    process: Definition<Name, Rpcs, Args, Success, State>,
    ...[args, options]: [Args["Type"]] extends [void]
      ? [args?: undefined, options?: Options<R2>]
      : [args: Args["Type"], options?: Options<R2>]
  ): ChildSpec<Implementation<Name> | R2>
} = (
  subject: Supervisor<unknown> | Definition<string, Rpc.Any, Schema.Top, Schema.Top, Schema.Top>,
  args?: unknown,
  options?: Options<unknown>
): ChildSpec<never> => {
  const implementation = SupervisorTypeId in subject ? subject[SupervisorTypeId].implementation : undefined
  const definition =
    SupervisorTypeId in subject ? subject[SupervisorTypeId].implementation.definition : subject[ProcessTypeId]
  return new ChildSpecImpl(definition, implementation, args, options ?? {})
}
