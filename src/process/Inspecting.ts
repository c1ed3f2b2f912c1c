/**
 * The state of a running process, and holding the process still.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Definition, TypeId } from "./Definition.ts"
import type { Cell } from "./internal/cell.ts"
import { type Definition as Known, issueOf } from "./internal/definition.ts"
import { inspected } from "./internal/inspected.ts"
import { Replacing } from "./internal/replacing.ts"
import type { ProcessHost } from "./internal/services.ts"
import { withTarget } from "./internal/target.ts"
import type { Pid } from "./Pid.ts"
import type { ProcessNotFound } from "./ProcessError.ts"
import { InvalidState, NoState, OtherDefinition, ReplaceFailed } from "./SysError.ts"

const withState = <A, E>(
  definition: { readonly [TypeId]: Known },
  pid: Pid,
  f: (shown: NonNullable<Cell["shown"]>, cell: Cell, from: Pid | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E | ProcessNotFound | OtherDefinition | NoState, ProcessHost> =>
  withTarget(pid, (cell, from): Effect.Effect<A, E | OtherDefinition | NoState> => {
    const { definition: actual, name: target, shown } = cell
    if (actual !== definition[TypeId]) {
      return Exit.fail(new OtherDefinition({ target, expected: definition[TypeId].name, actual: actual.name }))
    }
    return shown === undefined ? Exit.fail(new NoState({ target, process: actual.name })) : f(shown, cell, from)
  })

/**
 * The state that a process shows, as it is now: between two messages or in the midst of one, and while the process is
 * suspended as well.
 *
 * **Details**
 *
 * A process shows what its body keeps in the `Ref` that `state` of its definition makes; state machines show their state
 * themselves.
 *
 * **Errors**
 *
 * - `ProcessNotFound`: there is no process under the pid.
 * - `OtherDefinition`: the process is of another definition.
 * - `NoState`: it shows no state, or not yet.
 *
 * **Example** (Reading a state)
 *
 * ```ts import.meta.vitest
 * import { Effect, Ref, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Sys } from "troupe"
 *
 * const Counter = Process.make("app:counter", {
 *   protocol: [Rpc.make("add", { payload: Schema.Int, success: Schema.Void })],
 *   state: Schema.Int
 * })
 * const CounterLive = Counter.toLayer(Effect.fn(function*() {
 *   const total = yield* Counter.state(0)
 *   while (true) {
 *     const message = yield* Counter.receive()
 *     yield* Ref.update(total, (n) => n + message.payload)
 *     yield* Message.reply(message, undefined)
 *   }
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Counter)
 *   yield* Process.call(pid, "add", 3)
 *   return yield* Sys.getState(Counter, pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CounterLive, ProcessHost.layer("app:processes")])) // => 3
 * ```
 *
 * @category state
 */
export const getState = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  pid: Pid
): Effect.Effect<State["Type"], ProcessNotFound | OtherDefinition | NoState, ProcessHost> =>
  withState(definition, pid, (shown) => Exit.succeed(shown.ref.current))

/**
 * Replaces the state that a process shows by what `f` makes of it, in one step, and answers the new one; when that is
 * not possible, the old one stays.
 *
 * **Details**
 *
 * In a state machine that handles an event, this waits until it has: the handler's transition stands, and what replaces it
 * comes between that and the next event. A handler of the machine itself does not wait, and its transition stands over
 * what it has replaced. The body of another process that has read its state, waits, and then sets it, overwrites what was
 * put there meanwhile: replace the state of such a process while it is suspended and has no message in hand.
 *
 * **Errors**
 *
 * Those of `getState`, and
 *
 * - `ReplaceFailed`: the function died.
 * - `InvalidState`: what it made does not fit the schema of the state.
 *
 * **Example** (Repairing a state)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Process, ProcessHost, Sys } from "troupe"
 *
 * const Quota = Process.make("app:quota", { state: Schema.Int, start: "acknowledged" })
 * const QuotaLive = Quota.toLayer(Effect.fn(function*() {
 *   yield* Quota.state(10)
 *   yield* Process.ready
 *   return yield* Effect.never
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.start(Quota)
 *   const doubled = yield* Sys.replaceState(Quota, pid, (n) => n * 2)
 *   const refusal = yield* Effect.flip(Sys.replaceState(Quota, pid, (n) => n / 3))
 *   return [doubled, refusal._tag, yield* Sys.getState(Quota, pid)]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [QuotaLive, ProcessHost.layer("app:processes")]))
 * // => [20, "InvalidState", 20]
 * ```
 *
 * @category state
 */
export const replaceState = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  pid: Pid,
  f: (state: State["Type"]) => State["Type"]
): Effect.Effect<
  State["Type"],
  ProcessNotFound | OtherDefinition | NoState | ReplaceFailed | InvalidState,
  ProcessHost
> =>
  withState(definition, pid, (shown, cell, from) => {
    const target = cell.name
    const replace = (): Exit.Exit<State["Type"], ReplaceFailed | InvalidState> => {
      const made = Result.try(() => {
        const next = f(shown.ref.current)
        return Schema.is(definition.stateSchema)(next)
          ? Exit.succeed(next)
          : Exit.fail(new InvalidState({ target, detail: issueOf(definition.stateSchema, next) }))
      })
      if (Result.isFailure(made)) return Exit.fail(new ReplaceFailed({ target, defect: made.failure }))
      if (Exit.isSuccess(made.success)) shown.ref.current = made.success.value
      return made.success
    }
    // A handler would wait for itself.
    if (from === cell.pid || cell.role?.keep === undefined) return replace()
    const replacing = new Replacing(cell, replace)
    return cell.role.keep(replacing) ? replacing.done : replace()
  })

/**
 * Has a process take no more messages, from its inbox and its listeners, until it is resumed; they wait in order.
 *
 * **Details**
 *
 * What it does with the message in hand it does to the end. Events, a `Cancel` for instance, still reach it, and its
 * state can be read. A state machine takes no timeouts either. Suspending it again changes nothing: one `resume` is
 * enough. Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * **Example** (Holding a process still)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Sys } from "troupe"
 *
 * const Printer = Process.make("app:printer", { protocol: [Rpc.make("print")] })
 * const PrinterLive = Printer.toLayer(() => Effect.as(Printer.receive(), "printed"))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Printer)
 *   yield* Sys.suspend(pid)
 *   yield* Process.send(pid, "print")
 *   yield* Effect.sleep("1 millis")
 *   const { queued } = yield* Process.info(pid)
 *   yield* Sys.resume(pid)
 *   return [queued, yield* Process.await(pid)]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [PrinterLive, ProcessHost.layer("app:processes")]))
 * // => [1, Exit.succeed("printed")]
 * ```
 *
 * @category suspending
 */
export const suspend = (pid: Pid): Effect.Effect<void, ProcessNotFound, ProcessHost> =>
  inspected(pid, (inspection) => {
    inspection.suspended = true
    return Exit.void
  })

/**
 * Has a suspended process go on with the messages that wait, in order; nothing happens when it is not suspended.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid. The example of {@link suspend} shows it.
 *
 * @category suspending
 */
export const resume = (pid: Pid): Effect.Effect<void, ProcessNotFound, ProcessHost> =>
  inspected(pid, (inspection) => {
    inspection.resume()
    return Exit.void
  })
