/**
 * What the commands of the module `workflow` do.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Yielder } from "../../dispatch/Yielded.ts"
import type { Definition } from "../../process/Definition.ts"
import * as Lifecycle from "../../process/Lifecycle.ts"
import * as Spawning from "../../process/Spawning.ts"
import * as Watching from "../../process/Watching.ts"
import type { Spawnable } from "../Processes.ts"
import {
  HistoryFailed,
  type InvalidSideEffect,
  InvalidWorkflowArguments,
  SideEffectMissing,
  UnknownWorkflow,
  UnsupportedVersion,
  WorkflowCrashed
} from "../WorkflowError.ts"
import type { WorkflowHistory } from "../WorkflowHistory.ts"
import { Attributes, Outcome } from "../WorkflowOutcome.ts"
import type { Executions, Run } from "./executions.ts"
import { decode, encode, plain } from "./json.ts"
import { asSpawner } from "./spawner.ts"

// What a side effect does is not data: it goes beside the command, in the context of who yields it, and a replay that has
// no handler doesn't look at it.
export const Doing = Context.Reference<Effect.Effect<Outcome, InvalidSideEffect> | undefined>(
  "troupe/command/Workflows/Doing",
  { defaultValue: () => undefined }
)

const stepOf = (kind: string, name: string): string => `${kind}/${encodeURIComponent(name)}`

const outcomeIn = (execution: string, json: Schema.Json) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(Outcome)(json),
    ({ message }) => new HistoryFailed({ execution, detail: `what is recorded is no outcome: ${message}` })
  )

export const sideEffect = (run: Run, name: string) =>
  Effect.gen(function* () {
    const { execution } = run
    const missing = Effect.fail(new SideEffectMissing({ execution, name }))
    const doing: Effect.Effect<Outcome, SideEffectMissing | InvalidSideEffect> = (yield* Doing) ?? missing
    return yield* outcomeIn(execution, yield* run.once(stepOf("effect", name), doing))
  })

export const call = (
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
export const version = (run: Run, change: string, min: number, max: number) =>
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
export const upsert = (run: Run, attributes: Attributes) =>
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

export const search = (history: WorkflowHistory["Service"], wanted: Attributes) =>
  Effect.map(history.find(attributesKey), (all) =>
    all
      .map(([execution, json]) => ({ execution, attributes: attributesOf(json) }))
      .filter(({ attributes }) => Object.entries(wanted).every(([key, value]) => Equal.equals(attributes[key], value)))
  )
