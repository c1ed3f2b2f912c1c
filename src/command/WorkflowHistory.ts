/**
 * Where workflows keep what they have done: the records of each execution, by key.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import { HistoryFailed } from "./WorkflowError.ts"

/**
 * The records of executions. What `record` has answered is there after a crash, if the store keeps it.
 *
 * **Details**
 *
 * - `load`: all records of an execution.
 * - `record`: keeps a value under a key of an execution, in place of an earlier one.
 * - `find`: the value that each execution has under a key.
 * - `forget`: drops all that an execution has; for those that have ended, since records are kept for ever otherwise.
 *
 * @category services
 */
export class WorkflowHistory extends Context.Service<
  WorkflowHistory,
  {
    readonly load: (execution: string) => Effect.Effect<ReadonlyMap<string, Schema.Json>, HistoryFailed>
    readonly record: (execution: string, key: string, value: Schema.Json) => Effect.Effect<void, HistoryFailed>
    readonly find: (
      key: string
    ) => Effect.Effect<ReadonlyArray<readonly [execution: string, value: Schema.Json]>, HistoryFailed>
    readonly forget: (execution: string) => Effect.Effect<void, HistoryFailed>
  }
>()("troupe/command/WorkflowHistory") {}

const prefix = "troupe/workflow/"
const startOf = (execution: string): string => `${encodeURIComponent(execution)}/`
const Text = Schema.fromJsonString(Schema.Json)

/**
 * Keeps histories in the `KeyValueStore`: in files, in a SQL database, or wherever that has them.
 *
 * **Details**
 *
 * Each record has a key of its own, `troupe/workflow/<execution>/<key>`, so that writing one touches no other. Loading an
 * execution, and finding, read the list of all keys. Several applications may share a store, and one execution runs in one
 * of them at a time.
 *
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<WorkflowHistory, never, KeyValueStore.KeyValueStore> = Layer.effect(
  WorkflowHistory,
  Effect.map(KeyValueStore.KeyValueStore, (unprefixed) => {
    const store = KeyValueStore.prefix(unprefixed, prefix)

    const keysWhere = (execution: string, matches: (key: string) => boolean) =>
      Effect.mapBoth(store.keys, {
        onFailure: ({ message }) => new HistoryFailed({ execution, detail: message }),
        onSuccess: (keys) => keys.filter(matches)
      })

    const read = (execution: string, key: string) =>
      store.get(key).pipe(
        Effect.mapError(({ message }) => message),
        Effect.filterOrFail(
          (text) => text !== undefined,
          () => "it was dropped meanwhile"
        ),
        Effect.flatMap((text) =>
          Effect.mapError(Schema.decodeEffect(Text)(text), () => "it is not JSON, maybe since writing it was cut short")
        ),
        Effect.mapError((detail) => new HistoryFailed({ execution, detail: `the record ${key}: ${detail}` }))
      )

    return WorkflowHistory.of({
      load: (execution) =>
        Effect.gen(function* () {
          const start = startOf(execution)
          const keys = yield* keysWhere(execution, (key) => key.startsWith(start))
          const records = yield* Effect.forEach(keys, (key) =>
            Effect.map(read(execution, key), (value) => [key.slice(start.length), value] as const)
          )
          return new Map(records)
        }),
      record: (execution, key, value) =>
        Effect.mapError(
          store.set(startOf(execution) + key, JSON.stringify(value)),
          ({ message }) => new HistoryFailed({ execution, detail: message })
        ),
      find: (wanted) =>
        Effect.gen(function* () {
          const keys = yield* keysWhere("*", (key) => key.slice(key.indexOf("/") + 1) === wanted)
          return yield* Effect.forEach(keys, (key) => {
            const execution = decodeURIComponent(key.slice(0, key.indexOf("/")))
            return Effect.map(read(execution, key), (value) => [execution, value] as const)
          })
        }),
      forget: (execution) =>
        Effect.mapError(
          store.clearPrefix(startOf(execution)),
          ({ message }) => new HistoryFailed({ execution, detail: message })
        )
    })
  })
)

/**
 * Keeps histories in memory, as long as the layer lives: for tests, and for workflows that need not outlive the
 * application.
 *
 * @category layers
 */
export const layerMemory: Layer.Layer<WorkflowHistory> = Layer.provide(layerKeyValueStore, KeyValueStore.layerMemory)
