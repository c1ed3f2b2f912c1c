/**
 * The typed error of the module `store`.
 */
import * as Schema from "effect/Schema"

/**
 * A key that no store takes, so that one which works in memory works in files and databases too.
 *
 * @category errors
 */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", {
  detail: Schema.String
}) {
  override get message(): string {
    return `the key ${this.detail}`
  }
}

/**
 * A value is larger than the store takes.
 *
 * @category errors
 */
export class ValueTooLarge extends Schema.TaggedError<ValueTooLarge>()("ValueTooLarge", {
  bytes: Schema.Int,
  maxBytes: Schema.Int
}) {
  override get message(): string {
    return `the value has ${this.bytes} bytes, and the limit is ${this.maxBytes}. Store less, or give the store's layer another maxValueBytes`
  }
}

/**
 * A value does not fit the schema of its store.
 *
 * @category errors
 */
export class InvalidValue extends Schema.TaggedError<InvalidValue>()("InvalidValue", {
  detail: Schema.String
}) {
  override get message(): string {
    return `the value does not fit the schema: ${this.detail}`
  }
}

/**
 * A time to live is not above 0.
 *
 * @category errors
 */
export class InvalidTimeToLive extends Schema.TaggedError<InvalidTimeToLive>()("InvalidTimeToLive", {
  timeToLive: Schema.String
}) {
  override get message(): string {
    return `the time to live is ${this.timeToLive}; it must be above 0. Delete the key instead, if that is meant`
  }
}

/**
 * What lies under a key was not written by this module.
 *
 * @category errors
 */
export class ForeignEntry extends Schema.TaggedError<ForeignEntry>()("ForeignEntry", {}) {
  override get message(): string {
    return "what lies there was not written by this store. Set or delete the key, or give the store a directory or table of its own"
  }
}

/**
 * What the store keeps its entries in can't be reached, read or written.
 *
 * @category errors
 */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.detail}. See that the directory or the database is there, and that the program may read and write it`
  }
}

/**
 * A command of the module `store` failed, or its layer could not be built.
 *
 * **Details**
 *
 * - `operation`: `get`, `set`, `delete` or `has`; `open` when the layer could not be built.
 * - `key`: what it was about; the value is never shown. It is empty for `open`.
 * - `reason`: to be told apart with `Effect.catchReason`.
 *
 * **Example** (One reason among others)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Store } from "troupe/command"
 *
 * const reason = new Store.ValueTooLarge({ bytes: 12, maxBytes: 10 })
 * const set = Effect.fail(new Store.StoreError({ operation: "set", key: "a", reason }))
 *
 * const program = Effect.catchReason(set, "StoreError", "ValueTooLarge", ({ maxBytes }) => Effect.succeed(maxBytes))
 * await Effect.runPromise(program) // => 10
 * ```
 *
 * @category errors
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.Literals(["open", "get", "set", "delete", "has"]),
  key: Schema.String,
  reason: Schema.Union([InvalidKey, ValueTooLarge, InvalidValue, InvalidTimeToLive, ForeignEntry, StoreUnavailable])
}) {
  override get message(): string {
    const what =
      this.operation === "open" ? "The store can't be opened" : `${this.operation} ${quoted(this.key)} failed`
    return `${what} (${this.reason._tag}): ${this.reason.message}.`
  }
}

const quoted = (key: string): string => JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key)

/**
 * What was being done.
 *
 * @category models
 */
export type Operation = StoreError["operation"]
