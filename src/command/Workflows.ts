/**
 * Workflows: bodies of processes that can be run again after they were cut short, and don't do twice what they have done.
 * What an execution does is recorded under its id, and answered from there when it runs again.
 *
 * The records are in a `WorkflowHistory`, and not in Effect's `WorkflowEngine`: an engine runs bodies that it was given, in
 * fibers of its own, replays them when they suspend, and takes an interruption for their end, while a process is run by its
 * host, and begins again when whoever supervises it says so. What is common to both is a store of outcomes by execution and
 * key, which is what `WorkflowHistory` is.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { Definition } from "../process/Definition.ts"
import type { ArgumentsOf } from "../process/Spawning.ts"
import * as Process from "../process/Yielding.ts"
import { asCaller } from "./internal/caller.ts"
import { Executions } from "./internal/executions.ts"
import { withImplementations } from "./internal/implementations.ts"
import { decode, encode } from "./internal/json.ts"
import * as handlers from "./internal/workflows.ts"
import type { ImplementationsOf, Spawnable } from "./Processes.ts"
import {
  ExecutionBusy,
  HistoryFailed,
  InvalidSideEffect,
  InvalidWorkflowArguments,
  SideEffectMissing,
  UnknownWorkflow,
  UnsupportedVersion,
  WorkflowCrashed,
  WorkflowFailed
} from "./WorkflowError.ts"
import { WorkflowHistory } from "./WorkflowHistory.ts"
import { Attributes, Outcome } from "./WorkflowOutcome.ts"

export * from "./WorkflowError.ts"
export * from "./WorkflowHistory.ts"
export * from "./WorkflowOutcome.ts"

/**
 * The execution that code runs as, by its id.
 *
 * @category services
 */
export class Execution extends Context.Service<Execution, string>()("troupe/command/Workflows/Execution") {}

const execution = Schema.String

/**
 * The commands of the module `workflow`.
 *
 * @category commands
 */
export const commands = Command.module("workflow", {
  sideEffect: Command.make(180, {
    payload: { execution, name: Schema.String },
    success: Outcome,
    error: Schema.Union([HistoryFailed, ExecutionBusy, SideEffectMissing, InvalidSideEffect])
  }),
  call: Command.make(181, {
    payload: { execution, workflow: Schema.String, args: Schema.Json },
    success: Outcome,
    error: Schema.Union([HistoryFailed, ExecutionBusy, UnknownWorkflow, InvalidWorkflowArguments, WorkflowCrashed])
  }),
  version: Command.make(182, {
    payload: { execution, change: Schema.String, min: Schema.Int, max: Schema.Int },
    success: Schema.Int,
    error: Schema.Union([HistoryFailed, ExecutionBusy, UnsupportedVersion])
  }),
  upsertAttributes: Command.make(183, {
    payload: { execution, attributes: Attributes },
    error: Schema.Union([HistoryFailed, ExecutionBusy])
  }),
  search: Command.make(184, {
    payload: { attributes: Attributes },
    success: Schema.Array(Schema.Struct({ execution, attributes: Attributes })),
    error: HistoryFailed
  })
})

/**
 * Handles the module, with the records in the `WorkflowHistory`; the definitions are the workflows that may be called.
 *
 * **Details**
 *
 * - `implementations`: their bodies, which may yield commands of this module themselves; required of the context when
 *   absent.
 *
 * An execution is run by one process at a time: another one that would run it waits until the first has ended. That holds
 * within one layer; where several applications share a store, see that each execution runs in one of them.
 *
 * **Example** (A side effect that runs once)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Workflows } from "troupe/command"
 *
 * let charged = 0
 * const charge = Effect.sync(() => `receipt ${++charged}`)
 *
 * const Order = Process.make("app:order", { args: Schema.String, success: Schema.String })
 * const OrderLive = Order.toLayer((id) =>
 *   Workflows.sideEffect("charge", { success: Schema.String, execute: charge }).pipe(Workflows.run(id))
 * ).pipe(Layer.provide(Workflows.layer([])), Layer.provide(Workflows.layerMemory))
 *
 * const program = Effect.gen(function*() {
 *   const first = yield* Process.await(yield* Process.spawn(Order, "order-7"))
 *   const again = yield* Process.await(yield* Process.spawn(Order, "order-7"))
 *   return [first, again]
 * })
 * await Effect.runPromise(Effect.provide(program, [OrderLive, ProcessHost.layer("app:processes")]))
 * // => [Exit.succeed("receipt 1"), Exit.succeed("receipt 1")]
 * ```
 *
 * @category layers
 */
export const layer: {
  <const D extends ReadonlyArray<Spawnable>>(
    definitions: D
  ): Layer.Layer<
    Dispatcher.Handles<"workflow"> | Dispatcher.Dispatcher,
    Dispatcher.RegistrationError,
    ImplementationsOf<D[number]> | WorkflowHistory
  >
  <const D extends ReadonlyArray<Spawnable>, A extends ImplementationsOf<D[number]>, E, R>(
    definitions: D,
    implementations: Layer.Layer<A, E, R>
  ): Layer.Layer<
    Dispatcher.Handles<"workflow"> | Dispatcher.Dispatcher | A,
    Dispatcher.RegistrationError | E,
    Exclude<R, Dispatcher.Handles<"workflow"> | Dispatcher.Dispatcher> | WorkflowHistory
  >
} = (definitions: ReadonlyArray<Spawnable>, implementations?: Layer.Layer<unknown, unknown, unknown>) => {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]))
  const handling = Effect.gen(function* () {
    const history = yield* WorkflowHistory
    const services = yield* Effect.context<never>()
    const executions = new Executions(history)
    return commands.of({
      sideEffect: ({ execution, name }, { process }) =>
        executions.within(process, execution, (run) => handlers.sideEffect(run, name)),
      call: ({ args, execution, workflow }, { process }) =>
        executions.within(process, execution, (run) =>
          asCaller(handlers.call(executions, run, process, byName, services, workflow, args))
        ),
      version: ({ change, execution, max, min }, { process }) =>
        executions.within(process, execution, (run) => handlers.version(run, change, min, max)),
      upsertAttributes: ({ attributes, execution }, { process }) =>
        executions.within(process, execution, (run) => handlers.upsert(run, attributes)),
      search: ({ attributes }) => handlers.search(history, attributes)
    })
  })
  return withImplementations(Dispatcher.layer(commands, handling), implementations) as never
}

/**
 * Runs the body of a process, or a part of it, as an execution.
 *
 * **Details**
 *
 * - `execution`: its id. Who runs the same code under the same id goes on where an earlier run was cut short: steps that
 *   are recorded are answered, and the first one that is not runs.
 *
 * For this the code must come to the same steps in the same order: what it decides by must be its arguments, and what
 * steps have answered. Steps of one name are told apart by their order, those of different names by their names.
 *
 * @category running
 */
export const run =
  (execution: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Execution>> =>
    Effect.provideService(effect, Execution, execution)

/**
 * Does something that an execution does once: its result, or typed error, is recorded, and answered from there when the
 * execution runs again.
 *
 * **Details**
 *
 * - `name`: what it is called in the history.
 * - `options.execute`: what is done.
 * - `options.success`, `options.error`: schemas with a JSON form; nothing when absent.
 *
 * It is recorded when it has ended, and nothing interrupts it between its end and its record. What was interrupted, or died,
 * is not recorded, and runs again; so does what a crash of the whole program cut short, or whose record it did. Who needs
 * more than that gives the outside a key by which it knows a repetition.
 *
 * **Errors**
 *
 * Those of `execute`, and
 *
 * - `HistoryFailed`: the history can't be read or written.
 * - `ExecutionBusy`: the execution waits for this very process.
 * - `InvalidSideEffect`: what came out does not fit its schema, now or as it was recorded.
 *
 * @category yielding
 */
export const sideEffect = <
  Success extends Schema.Top = typeof Schema.Void,
  Error extends Schema.Top = typeof Schema.Never,
  R = never
>(
  name: string,
  options: {
    readonly success?: Success | undefined
    readonly error?: Error | undefined
    readonly execute: Effect.Effect<Success["Type"], Error["Type"], R>
  }
) =>
  Effect.gen(function* () {
    const execution = yield* Execution
    const context = yield* Effect.context<R>()
    const success = (options.success ?? Schema.Void) as Success
    const error = (options.error ?? Schema.Never) as Error
    const invalid = (detail: string) => new InvalidSideEffect({ execution, name, detail })
    const doing = Effect.matchEffect(options.execute, {
      onFailure: (failure) => Effect.map(encode(error, failure), (error): Outcome => ({ _tag: "Failure", error })),
      onSuccess: (value) => Effect.map(encode(success, value), (value): Outcome => ({ _tag: "Success", value }))
    })
    const outcome = yield* Effect.provideService(
      Process.yield(commands.sideEffect, { execution, name }),
      handlers.Doing,
      Effect.provideContext(Effect.mapError(doing, invalid), context)
    )
    if (outcome._tag === "Success") return yield* Effect.mapError(decode(success, outcome.value), invalid)
    const failure: Error["Type"] = yield* Effect.mapError(decode(error, outcome.error), invalid)
    return yield* Effect.fail(failure)
  })

/**
 * Starts a workflow that the layer was given, as a process of its own, and waits for its result, which is recorded.
 *
 * **Details**
 *
 * When the wait is interrupted, the workflow is terminated. Where it runs as an execution, under an id which its arguments
 * give, it goes on where it was when the calling execution runs again.
 *
 * **Errors**
 *
 * - `WorkflowFailed`: it failed with a typed error, which is recorded as well.
 * - `WorkflowCrashed`: it died, or was ended from outside; that is not recorded.
 * - `UnknownWorkflow`: the layer was not given its definition; the known ones are listed.
 * - `InvalidWorkflowArguments`: its arguments came past the types.
 * - `HistoryFailed`, `ExecutionBusy`: as with {@link sideEffect}.
 *
 * **Example** (A workflow that calls another)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Workflows } from "troupe/command"
 *
 * const Bill = Process.make("app:bill", { args: Schema.String, success: Schema.Int })
 * const BillLive = Bill.toLayer((order) =>
 *   Workflows.sideEffect("total", { success: Schema.Int, execute: Effect.succeed(42) }).pipe(Workflows.run(`bill of ${order}`))
 * )
 *
 * const Order = Process.make("app:order", { args: Schema.String })
 * const OrderLive = Order.toLayer((order) =>
 *   Effect.gen(function*() {
 *     yield* Workflows.upsertAttributes({ customer: "Ada" })
 *     const total = yield* Workflows.call(Bill, order)
 *     const found = yield* Workflows.search({ customer: "Ada" })
 *     return [total, found.map(({ execution }) => execution)]
 *   }).pipe(Workflows.run(order))
 * ).pipe(Layer.provide(Workflows.layer([Bill], BillLive)), Layer.provide(Workflows.layerMemory))
 *
 * const program = Effect.flatMap(Process.spawn(Order, "order-7"), Process.await)
 * await Effect.runPromise(Effect.provide(program, [OrderLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([42, ["order-7"]])
 * ```
 *
 * @category yielding
 */
export const call = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  ...[args]: ArgumentsOf<Args["Type"]>
) =>
  Effect.gen(function* () {
    const execution = yield* Execution
    const { name: workflow } = definition
    const encoded = yield* Effect.mapError(
      encode(definition.args, args),
      (detail) => new InvalidWorkflowArguments({ workflow, detail })
    )
    const outcome = yield* Process.yield(commands.call, { execution, workflow, args: encoded })
    if (outcome._tag === "Failure") return yield* new WorkflowFailed({ workflow, error: outcome.error })
    return yield* Effect.mapError(
      decode(definition.success, outcome.value),
      (detail) =>
        new HistoryFailed({ execution, detail: `the result of ${workflow} does not fit its schema: ${detail}` })
    )
  })

/**
 * Which version of a change of the code this execution has: it keeps the one that it has had when it first came here.
 *
 * **Details**
 *
 * - `change`: what is called by the change; to be the same name as long as code asks for it.
 * - `range.max`: the version of the code as it is. An execution that comes here first in this code has it.
 * - `range.min`: the oldest version that the code still supports, 0 when absent. Version 0 is the code before the change: an
 *   execution has it that has been further than here, by its records, when there was no change.
 *
 * **Errors**
 *
 * - `UnsupportedVersion`: the execution has a version out of the range.
 * - `HistoryFailed`, `ExecutionBusy`: as with {@link sideEffect}.
 *
 * @category yielding
 */
export const version = (change: string, range: { readonly min?: number | undefined; readonly max: number }) =>
  Effect.flatMap(Execution, (execution) =>
    Process.yield(commands.version, { execution, change, min: range.min ?? 0, max: range.max })
  )

/**
 * Gives the execution attributes by which it can be found, in place of earlier ones of the same names.
 *
 * @category yielding
 */
export const upsertAttributes = (attributes: Attributes) =>
  Effect.flatMap(Execution, (execution) => Process.yield(commands.upsertAttributes, { execution, attributes }))

/**
 * The executions that have all of the attributes; those that run, and those that have ended and are not forgotten.
 *
 * **Details**
 *
 * It looks at all executions that have attributes. What it answers is the present state, and not recorded: code of an
 * execution that decides by it asks for it in a `sideEffect`.
 *
 * @category yielding
 */
export const search = (attributes: Attributes) => Process.yield(commands.search, { attributes })
