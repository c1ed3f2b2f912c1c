/**
 * Spies on a running process: one's own, statistics, a log of its last events, and a trace.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { inspected } from "./internal/inspected.ts"
import type { ProcessHost } from "./internal/services.ts"
import { lastOf, Log, Statistics as StatisticsId, counting, Trace, tracing } from "./internal/spies.ts"
import { withTarget } from "./internal/target.ts"
import type { Pid } from "./Pid.ts"
import type { ProcessNotFound } from "./ProcessError.ts"
import type { Event, Spy } from "./Spy.ts"
import { NoStatistics } from "./SysError.ts"

/**
 * Has a spy told of all that a process takes, becomes and sends from now on, in the order in which it happens; answers
 * whether it was installed.
 *
 * **Details**
 *
 * The spy that is there under the id stays, and the new one is not installed. A spy that answers `Sys.done` is removed; so
 * is one that throws, which is logged once, and nothing of it reaches the process. Spies are told in the order in which
 * they were installed, and go with the process; fails with `ProcessNotFound` when there is none under the pid.
 *
 * **Example** (The first three messages)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Sys } from "troupe"
 *
 * const Ear = Process.make("app:ear", { protocol: [Rpc.make("word", { payload: Schema.String })] })
 * const EarLive = Ear.toLayer(() => Effect.forever(Ear.receive()))
 *
 * const heard: Array<unknown> = []
 * const firstTwo: Sys.Spy<number> = {
 *   initial: 2,
 *   next: (left, event) => {
 *     if (event._tag === "In") heard.push(event.message.payload)
 *     return left === 1 ? Sys.done : left - 1
 *   }
 * }
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Ear)
 *   const installed = [yield* Sys.install(pid, "first", firstTwo), yield* Sys.install(pid, "first", firstTwo)]
 *   for (const word of ["a", "b", "c"]) yield* Process.send(pid, "word", word)
 *   yield* Effect.sleep("1 millis")
 *   return [installed, heard]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [EarLive, ProcessHost.layer("app:processes")]))
 * // => [[true, false], ["a", "b"]]
 * ```
 *
 * @category spies
 */
export const install = <S>(pid: Pid, id: string, spy: Spy<S>): Effect.Effect<boolean, ProcessNotFound, ProcessHost> =>
  inspected(pid, (inspection) => Exit.succeed(inspection.install(id, spy)))

/**
 * Removes the spy under an id, which is told of nothing any more; answers whether there was one.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * @category spies
 */
export const remove = (pid: Pid, id: string): Effect.Effect<boolean, ProcessNotFound, ProcessHost> =>
  inspected(pid, (inspection) => Exit.succeed(inspection.remove(id)))

/**
 * Whether something is done from now on.
 *
 * @category models
 */
export type Switch = "on" | "off"

/**
 * What a process did since its statistics were switched on.
 *
 * @category models
 */
export interface Statistics {
  /** When they were switched on: the clock's time, in milliseconds. */
  readonly since: number
  /** How many messages it took. */
  readonly messagesIn: number
  /** How many messages it sent, calls and answers to calls among them. */
  readonly messagesOut: number
}

/**
 * Has statistics of a process kept from now on, or no longer; switching them on again changes nothing.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * **Example** (Counting messages)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Sys } from "troupe"
 *
 * const Echo = Process.make("app:echo", {
 *   protocol: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })]
 * })
 * const EchoLive = Echo.toLayer(() =>
 *   Effect.forever(Effect.flatMap(Echo.receive(), (message) => Message.reply(message, message.payload)))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Echo)
 *   yield* Sys.statistics(pid, "on")
 *   yield* Process.call(pid, "echo", "hello")
 *   const { messagesIn, messagesOut } = yield* Sys.getStatistics(pid)
 *   yield* Sys.statistics(pid, "off")
 *   const refusal = yield* Effect.flip(Sys.getStatistics(pid))
 *   return [messagesIn, messagesOut, refusal._tag]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [EchoLive, ProcessHost.layer("app:processes")]))
 * // => [1, 1, "NoStatistics"]
 * ```
 *
 * @category statistics
 */
export const statistics = (pid: Pid, to: Switch): Effect.Effect<void, ProcessNotFound, ProcessHost> =>
  Effect.flatMap(Clock.currentTimeMillis, (since) =>
    inspected(pid, (inspection) => {
      if (to === "on") inspection.install(StatisticsId, counting(since))
      else inspection.remove(StatisticsId)
      return Exit.void
    })
  )

/**
 * The statistics of a process, as of now.
 *
 * **Errors**
 *
 * - `ProcessNotFound`: there is no process under the pid.
 * - `NoStatistics`: none are kept of it; see {@link statistics}, whose example shows this.
 *
 * @category statistics
 */
export const getStatistics = (pid: Pid): Effect.Effect<Statistics, ProcessNotFound | NoStatistics, ProcessHost> =>
  withTarget(pid, ({ inspection, name }) => {
    const kept = inspection?.stateOf(StatisticsId)
    return kept === undefined ? Exit.fail(new NoStatistics({ target: name })) : Exit.succeed(kept as Statistics)
  })

/**
 * Has the last `size` events of a process kept, or none any more: in the order in which they happened, so that a message
 * stands before the state that it led to, and that before the answer.
 *
 * **Details**
 *
 * Asking again begins a new log. Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * **Example** (The last events)
 *
 * ```ts import.meta.vitest
 * import { Effect, Ref, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Sys } from "troupe"
 *
 * const Counter = Process.make("app:counter", {
 *   protocol: [Rpc.make("next", { success: Schema.Int })],
 *   state: Schema.Int
 * })
 * const CounterLive = Counter.toLayer(Effect.fn(function*() {
 *   const count = yield* Counter.state(0)
 *   while (true) yield* Message.reply(yield* Counter.receive(), yield* Ref.updateAndGet(count, (n) => n + 1))
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Counter)
 *   yield* Sys.log(pid, 3)
 *   yield* Process.call(pid, "next")
 *   return (yield* Sys.getLog(pid)).map((event) => event._tag)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CounterLive, ProcessHost.layer("app:processes")]))
 * // => ["In", "State", "Reply"]
 * ```
 *
 * @category logs
 */
export const log = (pid: Pid, size: number | "off"): Effect.Effect<void, ProcessNotFound, ProcessHost> =>
  inspected(pid, (inspection) => {
    inspection.remove(Log)
    if (size !== "off") inspection.install(Log, lastOf(size))
    return Exit.void
  })

/**
 * The events that the log of a process holds, oldest first; none when none are kept.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid. The example of {@link log} shows it.
 *
 * @category logs
 */
export const getLog = (pid: Pid): Effect.Effect<ReadonlyArray<Event>, ProcessNotFound, ProcessHost> =>
  withTarget(pid, ({ inspection }) => Exit.succeed((inspection?.stateOf(Log) ?? []) as ReadonlyArray<Event>))

/**
 * Has each event of a process logged from now on, at level `Info` and with the process's own loggers and annotations; or
 * no longer.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * **Example** (Watching a process at work)
 *
 * ```ts import.meta.vitest
 * import { Effect, Logger, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Sys } from "troupe"
 *
 * const lines: Array<unknown> = []
 * const Logs = Logger.layer([Logger.make(({ message }) => lines.push(message))])
 *
 * const Sink = Process.make("app:sink", { protocol: [Rpc.make("drop", { payload: Schema.Int })] })
 * const SinkLive = Sink.toLayer(() => Effect.forever(Sink.receive()))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Sink)
 *   yield* Sys.trace(pid, "on")
 *   yield* Process.send(pid, "drop", 1)
 *   yield* Effect.sleep("1 millis")
 *   return lines
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [SinkLive, ProcessHost.layer("app:processes"), Logs]))
 * // => [["{app:processes|0x00001} took drop", 1]]
 * ```
 *
 * @category logs
 */
export const trace = (pid: Pid, to: Switch): Effect.Effect<void, ProcessNotFound, ProcessHost> =>
  inspected(pid, (inspection, cell) => {
    if (to === "on") inspection.install(Trace, tracing(cell))
    else inspection.remove(Trace)
    return Exit.void
  })
