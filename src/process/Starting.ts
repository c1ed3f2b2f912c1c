/**
 * Starting a process and knowing that it is up.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import type { Allowance } from "../dispatch/internal/allowed.ts"
import type { Policy } from "../dispatch/Policy.ts"
import { type Definition, type Implementation, TypeId } from "./Definition.ts"
import type { Cell } from "./internal/cell.ts"
import type { Definition as Known } from "./internal/definition.ts"
import type { HostImpl } from "./internal/host.ts"
import { type CurrentProcess, type ProcessHost, withCell, withHost } from "./internal/services.ts"
import { type NotStarted, Start } from "./internal/start.ts"
import type { Pid } from "./Pid.ts"
import { HostNotFound, type SpawnError } from "./ProcessError.ts"
import { AlreadyStarted, type StartError } from "./StartError.ts"

/**
 * Says that this process has started: whoever started it with `Process.start`, or supervises it, goes on.
 *
 * **Details**
 *
 * For definitions with `start: "acknowledged"`; in any other process, and when it is said again, nothing happens.
 *
 * **Example** (Ready when the cache is filled)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const log: Array<string> = []
 * const Cache = Process.make("app:cache", { start: "acknowledged" })
 * const CacheLive = Cache.toLayer(Effect.fn(function*() {
 *   yield* Effect.sleep("10 millis")
 *   log.push("filled")
 *   yield* Process.ready
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.start(Cache)
 *   log.push("started")
 *   return log
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CacheLive, ProcessHost.layer("app:processes")]))
 * // => ["filled", "started"]
 * ```
 *
 * @category starting
 */
export const ready: Effect.Effect<void, never, CurrentProcess> = withCell((cell) => {
  cell.ready()
  return Exit.void
})

/**
 * Ends this process, which has nothing to do, before it has started: `Process.start` fails with `StartIgnored`, and a
 * supervisor goes on without it.
 *
 * **Example** (Nothing to do)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Sync = Process.make("app:sync", { args: Schema.Array(Schema.String), start: "acknowledged" })
 * const SyncLive = Sync.toLayer(Effect.fn(function*(folders) {
 *   if (folders.length === 0) return yield* Process.ignore
 *   yield* Process.ready
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.flip(Process.start(Sync, []))
 * const refusal = await Effect.runPromise(Effect.provide(program, [SyncLive, ProcessHost.layer("app:processes")]))
 * refusal._tag // => "StartIgnored"
 * ```
 *
 * @category starting
 */
export const ignore: Effect.Effect<never, never, CurrentProcess> = withCell((cell) => {
  cell.startup?.onIgnored()
  cell.end(Exit.void)
  return Effect.interrupt
})

/**
 * How a process is started.
 *
 * @category models
 */
export interface StartOptions {
  /** The name of the host to start it on: that of the starting process when absent. */
  readonly host?: string | undefined
  /** A name to register it under, in the same step. */
  readonly name?: string | undefined
  /** How long it has to say that it is ready: as long as it likes when absent. */
  readonly timeout?: Duration.Input | undefined
  /** The commands that it may yield, and those that it spawns, as far as the starter's own policy goes: that one when absent. */
  readonly policy?: Policy | undefined
}

/**
 * The arguments of a start behind the definition.
 *
 * @category utility types
 */
export type StartArguments<Args> = [Args] extends [void]
  ? [args?: undefined, options?: StartOptions]
  : [args: Args, options?: StartOptions]

/**
 * Spawns a process and waits until it is up; when it does not come up, it is gone.
 *
 * **Details**
 *
 * A definition with `start: "acknowledged"`, as servers and supervisors have, is up once its body has said
 * `Process.ready`; any other one as soon as it is spawned. An interrupted start kills the process,
 * unless it was up by then.
 *
 * **Errors**
 *
 * Those of a spawn, and
 *
 * - `AlreadyStarted`: a process has the name; its pid is in the error.
 * - `StartIgnored`: the body said `Process.ignore`.
 * - `StartFailed`: the process ended before it was ready, with its exit.
 * - `StartTimeout`: it was not ready in time, and was killed.
 *
 * **Example** (Starting under a name)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Clock = Process.make("app:clock")
 * const ClockLive = Clock.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.start(Clock, undefined, { name: "clock" })
 *   const refusal = yield* Effect.flip(Process.start(Clock, undefined, { name: "clock" }))
 *   return refusal.message
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")]))
 * // => 'Nothing was started, since the name "clock" belongs to {app:processes|0x00001}. Use that process, or stop it first.'
 * ```
 *
 * @category starting
 */
export const start = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  process: Definition<Name, Rpcs, Args, Success, State>,
  ...[args, options]: StartArguments<Args["Type"]>
): Effect.Effect<Pid<Rpcs>, StartError, Implementation<Name> | ProcessHost> =>
  withHost((here, fiber): Effect.Effect<Pid<Rpcs>, StartError> => {
    const spawned = spawnNamed(here, process[TypeId], args, options ?? {}, fiber)
    if (Exit.isFailure(spawned)) return Exit.failCause(spawned.cause)
    const patience = { timeout: options?.timeout, killer: undefined }
    // What the process takes is known to the compiler alone.
    return new StartOfProcess(spawned.value).begin(patience, fiber) as Effect.Effect<Pid<Rpcs>, NotStarted>
  })

class StartOfProcess extends Start<Pid<Rpc.Any>, NotStarted> {
  protected conclude(exit: Exit.Exit<void, NotStarted>): Exit.Exit<Pid<Rpc.Any>, NotStarted> {
    return Exit.map(exit, () => this.cell.pid)
  }

  // Nobody else knows of it.
  protected onInterrupted(): void {
    this.cell.kill(undefined)
  }
}

const spawnNamed = (
  here: HostImpl,
  definition: Known,
  args: unknown,
  { host: hostName = here.name, name, policy }: StartOptions,
  fiber: Fiber.Fiber<unknown, unknown>
): Exit.Exit<Cell, SpawnError | AlreadyStarted> => {
  const { hosts, names } = here.node
  const host = hosts.get(hostName)
  if (host === undefined) return Exit.fail(new HostNotFound({ host: hostName, known: [...hosts.keys()] }))
  const conditions = { allowance: policy as Allowance | undefined }
  if (name === undefined) return host.spawn(definition, args, fiber, conditions)
  const owner = names.whereis(name)
  if (owner !== undefined) return Exit.fail(new AlreadyStarted({ name, pid: owner.pid }))
  const spawned = host.spawn(definition, args, fiber, conditions)
  if (Exit.isSuccess(spawned)) names.register(name, spawned.value)
  return spawned
}
