/**
 * Learning of the end of other processes: monitors tell, links share the fate.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type { Selectable } from "../channel/Selectable.ts"
import { cellAt } from "./internal/delivery.ts"
import { Far } from "./internal/remote.ts"
import { type CurrentProcess, type ProcessHost, withCell, withHost, withLiveCell } from "./internal/services.ts"
import { MonitorImpl, noProcess } from "./internal/watch.ts"
import type { Watcher } from "./internal/watcher.ts"
import type { Pid } from "./Pid.ts"
import { type NoConnection, ProcessNotFound } from "./ProcessError.ts"
import type { Monitor, ProcessEvent } from "./ProcessEvent.ts"

/**
 * Monitors a process: exactly one `Exit` event follows, when it ends, with its whole outcome.
 *
 * **Details**
 *
 * Each monitor stands for itself: two of the same process give two events. For a process that is gone the event comes
 * at once, with `NoProcess`; for one of a node that is not connected, or is lost, with `NoConnection`. The event comes after the names and group memberships of the process are gone, and after
 * its coroutines and finalizers have ended. The monitor ends with this process.
 *
 * The exit of a process of another node has its value as the definition's `success` schema encodes it, for that schema to
 * decode, and `undefined` where it can't; typed errors that only that node knows come as `RemoteFailure`.
 *
 * **Example** (Seeing a failure)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Worker = Process.make("app:worker")
 * const WorkerLive = Worker.toLayer(() => Effect.succeed("done"))
 *
 * const Boss = Process.make("app:boss")
 * const BossLive = Boss.toLayer(Effect.fn(function*() {
 *   const events = yield* Boss.events
 *   const monitor = yield* Process.spawnMonitored(Worker)
 *   const event = yield* Selectable.take(events)
 *   return event._tag === "Exit" && event.monitor === monitor && Exit.isSuccess(event.exit) ? event.exit.value : "?"
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const boss = yield* Process.spawn(Boss)
 *   return yield* Effect.flatten(Process.await(boss))
 * })
 *
 * const live = Layer.provideMerge(BossLive, Layer.merge(WorkerLive, ProcessHost.layer("app:processes")))
 * await Effect.runPromise(Effect.provide(program, live)) // => "done"
 * ```
 *
 * @category watching
 */
export const monitor = <Rpcs extends Rpc.Any>(
  pid: Pid<Rpcs>
): Effect.Effect<Monitor<Rpcs>, never, CurrentProcess | ProcessHost> =>
  withLiveCell((self) =>
    withHost((host) => {
      const target = cellAt(host, pid)
      if (target !== undefined) return Effect.succeed<Monitor<Rpcs>>(MonitorImpl.start(self, target))
      const far = Far.at(host.node, pid)
      return Effect.succeed<Monitor<Rpcs>>(
        far === undefined ? MonitorImpl.ofNothing(self, pid) : MonitorImpl.startFar(self, pid, far)
      )
    })
  )

/**
 * Calls a monitor off: no event follows that is not in the process's events already. Once more does nothing.
 *
 * **Example** (Looking away)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Option } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.never)
 *
 * const Owner = Process.make("app:owner")
 * const OwnerLive = Owner.toLayer(Effect.fn(function*() {
 *   const monitor = yield* Process.spawnMonitored(Task)
 *   yield* Process.demonitor(monitor)
 *   yield* Process.terminate(monitor.pid)
 *   return yield* Selectable.poll(yield* Owner.events)
 * })).pipe(Layer.provide(TaskLive))
 *
 * const program = Effect.flatMap(Process.spawn(Owner), Process.await)
 * await Effect.runPromise(Effect.provide(program, [OwnerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(Option.none())
 * ```
 *
 * @category watching
 */
export const demonitor = (monitor: Monitor): Effect.Effect<void> =>
  Effect.sync(() => {
    if (monitor instanceof MonitorImpl) monitor.stop()
  })

/**
 * Calls a monitor off and takes its event back if it came already: the process never sees it.
 *
 * **Example** (Forgetting an exit that was seen)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Option } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Task = Process.make("app:task")
 * const TaskLive = Task.toLayer(() => Effect.succeed("done"))
 *
 * const Owner = Process.make("app:owner")
 * const OwnerLive = Owner.toLayer(Effect.fn(function*() {
 *   const monitor = yield* Process.spawnMonitored(Task)
 *   yield* Process.await(monitor.pid)
 *   yield* Process.demonitorFlush(monitor)
 *   return yield* Selectable.poll(yield* Owner.events)
 * })).pipe(Layer.provide(TaskLive))
 *
 * const program = Effect.flatMap(Process.spawn(Owner), Process.await)
 * await Effect.runPromise(Effect.provide(program, [OwnerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(Option.none())
 * ```
 *
 * @category watching
 */
export const demonitorFlush = (monitor: Monitor): Effect.Effect<void, never, CurrentProcess> =>
  withCell((self) =>
    Effect.andThen(
      demonitor(monitor),
      Effect.sync(() => self.forgetEvents((event) => event._tag === "Exit" && event.monitor === monitor))
    )
  )

/**
 * Links a process with this one: when either ends other than by success, so does the other, with the same exit.
 *
 * **Details**
 *
 * A process that traps exits lives on and gets a `LinkDown` event instead, for any end of its partner. Two processes
 * have one link, however often they are linked. Processes of two nodes end, or are told, with `NoConnection` when the
 * connection between their nodes is lost.
 *
 * **Errors**
 *
 * - `ProcessNotFound`: the process is gone.
 * - `NoConnection`: its node is not connected, or was lost meanwhile.
 *
 * **Example** (Two that end together)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Logger } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Pid, Process, ProcessHost } from "troupe"
 *
 * const Drop = Rpc.make("drop")
 * const Connection = Process.make("app:connection", { protocol: [Drop] })
 * const ConnectionLive = Connection.toLayer(() => Effect.andThen(Connection.receive("drop"), Effect.fail("dropped")))
 *
 * const Session = Process.make("app:session", { args: Pid.of(Drop) })
 * const SessionLive = Session.toLayer(Effect.fn(function*(connection) {
 *   yield* Process.link(connection)
 *   yield* Process.send(connection, "drop")
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const connection = yield* Process.spawn(Connection)
 *   return yield* Process.await(yield* Process.spawn(Session, connection))
 * })
 *
 * const live = Layer.mergeAll(ConnectionLive, SessionLive, ProcessHost.layer("app:processes"), Logger.layer([]))
 * await Effect.runPromise(Effect.provide(program, live)) // => Exit.fail("dropped")
 * ```
 *
 * @category watching
 */
export const link = (pid: Pid): Effect.Effect<void, ProcessNotFound | NoConnection, CurrentProcess | ProcessHost> =>
  withLiveCell((self) =>
    withHost((host): Effect.Effect<void, ProcessNotFound | NoConnection> => {
      const partner = cellAt(host, pid)
      const far = partner === undefined ? Far.at(host.node, pid) : undefined
      if (far !== undefined) return Effect.callback((resume) => far.link(self, resume))
      if (partner === undefined || partner.status === "ended") {
        return Exit.fail(new ProcessNotFound({ target: String(pid) }))
      }
      if (partner !== self) self.link(partner)
      return Exit.void
    })
  )

/**
 * Takes the link with a process away: neither learns of the other's later end by it.
 *
 * **Example** (Surviving a partner)
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
 *   const task = yield* Process.spawnLinked(Task)
 *   yield* Process.unlink(task)
 *   yield* Process.kill(task)
 *   return "alive"
 * })).pipe(Layer.provide(TaskLive))
 *
 * const program = Effect.flatMap(Process.spawn(Parent), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ParentLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("alive")
 * ```
 *
 * @category watching
 */
export const unlink = (pid: Pid): Effect.Effect<void, never, CurrentProcess | ProcessHost> =>
  withCell((self) =>
    withHost((host) => {
      const partner = cellAt(host, pid)
      if (partner === undefined) Far.at(host.node, pid)?.unlink(self)
      else self.unlink(partner)
      return Exit.void
    })
  )

/**
 * Has this process live on when a linked one ends, and get a `LinkDown` event.
 *
 * **Details**
 *
 * It can still be terminated and killed.
 *
 * **Example** (Handling the failure of a child)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Logger } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const Worker = Process.make("app:worker")
 * const WorkerLive = Worker.toLayer(() => Effect.fail("broken"))
 *
 * const Boss = Process.make("app:boss")
 * const BossLive = Boss.toLayer(Effect.fn(function*() {
 *   yield* Process.trapExits
 *   yield* Process.spawnLinked(Worker)
 *   const event = yield* Selectable.take(yield* Boss.events)
 *   return event._tag === "LinkDown" && Exit.isFailure(event.exit) ? "replaced" : event._tag
 * })).pipe(Layer.provide(WorkerLive))
 *
 * const program = Effect.flatMap(Process.spawn(Boss), Process.await)
 * await Effect.runPromise(Effect.provide(program, [BossLive, ProcessHost.layer("app:processes"), Logger.layer([])]))
 * // => Exit.succeed("replaced")
 * ```
 *
 * @category watching
 */
export const trapExits: Effect.Effect<void, never, CurrentProcess> = withCell((self) => {
  self.trapsExits = true
  return Exit.void
})

/**
 * Has this process end with the linked ones again, as it does from the start.
 *
 * **Example** (Ending with a child again)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Logger } from "effect"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Worker = Process.make("app:worker")
 * const WorkerLive = Worker.toLayer(() => Effect.fail("broken"))
 *
 * const Boss = Process.make("app:boss")
 * const BossLive = Boss.toLayer(Effect.fn(function*() {
 *   yield* Process.trapExits
 *   yield* Process.untrapExits
 *   yield* Process.spawnLinked(Worker)
 *   return yield* Effect.never
 * })).pipe(Layer.provide(WorkerLive))
 *
 * const program = Process.spawn(Boss).pipe(Effect.flatMap(Process.await), Effect.flatten, Effect.flip)
 * await Effect.runPromise(Effect.provide(program, [BossLive, ProcessHost.layer("app:processes"), Logger.layer([])]))
 * // => "broken"
 * ```
 *
 * @category watching
 */
export const untrapExits: Effect.Effect<void, never, CurrentProcess> = withCell((self) => {
  self.trapsExits = false
  return Exit.void
})

/**
 * What this process is told: the ends of those that it watches, requests to end, its inbox growing; always the same
 * source.
 *
 * **Example** (A helper for any process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessHost, Selectable } from "troupe"
 *
 * const nextEvent = Effect.flatMap(Process.events, Selectable.take)
 *
 * const Server = Process.make("app:server")
 * const ServerLive = Server.toLayer(() => Effect.map(nextEvent, (event) => event._tag))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Server)
 *   yield* Process.cancel(pid)
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ServerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("Cancel")
 * ```
 *
 * @category watching
 */
export const events: Effect.Effect<Selectable<ProcessEvent>, never, CurrentProcess> = withCell((cell) =>
  Effect.succeed(cell.events)
)

const await_ = (pid: Pid): Effect.Effect<Exit.Exit<unknown, unknown>, never, ProcessHost> =>
  withHost((host, fiber) =>
    Effect.callback((resume) => {
      const cell = cellAt(host, pid)
      const tell = (exit: Exit.Exit<unknown, unknown>) =>
        // Through a step of the run queue: processes that wait for each other may form a chain.
        fiber.currentDispatcher.scheduleTask(() => resume(Effect.succeed(exit)), 0)
      if (cell === undefined) {
        const far = Far.at(host.node, pid)
        return far === undefined ? resume(Effect.succeed(noProcess(pid))) : Effect.sync(far.watch(tell))
      }
      if (cell.exit !== undefined) return resume(Effect.succeed(cell.exit))
      const watcher: Watcher = { onExit: (_, exit) => tell(exit) }
      cell.watch(watcher)
      return Effect.sync(() => cell.unwatch(watcher))
    })
  )

export {
  /**
   * Waits until a process has ended and answers its whole outcome; for use outside of processes, too.
   *
   * **Details**
   *
   * A failure with `NoProcess` when there is no process under the pid, and with `NoConnection` when its node is not connected
   * or is lost. The exit of a process of another node reads as {@link monitor} tells it. An interrupted wait leaves the process alone.
   *
   * **Example** (Awaiting a value and a failure)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Logger, Schema } from "effect"
   * import { Process, ProcessHost } from "troupe"
   *
   * const Root = Process.make("app:root", { args: Schema.Number })
   * const RootLive = Root.toLayer((n) => n < 0 ? Effect.fail("negative") : Effect.succeed(Math.sqrt(n)))
   *
   * const program = Effect.gen(function*() {
   *   const nine = yield* Process.spawn(Root, 9)
   *   const negative = yield* Process.spawn(Root, -1)
   *   return [yield* Process.await(nine), yield* Process.await(negative)]
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [RootLive, ProcessHost.layer("app:processes"), Logger.layer([])]))
   * // => [Exit.succeed(3), Exit.fail("negative")]
   * ```
   *
   * @category watching
   */
  await_ as await
}
