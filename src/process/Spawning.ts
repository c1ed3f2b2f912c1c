/**
 * Starting processes.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import { effectOf, Step } from "../channel/internal/step.ts"
import { type Definition, type Implementation, TypeId } from "./Definition.ts"
import type { Cell } from "./internal/cell.ts"
import type { Definition as Known } from "./internal/definition.ts"
import { deliver } from "./internal/delivery.ts"
import type { HostImpl } from "./internal/host.ts"
import { MessageImpl } from "./internal/message.ts"
import { cellOf, CurrentProcess, hostOf, type ProcessHost } from "./internal/services.ts"
import { MonitorImpl } from "./internal/watch.ts"
import type { Pid } from "./Pid.ts"
import { nextOf, type Recorder } from "./Recording.ts"
import { HostNotFound, InvalidOption, type SendError, type SpawnError } from "./ProcessError.ts"
import type { Monitor } from "./ProcessEvent.ts"
import type { Allowance } from "../dispatch/internal/allowed.ts"
import type { Policy } from "../dispatch/Policy.ts"

/**
 * How a process is started.
 *
 * @category models
 */
export interface SpawnOptions<Rpcs extends Rpc.Any> {
  /** The name of the host to start it on: that of the spawning process when absent. */
  readonly host?: string | undefined
  /**
   * A name to register it under, in the same step. When another process has the name, none is started and that one is
   * the answer.
   */
  readonly name?: string | undefined
  /** A message that is delivered with the start, or to the process that has the name. */
  readonly message?: InitialMessage<Rpcs> | undefined
  /** The commands that it may yield, and those that it spawns, as far as the spawner's own policy goes: that one when absent. */
  readonly policy?: Policy | undefined
  /** Writes down what its body does and is given, so that it can be replayed. */
  readonly record?: Recorder | undefined
}

/**
 * A message that is given along with a spawn.
 *
 * @category models
 */
export type InitialMessage<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any
  ? [Rpc.Payload<Rpcs>] extends [void]
    ? { readonly topic: Rpc.Tag<Rpcs>; readonly payload?: undefined }
    : { readonly topic: Rpc.Tag<Rpcs>; readonly payload: Rpc.Payload<Rpcs> }
  : never

/**
 * The argument that carries the arguments of a body: it may be left out where there are none.
 *
 * @category utility types
 */
export type ArgumentsOf<Args> = [Args] extends [void] ? [args?: undefined] : [args: Args]

/**
 * Why a spawn can fail: a message given along may be refused as well.
 *
 * @category utility types
 */
export type SpawnFailure<Options> = Options extends { readonly message: object } ? SpawnError | SendError : SpawnError

/**
 * A function that starts a process: the arguments may be left out, with the options, where the body has none.
 *
 * @category utility types
 */
export interface Spawn<Answers extends "pid" | "monitor", Requires> {
  <Name extends string, Rpcs extends Rpc.Any, Success extends Schema.Top, State extends Schema.Top>(
    process: Definition<Name, Rpcs, typeof Schema.Void, Success, State>
  ): Effect.Effect<Spawned<Answers, Rpcs>, SpawnError, Implementation<Name> | Requires>
  <
    Name extends string,
    Rpcs extends Rpc.Any,
    Args extends Schema.Top,
    Success extends Schema.Top,
    State extends Schema.Top,
    const O extends SpawnOptions<Rpcs> = {}
  >(
    process: Definition<Name, Rpcs, Args, Success, State>,
    args: Args["Type"],
    options?: O
  ): Effect.Effect<Spawned<Answers, Rpcs>, SpawnFailure<O>, Implementation<Name> | Requires>
}

/**
 * What a spawn answers: the pid, or a monitor that has it.
 *
 * @category utility types
 */
export type Spawned<Answers extends "pid" | "monitor", Rpcs extends Rpc.Any> = Answers extends "pid"
  ? Pid<Rpcs>
  : Monitor<Rpcs>

interface AnyProcess {
  readonly [TypeId]: Known
}

interface Options {
  readonly host?: string | undefined
  readonly name?: string | undefined
  readonly message?: { readonly topic: string; readonly payload?: unknown } | undefined
  readonly policy?: Policy | undefined
  readonly record?: Recorder | undefined
}

const usedRecorder = (process: string): InvalidOption =>
  new InvalidOption({
    subject: `the process ${process}`,
    option: "record",
    value: "a recorder that has recorded another process",
    expected: "a recorder of its own, or one that records into a folder"
  })

/** What a spawn answers: what it sets up is there before the body begins, also when that ends at once. */
type Answering = (cell: Cell, self: Cell) => unknown

class Spawning extends Step {
  private readonly process: Known
  private readonly args: unknown
  private readonly options: Options | undefined
  private readonly answering: Answering | undefined

  /** `answering`: how to answer a process that spawns; whoever else spawns gets the pid. */
  constructor(process: Known, args: unknown, options: Options | undefined, answering?: Answering) {
    super()
    this.process = process
    this.args = args
    this.options = options
    this.answering = answering
  }

  // A message that comes with it may have to wait for space.
  override now(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, SpawnError | SendError> | undefined {
    return this.options === undefined ? this.run(fiber) : undefined
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, SpawnError | SendError> {
    const self = this.answering === undefined ? undefined : selfOf(fiber)
    if (self?.status === "ended") return Effect.interrupt
    const here = hostOf(fiber)
    if (this.options !== undefined) return this.spawnAs(this.options, here, self, fiber)
    const spawned = here.spawn(this.process, this.args, fiber)
    return Exit.isFailure(spawned) ? spawned : Exit.succeed(this.answer(spawned.value, self))
  }

  private answer(cell: Cell, self: Cell | undefined): unknown {
    return this.answering === undefined || self === undefined ? cell.pid : this.answering(cell, self)
  }

  private spawnAs(
    options: Options,
    here: HostImpl,
    self: Cell | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<unknown, SpawnError | SendError> {
    const { process } = this
    const { hosts, names } = here.node
    const { host: hostName = here.name, message, name, policy, record } = options
    const owner = name === undefined ? undefined : names.whereis(name)
    let cell = owner
    if (cell === undefined) {
      const host = hosts.get(hostName)
      if (host === undefined) return Exit.fail(new HostNotFound({ host: hostName, known: [...hosts.keys()] }))
      const witness = nextOf(record)
      if (record !== undefined && witness === undefined) return Exit.fail(usedRecorder(process.name))
      const spawned = host.spawn(process, this.args, fiber, { allowance: policy as Allowance | undefined, witness })
      if (Exit.isFailure(spawned)) return spawned
      cell = spawned.value
      if (name !== undefined) names.register(name, cell)
    }
    const result = this.answer(cell, self)
    return message === undefined
      ? Exit.succeed(result)
      : Effect.as(deliver(cell, new MessageImpl(message.topic, message.payload, cellOf(fiber)?.pid)), result)
  }
}

const selfOf = (fiber: Fiber.Fiber<unknown, unknown>): Cell => Context.getUnsafe(fiber.context, CurrentProcess) as Cell

/**
 * Starts a process and answers its pid; the process can be sent to at once, and its body begins in a step of its own.
 *
 * **Details**
 *
 * - `process`: the definition. Its implementation is required of the context, so that a forgotten layer is a compile
 *   error.
 * - `args`: the arguments of the body; they may be left out where there are none.
 * - `options`: the host, a name, a message to give along, a policy, and a recorder.
 *
 * The process lives until its body ends, and not longer than its host; it does not end with its spawner (that is what
 * links are for). It sees the context of its spawner, the services of its own implementation over it, and over those
 * whatever the spawning process provided around the spawn, which its descendants see as well.
 *
 * **Errors**
 *
 * - `HostNotFound`: there is no host of the name.
 * - `HostStopped`: the host is stopping or has stopped.
 * - `InvalidArguments`: the arguments came past the types and do not fit their schema.
 * - `InvalidOption`: the definition's inbox has options that it can't have.
 * - `DefinitionNotFound`: the implementation's layer was forgotten, past the types.
 * - with a message: those of `send`.
 *
 * **Example** (Starting a process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Sum = Process.make("app:sum", { args: Schema.Array(Schema.Number), success: Schema.Number })
 * const SumLive = Sum.toLayer((numbers) => Effect.succeed(numbers.reduce((a, b) => a + b, 0)))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Sum, [1, 2, 3])
 *   return yield* Effect.flatten(Process.await(pid))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [SumLive, ProcessHost.layer("app:processes")])) // => 6
 * ```
 *
 * @category spawning
 */
export const spawn: Spawn<"pid", ProcessHost> = (process: AnyProcess, args?: unknown, options?: Options) =>
  effectOf(new Spawning(process[TypeId], args, options)) as never

/**
 * Starts a process and monitors it in the same step, so that its exit is seen even if it ends at once.
 *
 * **Details**
 *
 * As `spawn`, then as `monitor`; the monitor that is answered has the pid.
 *
 * **Example** (Waiting for a child's result)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Fetcher = Process.make("app:fetcher", { args: Schema.String })
 * const FetcherLive = Fetcher.toLayer((path) => Effect.succeed(`page ${path}`))
 *
 * const Crawler = Process.make("app:crawler")
 * const CrawlerLive = Crawler.toLayer(Effect.fn(function*() {
 *   const monitor = yield* Process.spawnMonitored(Fetcher, "/home")
 *   const event = yield* Selectable.take(yield* Crawler.events)
 *   return event._tag === "Exit" && event.monitor === monitor ? yield* event.exit : event._tag
 * })).pipe(Layer.provide(FetcherLive))
 *
 * const program = Effect.flatMap(Process.spawn(Crawler), Process.await)
 * await Effect.runPromise(Effect.provide(program, [CrawlerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("page /home")
 * ```
 *
 * @category spawning
 */
export const spawnMonitored: Spawn<"monitor", ProcessHost | CurrentProcess> = (
  process: AnyProcess,
  args?: unknown,
  options?: Options
) => spawnWatched(process[TypeId], args, options, (cell, self) => MonitorImpl.start(self, cell)) as never

/**
 * Starts a process and links it to this one in the same step.
 *
 * **Details**
 *
 * As `spawn`, then as `link`.
 *
 * **Example** (Sharing the fate of a child)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Logger } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Disk = Process.make("app:disk")
 * const DiskLive = Disk.toLayer(() => Effect.fail("disk is full"))
 *
 * const Store = Process.make("app:store")
 * const StoreLive = Store.toLayer(Effect.fn(function*() {
 *   yield* Process.spawnLinked(Disk)
 *   return yield* Effect.never
 * })).pipe(Layer.provide(DiskLive))
 *
 * const program = Process.spawn(Store).pipe(Effect.flatMap(Process.await), Effect.flatten, Effect.flip)
 * await Effect.runPromise(Effect.provide(program, [StoreLive, ProcessHost.layer("app:processes"), Logger.layer([])]))
 * // => "disk is full"
 * ```
 *
 * @category spawning
 */
export const spawnLinked: Spawn<"pid", ProcessHost | CurrentProcess> = (
  process: AnyProcess,
  args?: unknown,
  options?: Options
) =>
  spawnWatched(process[TypeId], args, options, (cell, self) => {
    self.link(cell)
    return cell.pid
  }) as never

/**
 * Starts a process, links it to this one and monitors it, all in the same step.
 *
 * **Details**
 *
 * As `spawn`, then as `link` and `monitor`; the monitor that is answered has the pid.
 *
 * **Example** (A child that ends with its parent)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const Parent = Process.make("app:parent")
 * const ParentLive = Parent.toLayer(Effect.fn(function*() {
 *   const monitor = yield* Process.spawnLinkedMonitored(Task)
 *   const { links, watchers } = yield* Process.info(monitor.pid)
 *   return { links: links.length, watchers }
 * })).pipe(Layer.provide(TaskLive))
 *
 * const program = Effect.flatMap(Process.spawn(Parent), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ParentLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed({ links: 1, watchers: 1 })
 * ```
 *
 * @category spawning
 */
export const spawnLinkedMonitored: Spawn<"monitor", ProcessHost | CurrentProcess> = (
  process: AnyProcess,
  args?: unknown,
  options?: Options
) =>
  spawnWatched(process[TypeId], args, options, (cell, self) => {
    self.link(cell)
    return MonitorImpl.start(self, cell)
  }) as never

const spawnWatched = (
  process: Known,
  args: unknown,
  options: Options | undefined,
  answering: Answering
): Effect.Effect<unknown, SpawnError | SendError, CurrentProcess | ProcessHost> =>
  effectOf(new Spawning(process, args, options, answering))
