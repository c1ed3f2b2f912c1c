/**
 * Workflows: bodies of processes that can be run again after they were cut short, and don't do twice what they have done.
 * What an execution does is recorded under its id, and answered from there when it runs again.
 *
 * The records are in a `WorkflowHistory`, and not in Effect's `WorkflowEngine`: an engine runs bodies that it was given, in
 * fibers of its own, replays them when they suspend, and takes an interruption for their end, while a process is run by its
 * host, and begins again when whoever supervises it says so. What is common to both is a store of outcomes by execution and
 * key, which is what `WorkflowHistory` is.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { Yielder } from "../dispatch/Yielded.ts"
import type { Definition } from "../process/Definition.ts"
import * as Lifecycle from "../process/Lifecycle.ts"
import type { ArgumentsOf } from "../process/Spawning.ts"
import * as Spawning from "../process/Spawning.ts"
import * as Watching from "../process/Watching.ts"
import * as Process from "../process/Yielding.ts"
import { asCaller } from "./internal/caller.ts"
import { Executions, type Run } from "./internal/executions.ts"
import { withImplementations } from "./internal/implementations.ts"
import { decode, encode, plain } from "./internal/json.ts"
import { asSpawner } from "./internal/spawner.ts"
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

export * from "./WorkflowError.ts"
export * from "./WorkflowHistory.ts"

/**
 * The execution that code runs as, by its id.
 *
 * @category services
 */
export class Execution extends Context.Service<Execution, string>()("troupe/command/Workflows/Execution") {}

/**
 * The schema of {@link Outcome}.
 *
 * @category schemas
 */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("Success", { value: Schema.Json }),
  Schema.TaggedStruct("Failure", { error: Schema.Json })
])

/**
 * How a step of an execution ended, as it is recorded.
 *
 * @category models
 */
export type Outcome = typeof Outcome.Type

/**
 * The schema of {@link Attributes}.
 *
 * @category schemas
 */
export const Attributes = Schema.Record(Schema.String, Schema.Json)

/**
 * What is known of an execution, by which it can be found.
 *
 * @category models
 */
export type Attributes = typeof Attributes.Type

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

// What a side effect does is not data: it goes beside the command, in the context of who yields it, and a replay that has
// no handler doesn't look at it.
const Doing = Context.Reference<Effect.Effect<Outcome, InvalidSideEffect> | undefined>(
  "troupe/command/Workflows/Doing",
  { defaultValue: () => undefined }
)

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
  const handlers = Effect.gen(function* () {
    const history = yield* WorkflowHistory
    const services = yield* Effect.context<never>()
    const executions = new Executions(history)
    return commands.of({
      sideEffect: ({ execution, name }, { process }) =>
        executions.within(process, execution, (run) => sideEffect_(run, name)),
      call: ({ args, execution, workflow }, { process }) =>
        executions.within(process, execution, (run) =>
          asCaller(call_(executions, run, process, byName, services, workflow, args))
        ),
      version: ({ change, execution, max, min }, { process }) =>
        executions.within(process, execution, (run) => version_(run, change, min, max)),
      upsertAttributes: ({ attributes, execution }, { process }) =>
        executions.within(process, execution, (run) => upsert_(run, attributes)),
      search: ({ attributes }) => search_(history, attributes)
    })
  })
  return withImplementations(Dispatcher.layer(commands, handlers), implementations) as never
}

const stepOf = (kind: string, name: string): string => `${kind}/${encodeURIComponent(name)}`

const outcomeIn = (execution: string, json: Schema.Json) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(Outcome)(json),
    ({ message }) => new HistoryFailed({ execution, detail: `what is recorded is no outcome: ${message}` })
  )

const sideEffect_ = (run: Run, name: string) =>
  Effect.gen(function* () {
    const { execution } = run
    const missing = Effect.fail(new SideEffectMissing({ execution, name }))
    const doing: Effect.Effect<Outcome, SideEffectMissing | InvalidSideEffect> = (yield* Doing) ?? missing
    return yield* outcomeIn(execution, yield* run.once(stepOf("effect", name), doing))
  })

const call_ = (
  executions: Executions,
  run: Run,
  process: Yielder,
  definitions: ReadonlyMap<string, Spawnable>,
  services: Context.Context<never>,
  workflow: string,
  json: Schema.Json
) =>
  Effect.gen(function* () {
    const definition = definitions.get(workflow)
    if (definition === undefined) return yield* new UnknownWorkflow({ workflow, known: [...definitions.keys()] })
    const args = yield* Effect.mapError(
      decode(definition.args, json),
      (detail) => new InvalidWorkflowArguments({ workflow, detail })
    )
    const caller = { execution: run.execution, process: process.id }
    const child = Effect.acquireUseRelease(
      Effect.tap(asSpawner(services, definition, Spawning.spawn(definition as AnyDefinition, args)), (pid) =>
        Effect.sync(() => executions.called(String(pid), caller))
      ),
      Watching.await,
      (pid, exit) =>
        Effect.andThen(
          // Nobody waits for it any more.
          Exit.isFailure(exit) ? Effect.ignore(Lifecycle.terminate(pid)) : Effect.void,
          Effect.sync(() => executions.returned(String(pid)))
        )
    )
    const ended = Effect.matchEffect(child, {
      onFailure: ({ message }) => Effect.fail(new WorkflowCrashed({ workflow, detail: message })),
      onSuccess: (exit) => endOf(definition, exit)
    })
    return yield* outcomeIn(run.execution, yield* run.once(stepOf("call", workflow), ended))
  })

// Its implementation is among the services of the layer.
type AnyDefinition = Definition<never, never, Schema.Top, Schema.Top, Schema.Top>

// A result and a typed error are for good; everything else may come out otherwise the next time.
const endOf = (
  { name: workflow, success }: Spawnable,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<Outcome, WorkflowCrashed> => {
  if (Exit.isSuccess(exit)) {
    // Without a schema of its own a result is plain data.
    const encoded = success === Schema.Unknown ? Effect.succeed(plain(exit.value)) : encode(success, exit.value)
    return Effect.mapBoth(encoded, {
      onFailure: (detail) => new WorkflowCrashed({ workflow, detail: `its result does not fit its schema: ${detail}` }),
      onSuccess: (value): Outcome => ({ _tag: "Success", value })
    })
  }
  const { reasons } = exit.cause
  const failure = reasons.find(Cause.isFailReason)
  return failure !== undefined && reasons.every(Cause.isFailReason)
    ? Effect.succeed({ _tag: "Failure", error: plain(failure.error) })
    : Effect.fail(new WorkflowCrashed({ workflow, detail: Cause.pretty(exit.cause) }))
}

// An execution that comes to a change for the first time, and has never been further, has the newest version of it.
const version_ = (run: Run, change: string, min: number, max: number) =>
  Effect.suspend((): Effect.Effect<number, HistoryFailed | UnsupportedVersion> => {
    const key = `version/${encodeURIComponent(change)}`
    const known = run.get(key)
    const version = typeof known === "number" ? known : run.isReplaying ? 0 : max
    if (version < min || version > max) {
      return Effect.fail(new UnsupportedVersion({ execution: run.execution, change, version, min, max }))
    }
    return known === undefined ? Effect.as(run.set(key, version), version) : Effect.succeed(version)
  })

const attributesKey = "attributes"

// A step, so that an older value does not take the place of a newer one when the execution runs again.
const upsert_ = (run: Run, attributes: Attributes) =>
  Effect.asVoid(
    run.once(
      "attributes",
      Effect.suspend(() =>
        Effect.as(run.set(attributesKey, { ...attributesOf(run.get(attributesKey)), ...attributes }), null)
      )
    )
  )

const attributesOf = (json: Schema.Json | undefined): Attributes =>
  Option.getOrElse(Schema.decodeUnknownOption(Attributes)(json), () => ({}))

const search_ = (history: WorkflowHistory["Service"], wanted: Attributes) =>
  Effect.map(history.find(attributesKey), (all) =>
    all
      .map(([execution, json]) => ({ execution, attributes: attributesOf(json) }))
      .filter(({ attributes }) => Object.entries(wanted).every(([key, value]) => Equal.equals(attributes[key], value)))
  )

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
      Doing,
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
