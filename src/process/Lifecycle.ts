/**
 * The life of a process: its coroutines, how it ends itself and others, and how it becomes another.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import { Allowed } from "../dispatch/internal/allowed.ts"
import { type Definition, type Implementation, TypeId } from "./Definition.ts"
import { argumentsRefusalOf } from "./internal/definition.ts"
import { interruption } from "./internal/exit.ts"
import { type CurrentProcess, type ProcessHost, withCell } from "./internal/services.ts"
import { withTarget, withTargetAnywhere } from "./internal/target.ts"
import type { Pid } from "./Pid.ts"
import { DefinitionNotFound, type NoConnection, type ProcessNotFound } from "./ProcessError.ts"
import type { ArgumentsOf } from "./Spawning.ts"
import { await as awaitExit } from "./Watching.ts"

/**
 * The pid of the process that the code runs in.
 *
 * **Details**
 *
 * A definition's own `self` knows which messages the process takes.
 *
 * **Example** (How a pid prints)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.map(Process.self, String))
 *
 * const program = Effect.flatMap(Process.spawn(Task), Process.await)
 * await Effect.runPromise(Effect.provide(program, [TaskLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("{app:processes|0x00001}")
 * ```
 *
 * @category running
 */
export const self: Effect.Effect<Pid, never, CurrentProcess> = withCell((cell) => Effect.succeed(cell.pid))

/**
 * Runs an effect as a coroutine: beside the body, in the memory of the process, and not longer than it.
 *
 * **Details**
 *
 * When the body returns or the process ends otherwise, its coroutines are interrupted, and have ended before the exit
 * can be seen. A coroutine that fails, and is not interrupted, ends the process with its cause: handle errors inside
 * it. Many coroutines may take from one inbox: each message goes to one of them.
 *
 * **Example** (Serving calls beside the body)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Selectable } from "troupe"
 *
 * const Counter = Process.make("app:counter", { protocol: [Rpc.make("count", { success: Schema.Int })] })
 * const CounterLive = Counter.toLayer(Effect.fn(function*() {
 *   let served = 0
 *   const serve = Effect.flatMap(Counter.receive(), (message) => Message.reply(message, ++served))
 *   yield* Process.fork(Effect.forever(serve))
 *   yield* Selectable.take(yield* Counter.events)
 *   return `served ${served}`
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Counter)
 *   yield* Process.call(pid, "count")
 *   yield* Process.call(pid, "count")
 *   yield* Process.cancel(pid)
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CounterLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("served 2")
 * ```
 *
 * @category running
 */
export const fork = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Fiber.Fiber<A, E>, never, R | CurrentProcess> =>
  withCell((cell) =>
    Effect.map(Effect.forkIn(effect, cell.scope), (fiber) => {
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) cell.end(exit)
      })
      return fiber
    })
  )

/**
 * Asks a process to end: it gets a `Cancel` event with the reason, and ends in its own time, or not at all.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid, and with `NoConnection` when its node is not connected
 * or is lost meanwhile.
 *
 * **Example** (Asking politely)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Server = Process.make("app:server")
 * const ServerLive = Server.toLayer(Effect.fn(function*() {
 *   const event = yield* Selectable.take(yield* Server.events)
 *   return event._tag === "Cancel" ? `closed: ${event.reason}` : event._tag
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Server)
 *   yield* Process.cancel(pid, "maintenance")
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ServerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("closed: maintenance")
 * ```
 *
 * @category ending
 */
export const cancel = (
  pid: Pid,
  reason = "cancelled"
): Effect.Effect<void, ProcessNotFound | NoConnection, ProcessHost> =>
  withTargetAnywhere(pid, { _tag: "Cancel", reason }, (cell, from) =>
    Effect.sync(() => cell.tell({ _tag: "Cancel", from, reason }))
  )

/**
 * Ends a process and waits until its finalizers have run and it is gone.
 *
 * **Details**
 *
 * It is interrupted wherever it is, before it takes another message; its exit is an interruption, and `requesterOf`
 * tells which process asked for it. A process that is ending for another reason ends with that one. Fails with
 * `ProcessNotFound` when there is no process under the pid, and with `NoConnection` when its node is not connected or is lost
 * meanwhile.
 *
 * **Example** (Finalizers have run)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 *
 * const log: Array<string> = []
 * const Cache = Process.make("app:cache", { protocol: [Rpc.make("ready")] })
 * const CacheLive = Cache.toLayer(Effect.fn(function*() {
 *   yield* Effect.addFinalizer(() => Effect.sync(() => log.push("flushed")))
 *   yield* Message.reply(yield* Cache.receive(), undefined)
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Cache)
 *   yield* Process.call(pid, "ready")
 *   yield* Process.terminate(pid)
 *   return log
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CacheLive, ProcessHost.layer("app:processes")])) // => ["flushed"]
 * ```
 *
 * @category ending
 */
export const terminate = (pid: Pid): Effect.Effect<void, ProcessNotFound | NoConnection, ProcessHost> =>
  withTargetAnywhere(pid, { _tag: "Terminate" }, (cell, from) =>
    Effect.andThen(
      Effect.sync(() => {
        cell.dismiss()
        cell.stop(interruption(from))
      }),
      Effect.asVoid(awaitExit(pid))
    )
  )

/**
 * Ends a process at once: it is gone when the effect succeeds, whatever it was doing.
 *
 * **Details**
 *
 * Its finalizers run as soon as they can; nobody waits for them. Its exit is an interruption for which `isKilled`
 * holds; linked processes end with it, or are told of it if they trap exits. Fails with `ProcessNotFound` when there is
 * no process under the pid, and with `NoConnection` when its node is not connected or is lost meanwhile.
 *
 * **Example** (Gone at once)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Process, ProcessEvent, ProcessHost } from "troupe"
 *
 * const Stuck = Process.make("app:stuck")
 * const StuckLive = Stuck.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Stuck)
 *   yield* Process.kill(pid)
 *   const left = yield* ProcessHost.list()
 *   return [left.length, ProcessEvent.isKilled(yield* Process.await(pid))]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [StuckLive, ProcessHost.layer("app:processes")])) // => [0, true]
 * ```
 *
 * @category ending
 */
export const kill = (pid: Pid): Effect.Effect<void, ProcessNotFound | NoConnection, ProcessHost> =>
  withTargetAnywhere(pid, { _tag: "Kill" }, (cell, from) => Effect.sync(() => cell.kill(from)))

/**
 * Ends this process with an exit, from its body or from any of its coroutines; nothing after it runs but finalizers.
 *
 * **Details**
 *
 * Handlers of typed errors do not see it. A process that is ending already ends for the first reason. A failure is
 * reported, like one of the body.
 *
 * **Example** (Ending from a coroutine)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Search = Process.make("app:search")
 * const SearchLive = Search.toLayer(Effect.fn(function*() {
 *   yield* Process.fork(Process.exit(Exit.succeed("found")))
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.flatMap(Process.spawn(Search), Process.await)
 * await Effect.runPromise(Effect.provide(program, [SearchLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("found")
 * ```
 *
 * @category ending
 */
export const exit = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<never, never, CurrentProcess> =>
  withCell((cell) => {
    cell.end(exit)
    return Effect.interrupt
  })

/**
 * Has this process go on as another definition: the same pid, names, groups, monitors, links and queued messages.
 *
 * **Details**
 *
 * The body is unwound (its coroutines, listeners and scope end), and the new one begins; it may yield what the code that
 * asks for it may. When it can't begin, because of arguments that do not fit or a missing implementation, the process ends
 * with that error. Whoever waits for the start of a process that has yet to say that it is ready waits for that of what it
 * becomes.
 *
 * **Example** (Becoming another)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Push = Rpc.make("push")
 * const Open = Process.make("app:open", { args: Schema.String, protocol: [Push] })
 * const OpenLive = Open.toLayer((who) => Effect.as(Open.receive(), `${who} is in`))
 *
 * const Closed = Process.make("app:closed", { protocol: [Rpc.make("knock", { payload: Schema.String }), Push] })
 * const ClosedLive = Closed.toLayer(Effect.fn(function*() {
 *   const knock = yield* Closed.receive("knock")
 *   return yield* Process.upgrade(Open, knock.payload)
 * })).pipe(Layer.provide(OpenLive))
 *
 * const program = Effect.gen(function*() {
 *   const door = yield* Process.spawn(Closed)
 *   yield* Process.send(door, "push")
 *   yield* Process.send(door, "knock", "Ada")
 *   return yield* Process.await(door)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ClosedLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("Ada is in")
 * ```
 *
 * @category running
 */
export const upgrade = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  process: Definition<Name, Rpcs, Args, Success, State>,
  ...[args]: ArgumentsOf<Args["Type"]>
): Effect.Effect<never, never, CurrentProcess | Implementation<Name>> =>
  withCell((cell, fiber) => {
    const definition = process[TypeId]
    const implementation = Context.getOrUndefined(fiber.context, definition.key)
    const refusal =
      implementation === undefined
        ? new DefinitionNotFound({ process: definition.name })
        : argumentsRefusalOf(definition, args)
    if (refusal !== undefined) return exit(Exit.fail(refusal))
    if (implementation !== undefined)
      cell.upgrade({ implementation, args, allowance: Context.get(fiber.context, Allowed) })
    return Effect.interrupt
  })

/**
 * What is known of a process.
 *
 * @category models
 */
export interface Info {
  readonly pid: Pid
  /** The name of its definition. */
  readonly process: string
  /** Whether it runs, is ending, or is down and about to be restarted. */
  readonly status: "running" | "closing" | "restarting"
  /** How many messages it has not taken, in its inbox and its listeners. */
  readonly queued: number
  readonly links: ReadonlyArray<Pid>
  /** How many watch it: monitors, waits and calls. */
  readonly watchers: number
  readonly trapsExits: boolean
  readonly names: ReadonlyArray<string>
  readonly groups: ReadonlyArray<string>
}

/**
 * What is known of a process, as of now. Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * **Example** (Looking at a process)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Mail = Process.make("app:mail", { protocol: [Rpc.make("letter")] })
 * const MailLive = Mail.toLayer(() => Effect.never)
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Mail, undefined, { name: "mail" })
 *   yield* Process.send(pid, "letter")
 *   const { names, process, queued } = yield* Process.info(pid)
 *   return { names, process, queued }
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [MailLive, ProcessHost.layer("app:processes")]))
 * // => { names: ["mail"], process: "app:mail", queued: 1 }
 * ```
 *
 * @category reading
 */
export const info = (pid: Pid): Effect.Effect<Info, ProcessNotFound, ProcessHost> =>
  withTarget(pid, (cell) =>
    Effect.sync(() => ({
      pid: cell.pid,
      process: cell.definition.name,
      status: cell.status === "running" || cell.status === "restarting" ? cell.status : "closing",
      queued: cell.queued,
      links: [
        ...Array.from(cell.links ?? [], (partner) => partner.pid),
        ...Array.from(cell.host.node.remotes.values(), (remote) => remote.partners.of(cell)).flat()
      ],
      watchers: (cell.watchers?.size ?? 0) + (cell.calls?.all.length ?? 0),
      trapsExits: cell.trapsExits,
      names: cell.host.node.names.of(cell),
      groups: cell.host.node.groups.of(cell)
    }))
  )
