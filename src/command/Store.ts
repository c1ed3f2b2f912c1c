/**
 * A store of values under keys, as a process asks for it: in memory, in files or in a database, with a time to live.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Path } from "effect/Path"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import * as Command from "../dispatch/Command.ts"
import type { DispatchError } from "../dispatch/DispatchError.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { CurrentProcess } from "../process/internal/services.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import { type Backing, type Failure, ofDirectory, ofKeyValueStore, ofTable } from "./internal/backing.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"
import {
  ForeignEntry,
  InvalidKey,
  InvalidTimeToLive,
  InvalidValue,
  type Operation,
  StoreError,
  StoreUnavailable,
  ValueTooLarge
} from "./StoreError.ts"

export * from "./StoreError.ts"

/**
 * The commands of the module `store`.
 *
 * @category commands
 */
export const commands = Command.module("store", {
  get: Command.make(120, {
    payload: { key: Schema.String },
    success: Schema.Option(Schema.String),
    error: StoreError
  }),
  set: Command.make(121, {
    payload: { key: Schema.String, value: Schema.String, timeToLive: Schema.optional(Schema.Duration) },
    error: StoreError
  }),
  delete: Command.make(122, { payload: { key: Schema.String }, error: StoreError }),
  has: Command.make(123, { payload: { key: Schema.String }, success: Schema.Boolean, error: StoreError })
})

/**
 * What the layers can be given.
 *
 * @category models
 */
export interface Options {
  /** How many bytes a value may have, as UTF-8: 1 MiB when absent. */
  readonly maxValueBytes?: number | undefined
}

type StoreLayer<E = never, R = never> = Layer.Layer<
  Dispatcher.Handles<"store"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption | E,
  R
>

const maxKeyBytes = 512

/** How an entry lies in the store. */
const Entry = Schema.fromJsonString(Schema.Struct({ value: Schema.String, expires: Schema.optional(Schema.Finite) }))
const readEntry = Schema.decodeUnknownOption(Entry)
const encoder = new TextEncoder()

const handlers = (subject: string, backing: Backing, options: Options) =>
  Effect.map(limitsOf(subject).count("maxValueBytes", options.maxValueBytes, mebibytes(1)), (maxValueBytes) =>
    handlersWithin(backing, maxValueBytes)
  )

const handlersWithin = (backing: Backing, maxValueBytes: number) => {
  const failing =
    (operation: Operation, key: string) =>
    (failure: Failure): StoreError =>
      unavailable(operation, key, failure)

  // An entry that has expired is gone for everybody at once; who comes upon it removes it, if nobody has set another.
  const read = (operation: Operation, key: string): Effect.Effect<Option.Option<string>, StoreError> =>
    Effect.gen(function* () {
      yield* checkedKey(operation, key)
      const text = yield* Effect.mapError(backing.get(key), failing(operation, key))
      if (text === undefined) return Option.none()
      const entry = Option.getOrUndefined(readEntry(text))
      if (entry === undefined) return yield* new StoreError({ operation, key, reason: new ForeignEntry() })
      if (entry.expires === undefined || (yield* Clock.currentTimeMillis) < entry.expires) {
        return Option.some(entry.value)
      }
      yield* Effect.mapError(backing.removeEntry(key, text), failing(operation, key))
      return Option.none()
    })

  return commands.of({
    get: ({ key }) => read("get", key),
    has: ({ key }) => Effect.map(read("has", key), Option.isSome),
    delete: ({ key }) =>
      Effect.flatMap(checkedKey("delete", key), () => Effect.mapError(backing.remove(key), failing("delete", key))),
    set: ({ key, timeToLive, value }) =>
      Effect.gen(function* () {
        yield* checkedKey("set", key)
        const bytes = byteLength(value)
        if (bytes > maxValueBytes) {
          const reason = new ValueTooLarge({ bytes, maxBytes: maxValueBytes })
          return yield* new StoreError({ operation: "set", key, reason })
        }
        const expires = yield* expiry(key, timeToLive)
        const entry = JSON.stringify(expires === undefined ? { value } : { value, expires })
        return yield* Effect.mapError(backing.set(key, entry), failing("set", key))
      })
  })
}

const expiry = (
  key: string,
  timeToLive: Duration.Duration | undefined
): Effect.Effect<number | undefined, StoreError> => {
  if (timeToLive === undefined) return Effect.undefined
  const millis = Duration.toMillis(timeToLive)
  if (!(millis > 0)) {
    const reason = new InvalidTimeToLive({ timeToLive: Duration.format(timeToLive) })
    return Effect.fail(new StoreError({ operation: "set", key, reason }))
  }
  return millis === Infinity ? Effect.undefined : Effect.map(Clock.currentTimeMillis, (now) => now + millis)
}

const byteLength = (text: string): number => encoder.encode(text).length

const wrongKey = (key: string): string | undefined => {
  if (key === "" || key === "." || key === "..") return "is empty, or has a name that directories have"
  if (key.includes("\0")) return "has a null character, which file names and databases do not take"
  if (/\p{Surrogate}/u.test(key)) return "is no Unicode text: it has half of a surrogate pair"
  const bytes = byteLength(key)
  return bytes > maxKeyBytes ? `has ${bytes} bytes, and the limit is ${maxKeyBytes}` : undefined
}

const checkedKey = (operation: Operation, key: string): Effect.Effect<void, StoreError> => {
  const detail = wrongKey(key)
  return detail === undefined
    ? Effect.void
    : Effect.fail(new StoreError({ operation, key, reason: new InvalidKey({ detail }) }))
}

// effect's own message says no more than which method failed; the causes behind it know why.
const unavailable = (operation: Operation, key: string, failure: Failure): StoreError => {
  const messages = new Set<string>()
  for (let error: unknown = failure; error instanceof Error && messages.size < 5; error = error.cause) {
    if (error.message !== "") messages.add(error.message)
  }
  return new StoreError({ operation, key, reason: new StoreUnavailable({ detail: Array.from(messages).join(": ") }) })
}

/**
 * Handles the module with effect's `KeyValueStore`, whichever it is.
 *
 * **Details**
 *
 * - `maxValueBytes`: how many bytes a value may have.
 *
 * Of two processes that set a key at once, the last one wins, with its whole value, where the store itself writes a value
 * as a whole: effect's store of files does not, for which there is {@link layerFiles}. Changes under one key go one after
 * the other. Programs that share a store without a database are not kept apart: one may remove, as expired, what the
 * other has set in the same moment.
 *
 * **Errors**
 *
 * `InvalidOption` for a `maxValueBytes` that is no whole number.
 *
 * @category layers
 */
export const layer = (options: Options = {}): StoreLayer<never, KeyValueStore.KeyValueStore> =>
  Dispatcher.layer(
    commands,
    Effect.flatMap(KeyValueStore.KeyValueStore, (store) => handlers("Store.layer", ofKeyValueStore(store), options))
  )

/**
 * Handles the module in memory: a store of its own for each time that the layer is built, gone with it.
 *
 * @category layers
 */
export const layerMemory = (options: Options = {}): StoreLayer =>
  layer(options).pipe(Layer.provide(Layer.fresh(KeyValueStore.layerMemory)))

const built = <E, R>(layer: Layer.Layer<KeyValueStore.KeyValueStore, E, R>) =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, KeyValueStore.KeyValueStore))

/**
 * Handles the module with one file for each key, in a directory of its own, which is made when it is missing.
 *
 * **Details**
 *
 * A set writes the file beside the old one, waits until it is on the disk, and gives it the name. So a crash leaves the
 * old value or the new one, and so does an interruption. The directory belongs to one program at a time. On a file system
 * that does not tell upper case from lower, neither do the keys; percent-encoded, a key is to be no longer than a file
 * name may be (255 bytes, mostly).
 *
 * **Errors**
 *
 * `StoreError` when the directory can't be read or made; `InvalidOption` as with {@link layer}.
 *
 * @category layers
 */
export const layerFiles = (directory: string, options: Options = {}): StoreLayer<StoreError, FileSystem | Path> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const store = yield* built(KeyValueStore.layerFileSystem(directory))
      return yield* ofDirectory(store, directory)
    }).pipe(
      Effect.mapError((failure) => unavailable("open", "", failure)),
      Effect.flatMap((backing) => handlers("Store.layerFiles", backing, options))
    )
  )

/**
 * What {@link layerSql} can be given.
 *
 * @category models
 */
export interface SqlOptions extends Options {
  /** The table, which is made when it is missing: `troupe_store` when absent. */
  readonly table?: string | undefined
}

/**
 * Handles the module in a table of a database: SQLite or PostgreSQL.
 *
 * **Details**
 *
 * Every command is one statement, so that any number of programs can share the table. A set is in no transaction of
 * the process, and stays when one is rolled back.
 *
 * **Errors**
 *
 * `StoreError` when the database can't be reached, or the table can't be made; `InvalidOption` as with {@link layer}.
 *
 * @category layers
 */
export const layerSql = (options: SqlOptions = {}): StoreLayer<StoreError, SqlClient> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const table = options.table ?? "troupe_store"
      const store = yield* built(KeyValueStore.layerSql({ table }))
      return ofTable(store, yield* SqlClient, table)
    }).pipe(
      // effect's layer dies where the table can't be made.
      Effect.catchDefect((defect) => (isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))),
      Effect.mapError((failure) => unavailable("open", "", failure)),
      Effect.flatMap((backing) => handlers("Store.layerSql", backing, options))
    )
  )

/**
 * Why a command of the module can fail.
 *
 * @category errors
 */
export type StoreYieldError = StoreError | DispatchError

/**
 * What a command of the module requires.
 *
 * @category utility types
 */
export type StoreServices = Dispatcher.Handles<"store"> | CurrentProcess

/**
 * How a value is set.
 *
 * @category models
 */
export interface SetOptions {
  /** How long it lives, by Effect's `Clock`: for ever when absent. */
  readonly timeToLive?: Duration.Input | undefined
}

/**
 * The value of a key, if it has one that has not expired.
 *
 * **Details**
 *
 * When the time of a value is over it is gone, for `get` and `has`. What it took up is given back when one of them comes
 * upon it, or the key is set or deleted.
 *
 * **Example** (A value that expires)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Option } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Clock, Store } from "troupe/command"
 *
 * const Keeper = Process.make("app:keeper")
 * const KeeperLive = Keeper.toLayer(Effect.fn(function*() {
 *   yield* Store.set("session", "Ada", { timeToLive: "20 millis" })
 *   const before = yield* Store.get("session")
 *   yield* Clock.sleep("20 millis")
 *   return [before, yield* Store.has("session")] as const
 * })).pipe(Layer.provide([Clock.layer, Store.layerMemory()]))
 *
 * const program = Effect.flatMap(Process.spawn(Keeper), Process.await)
 * await Effect.runPromise(Effect.provide(program, [KeeperLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([Option.some("Ada"), false])
 * ```
 *
 * @category yielding
 */
export const get = (key: string): Effect.Effect<Option.Option<string>, StoreYieldError, StoreServices> =>
  Process.yield(commands.get, { key })

/**
 * Gives a key a value, in place of an earlier one and its time to live.
 *
 * **Details**
 *
 * - `key`: up to 512 bytes of UTF-8; not empty, `.` or `..`.
 * - `value`: any text, up to the limit of the layer.
 * - `options.timeToLive`: how long it lives.
 *
 * **Errors**
 *
 * `StoreError`, with the reasons `InvalidKey`, `ValueTooLarge`, `InvalidTimeToLive` and `StoreUnavailable`.
 *
 * @category yielding
 */
export const set = (
  key: string,
  value: string,
  options?: SetOptions
): Effect.Effect<void, StoreYieldError, StoreServices> =>
  Process.yield(commands.set, {
    key,
    value,
    timeToLive: options?.timeToLive === undefined ? undefined : Duration.fromInputUnsafe(options.timeToLive)
  })

const remove = (key: string): Effect.Effect<void, StoreYieldError, StoreServices> =>
  Process.yield(commands.delete, { key })

export {
  /**
   * Takes the value of a key away; a key without one stays so.
   *
   * @category yielding
   */
  remove as delete
}

/**
 * Whether a key has a value that has not expired.
 *
 * @category yielding
 */
export const has = (key: string): Effect.Effect<boolean, StoreYieldError, StoreServices> =>
  Process.yield(commands.has, { key })

/**
 * A view of the store whose values are those of a schema.
 *
 * @category models
 */
export interface Typed<in out A> {
  /** As `get`; `InvalidValue` when what lies there does not fit the schema. */
  readonly get: (key: string) => Effect.Effect<Option.Option<A>, StoreYieldError, StoreServices>
  /** As `set`; `InvalidValue` when the value does not fit the schema. */
  readonly set: (key: string, value: A, options?: SetOptions) => Effect.Effect<void, StoreYieldError, StoreServices>
  readonly delete: (key: string) => Effect.Effect<void, StoreYieldError, StoreServices>
  readonly has: (key: string) => Effect.Effect<boolean, StoreYieldError, StoreServices>
}

/**
 * A view of the store whose values are those of a schema, kept as JSON.
 *
 * **Example** (Values with a type)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Option, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Store } from "troupe/command"
 *
 * const sessions = Store.schema(Schema.Struct({ user: Schema.String, since: Schema.Date }))
 *
 * const Keeper = Process.make("app:keeper")
 * const KeeperLive = Keeper.toLayer(Effect.fn(function*() {
 *   yield* sessions.set("s1", { user: "Ada", since: new Date(0) }, { timeToLive: "1 hour" })
 *   return Option.map(yield* sessions.get("s1"), ({ since }) => since.getTime())
 * })).pipe(Layer.provide(Store.layerMemory()))
 *
 * const program = Effect.flatMap(Process.spawn(Keeper), Process.await)
 * await Effect.runPromise(Effect.provide(program, [KeeperLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(Option.some(0))
 * ```
 *
 * @category yielding
 */
export const schema = <S extends Schema.Codec<unknown, unknown>>(schema: S): Typed<S["Type"]> => {
  const json = Schema.fromJsonString(Schema.toCodecJson(schema))
  const decode = Schema.decodeEffect(json)
  const encode = Schema.encodeEffect(json)
  const invalid =
    (operation: Operation, key: string) =>
    (error: Schema.SchemaError): StoreError =>
      new StoreError({ operation, key, reason: new InvalidValue({ detail: error.message }) })
  return {
    get: (key) =>
      Effect.flatMap(
        get(key),
        Option.match({
          onNone: () => Effect.succeedNone,
          onSome: (text) => Effect.asSome(Effect.mapError(decode(text), invalid("get", key)))
        })
      ),
    set: (key, value, options) =>
      Effect.flatMap(Effect.mapError(encode(value), invalid("set", key)), (text) => set(key, text, options)),
    delete: remove,
    has
  }
}
