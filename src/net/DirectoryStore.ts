/**
 * Stores of directories: what is announced outlives the directory's program, within its leases.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Announcement } from "./Announcement.ts"
import { DirectoryStoreError } from "./DirectoryError.ts"

/**
 * A lease as it is kept.
 *
 * @category models
 */
export const StoredLease = Schema.Struct({
  /** What tells it from all others. */
  key: Schema.String,
  announcement: Announcement,
  holder: Schema.String,
  account: Schema.String,
  /** How long it was granted for. */
  milliseconds: Schema.Number,
  /** When it ends unless it is renewed, as the time of day in milliseconds. */
  expires: Schema.Number,
  /** That of its contract, if it was announced: large, and never another one while it is renewed. */
  document: Schema.optional(Schema.String)
})

/**
 * The type of {@link StoredLease}.
 *
 * @category models
 */
export type StoredLease = typeof StoredLease.Type

/**
 * Keeps the leases of one directory.
 *
 * @category services
 */
export class DirectoryStore extends Context.Service<
  DirectoryStore,
  {
    /** All that it has; asked for once, before anything is saved. */
    readonly load: Effect.Effect<ReadonlyArray<StoredLease>, DirectoryStoreError>
    /** Keeps leases, in place of those with their keys, and forgets others: all of it or, when it fails, nothing. */
    readonly save: (changes: {
      readonly put: ReadonlyArray<StoredLease>
      readonly remove: ReadonlyArray<string>
    }) => Effect.Effect<void, DirectoryStoreError>
  }
>()("troupe/net/DirectoryStore") {}

/**
 * Keeps nothing: what was announced is gone with the directory's program, and is announced again by those who renew it.
 *
 * @category layers
 */
export const layerMemory: Layer.Layer<DirectoryStore> = Layer.succeed(DirectoryStore, {
  load: Effect.succeed([]),
  save: () => Effect.void
})

const { document: _, ...record } = StoredLease.fields
const Text = Schema.fromJsonString(Schema.toCodecJson(Schema.Struct(record)))
const encode = Schema.encodeEffect(Text)
const decode = Schema.decodeUnknownOption(Text)

/**
 * Keeps the leases in tables of a database, which are made if they are not there.
 *
 * **Details**
 *
 * - `options.table`: its name, `troupe_directory` when absent. Each directory needs one of its own. The contracts are in one
 *   beside it, with `_contracts` behind its name.
 *
 * With `troupe/command/sqlite` it is a file that needs nothing installed. What can't be read, as that of another version, is
 * forgotten with a warning.
 *
 * **Errors**
 *
 * `DirectoryStoreError` when the tables can't be made.
 *
 * **Example** (A directory in a file)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Authentication, DirectoryServer, DirectoryStore, Memory } from "troupe/net"
 * import * as Sqlite from "troupe/command/sqlite"
 *
 * const DirectoryLive = DirectoryServer.layer(Memory.make(), { authenticator: Authentication.open }).pipe(
 *   Layer.provide(DirectoryStore.layerSql()),
 *   Layer.provide(Sqlite.layer({ filename: ":memory:" }))
 * )
 *
 * const program = DirectoryServer.DirectoryServer.use(({ leases }) => leases)
 *
 * await Effect.runPromise(Effect.provide(program, DirectoryLive)) // => 0
 * ```
 *
 * @category layers
 */
export const layerSql = (options?: {
  readonly table?: string | undefined
}): Layer.Layer<DirectoryStore, DirectoryStoreError, SqlClient> =>
  Layer.effect(
    DirectoryStore,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const name = options?.table ?? "troupe_directory"
      const [table, contracts] = [sql(name), sql(`${name}_contracts`)]
      yield* Effect.mapError(
        Effect.andThen(
          sql`CREATE TABLE IF NOT EXISTS ${table} (lease TEXT PRIMARY KEY, record TEXT NOT NULL)`,
          sql`CREATE TABLE IF NOT EXISTS ${contracts} (lease TEXT PRIMARY KEY, document TEXT NOT NULL)`
        ),
        failed("open")
      )
      // A lease is saved each time that it is renewed, and its document is not another one then.
      const written = new Map<string, string | undefined>()
      const forget = (lease: string) =>
        Effect.andThen(
          sql`DELETE FROM ${table} WHERE lease = ${lease}`,
          sql`DELETE FROM ${contracts} WHERE lease = ${lease}`
        )

      const load = Effect.gen(function* () {
        const rows = yield* sql<{
          readonly lease: string
          readonly record: string
          readonly document: string | null
        }>`SELECT lease, record, document FROM ${table} LEFT JOIN ${contracts} USING (lease)`
        const leases: Array<StoredLease> = []
        for (const { document, lease, record } of rows) {
          const read = decode(record)
          if (Option.isSome(read)) leases.push({ ...read.value, document: document ?? undefined })
          else {
            yield* Effect.logWarning(`The directory forgets ${lease}: what its store has of it can't be read`)
            yield* forget(lease)
          }
        }
        return leases
      })

      return {
        load: Effect.mapError(load, failed("load")),
        save: ({ put, remove }) =>
          Effect.gen(function* () {
            for (const lease of put) {
              const { document, key } = lease
              yield* sql`INSERT INTO ${table} (lease, record) VALUES (${key}, ${yield* Effect.orDie(encode(lease))})
                ON CONFLICT (lease) DO UPDATE SET record = excluded.record`
              if (written.has(key) && written.get(key) === document) continue
              written.delete(key)
              if (document === undefined) yield* sql`DELETE FROM ${contracts} WHERE lease = ${key}`
              else
                yield* sql`INSERT INTO ${contracts} (lease, document) VALUES (${key}, ${document})
                  ON CONFLICT (lease) DO UPDATE SET document = excluded.document`
            }
            yield* Effect.forEach(remove, forget)
          }).pipe(
            sql.withTransaction,
            Effect.tap(() =>
              Effect.sync(() => {
                for (const { document, key } of put) written.set(key, document)
                for (const key of remove) written.delete(key)
              })
            ),
            Effect.mapError(failed("save"))
          )
      }
    })
  )

const failed =
  (operation: DirectoryStoreError["operation"]) =>
  ({ message }: SqlError): DirectoryStoreError =>
    new DirectoryStoreError({ operation, detail: message })
