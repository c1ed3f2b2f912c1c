/**
 * What a store keeps its entries in: effect's `KeyValueStore`, made safe for an expired entry to be removed beside a set.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Hash from "effect/Hash"
import * as Path from "effect/Path"
import type { KeyValueStore, KeyValueStoreError } from "effect/persistence/KeyValueStore"
import type { PlatformError } from "effect/PlatformError"
import * as Semaphore from "effect/Semaphore"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** Why it could not do what it should. */
export type Failure = KeyValueStoreError | PlatformError | SqlError

/** Entries as text, under keys that were checked. */
export interface Backing {
  readonly get: (key: string) => Effect.Effect<string | undefined, Failure>
  readonly set: (key: string, entry: string) => Effect.Effect<void, Failure>
  readonly remove: (key: string) => Effect.Effect<void, Failure>
  /** Removes the entry, unless another one has taken its place. */
  readonly removeEntry: (key: string, entry: string) => Effect.Effect<void, Failure>
}

const stripes = 64

/** Of any key-value store. Changes under one key go one after the other, within this backing. */
export const ofKeyValueStore = (store: Pick<Backing, "get" | "set" | "remove">): Backing => {
  const locks = Array.from({ length: stripes }, () => Semaphore.makeUnsafe(1))
  const locked = <A, E>(key: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const lock = locks[Math.abs(Hash.string(key)) % stripes]
    return lock === undefined ? effect : Semaphore.withPermit(lock, effect)
  }
  return {
    get: store.get,
    set: (key, entry) => locked(key, store.set(key, entry)),
    remove: (key) => locked(key, store.remove(key)),
    removeEntry: (key, entry) =>
      locked(
        key,
        Effect.flatMap(store.get(key), (present) => (present === entry ? store.remove(key) : Effect.void))
      )
  }
}

/** Of a table, whose single statements are atomic for all programs that use the database. */
export const ofTable = (store: KeyValueStore, client: SqlClient, table: string): Backing => {
  const sql = client.withoutTransforms()
  const encoder = new TextEncoder()
  return {
    get: store.get,
    set: store.set,
    remove: store.remove,
    removeEntry: (key, entry) =>
      Effect.asVoid(sql`DELETE FROM ${sql(table)} WHERE id = ${key} AND value = ${encoder.encode(entry)}`)
  }
}

// No key has such a name: what encodeURIComponent answers has no equals sign.
const temporaryPrefix = "=new-"

// No two files that are being written have one name. A random one would be drawn from the numbers of the process that
// sets: processes with one seed would draw the same, and a replay, which stores nothing, would draw others afterwards.
let lastTemporary = 0

/**
 * Of a directory, in which a crash leaves the old entry or the new one: an entry is written beside the old one, and takes
 * its name when it is on the disk. effect's own store writes in place.
 */
export const ofDirectory = (
  store: KeyValueStore,
  directory: string
): Effect.Effect<Backing, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const encoder = new TextEncoder()

    // What a program that was killed had begun to write.
    for (const name of yield* fs.readDirectory(directory)) {
      if (name.startsWith(temporaryPrefix)) yield* fs.remove(path.join(directory, name), { force: true })
    }

    const write = (file: string, entry: string): Effect.Effect<void, PlatformError> =>
      Effect.scoped(
        Effect.flatMap(fs.open(file, { flag: "wx" }), (opened) =>
          Effect.andThen(opened.writeAll(encoder.encode(entry)), opened.sync)
        )
      )

    const set = (key: string, entry: string): Effect.Effect<void, PlatformError> =>
      Effect.suspend(() => {
        const temporary = path.join(directory, `${temporaryPrefix}${++lastTemporary}`)
        // Were the renaming given up half-way, it could come after that of a later set.
        const rename = Effect.uninterruptible(fs.rename(temporary, path.join(directory, encodeURIComponent(key))))
        return Effect.andThen(write(temporary, entry), rename).pipe(
          Effect.onError(() => Effect.ignore(fs.remove(temporary, { force: true })))
        )
      })

    return ofKeyValueStore({ get: store.get, set, remove: store.remove })
  })
