/**
 * Databases, as a process asks for them: queries, statements that change rows, and transactions, which end with the
 * process. The same code serves SQLite and PostgreSQL.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Command from "../dispatch/Command.ts"
import type { DispatchError } from "../dispatch/DispatchError.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { CurrentProcess } from "../process/internal/services.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import { self } from "../process/Lifecycle.ts"
import * as Process from "../process/Yielding.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"
import { readRows } from "./internal/rows.ts"
import { controlsTransaction } from "./internal/statement.ts"
import { Transactions } from "./internal/transactions.ts"
import { failedStatement, SqlFailed, TransactionStatement, UnsupportedValue } from "./SqlError.ts"
import { Parameter, Row } from "./SqlValue.ts"

export * from "./SqlError.ts"
export * from "./SqlValue.ts"

/**
 * The schema of {@link Transaction}.
 *
 * @category schemas
 */
export const Transaction = Schema.Int.pipe(Schema.brand("troupe/command/Sql/Transaction"))

/**
 * An open transaction of the process that began it, which is rolled back when that process ends.
 *
 * @category models
 */
export type Transaction = typeof Transaction.Type

const statement = {
  statement: Schema.String,
  parameters: Schema.Array(Parameter),
  transaction: Schema.optional(Transaction)
}

/**
 * The commands of the module `sql`.
 *
 * @category commands
 */
export const commands = Command.module("sql", {
  query: Command.make(100, { payload: statement, success: Schema.Array(Row), error: SqlFailed }),
  execute: Command.make(101, { payload: statement, success: Schema.Int, error: SqlFailed }),
  begin: Command.make(102, {
    payload: { transaction: Schema.optional(Transaction) },
    success: Transaction,
    error: SqlFailed
  }),
  commit: Command.make(103, { payload: { transaction: Transaction }, error: SqlFailed }),
  rollback: Command.make(104, { payload: { transaction: Transaction }, error: SqlFailed })
})

/**
 * How much comes out of a database at most.
 *
 * **Details**
 *
 * - `maxBytes`: how many bytes the rows of a query may have: 10 MiB when absent. A text counts as many as it has characters,
 *   and so do the names of the columns, in each row; bytes count as many as they are, and all other values 8.
 *
 * @category models
 */
export interface Options {
  readonly maxBytes?: number | undefined
}

/**
 * Handles the module with effect's `SqlClient`: that of `troupe/command/sqlite`, of `@effect/sql-pg`, or another.
 *
 * **Details**
 *
 * A transaction has a connection of its own until it ends. With SQLite, which has but one, everything else waits for it
 * meanwhile: keep transactions short. With PostgreSQL, everything waits once all connections of the client's pool have one.
 * There a statement that fails ends its transaction, too: what comes after it is refused, and so is the commit; let a
 * nested transaction have what may fail. With SQLite the others stay.
 *
 * **Errors**
 *
 * `InvalidOption` for a `maxBytes` that is no whole number.
 *
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Dispatcher.Handles<"sql"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  SqlClient
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const client = yield* SqlClient
      const limit = yield* limitsOf("Sql.layer").count("maxBytes", options?.maxBytes, mebibytes(10))
      const transactions = new Transactions(client)
      const arrays = client.onDialectOrElse({ pg: () => true, orElse: () => false })

      const run = <A>(
        { parameters, statement, transaction }: typeof commands.query.payloadSchema.Type,
        process: Parameters<typeof transactions.begin>[0],
        effect: Effect.Effect<A, SqlFailed>
      ): Effect.Effect<A, SqlFailed> => {
        if (controlsTransaction(statement)) {
          return Effect.fail(new SqlFailed({ statement, reason: new TransactionStatement() }))
        }
        const array = arrays ? -1 : parameters.findIndex((parameter) => Array.isArray(parameter))
        if (array !== -1) return unsupported(statement, `The parameter ${array + 1}`, "an array")
        return transaction === undefined ? effect : transactions.within(process, transaction, statement, effect)
      }

      return commands.of({
        query: (payload, { process }) => {
          const { parameters, statement } = payload
          const rows = client
            .unsafe<Row>(statement, parameters)
            .stream.pipe(Stream.mapError((error) => failedStatement(statement, parameters, error)))
          return run(payload, process, readRows(statement, rows, limit))
        },
        execute: (payload, { process }) => {
          const { parameters, statement } = payload
          const result = client.unsafe(statement, parameters).raw.pipe(
            Effect.map(changesOf),
            Effect.mapError((error) => failedStatement(statement, parameters, error))
          )
          return run(payload, process, result)
        },
        begin: ({ transaction }, { process }) =>
          Effect.map(transactions.begin(process, transaction), (id) => Transaction.make(id)),
        commit: ({ transaction }, { process }) => transactions.commit(process, transaction),
        rollback: ({ transaction }, { process }) => transactions.rollback(process, transaction)
      })
    })
  )

const unsupported = (statement: string, place: string, found: string): Effect.Effect<never, SqlFailed> =>
  Effect.fail(new SqlFailed({ statement, reason: new UnsupportedValue({ place, found }) }))

// Each driver has its own words for it; rows come where a statement returns some.
const changesOf = (result: unknown): number => {
  if (Array.isArray(result)) return result.length
  if (typeof result !== "object" || result === null) return 0
  const counted = result as { readonly [key in "changes" | "rowCount" | "affectedRows"]?: unknown }
  const count = counted.changes ?? counted.rowCount ?? counted.affectedRows
  return typeof count === "number" ? count : 0
}

/**
 * The transaction that statements of a process are in where they name none: that of the innermost {@link transaction}
 * around them.
 *
 * @category services
 */
const Current = Context.Reference<{ readonly process: string; readonly transaction: Transaction } | undefined>(
  "troupe/command/Sql/Current",
  { defaultValue: () => undefined }
)

// Processes that are spawned inside of a transaction see it too, but it isn't theirs.
const current: Effect.Effect<Transaction | undefined, never, CurrentProcess> = Effect.flatMap(Current, (current) =>
  current === undefined
    ? Effect.undefined
    : Effect.map(self, (pid) => (String(pid) === current.process ? current.transaction : undefined))
)

/**
 * Why a command of the module can fail.
 *
 * @category errors
 */
export type SqlYieldError = SqlFailed | DispatchError

/**
 * What a command of the module requires.
 *
 * @category utility types
 */
export type SqlServices = Dispatcher.Handles<"sql"> | CurrentProcess

/**
 * In which transaction a statement is executed.
 *
 * @category models
 */
export interface StatementOptions {
  /** That of the innermost `transaction` around the statement when absent; outside of one, none. */
  readonly transaction?: Transaction | undefined
}

const inTransaction = <A>(
  options: StatementOptions | undefined,
  use: (transaction: Transaction | undefined) => Effect.Effect<A, SqlYieldError, SqlServices>
): Effect.Effect<A, SqlYieldError, SqlServices> =>
  options?.transaction === undefined ? Effect.flatMap(current, use) : use(options.transaction)

/**
 * Executes a statement and answers its rows.
 *
 * **Details**
 *
 * - `statement`: its text, with the placeholders of the database: `?` in SQLite, `$1` in PostgreSQL.
 * - `parameters`: null, booleans, numbers, bigints, strings, dates and bytes; in PostgreSQL arrays of these, too.
 * - `options.transaction`: the transaction that it belongs to.
 *
 * Rows have the same, and arrays and objects where the database has them (PostgreSQL's `json`). To have them typed, decode
 * them with a schema. They are in memory as a whole, and in recordings: what may be much is asked for in parts, with `LIMIT`
 * and a condition on where the last part ended.
 *
 * **Errors**
 *
 * `SqlFailed`, which names the statement, but none of its parameters; its reason is `ResultTooLarge` when the rows have
 * more bytes than the layer allows.
 *
 * **Example** (Writing and reading)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Sql } from "troupe/command"
 * import * as Sqlite from "troupe/command/sqlite"
 *
 * const Friends = Schema.Array(Schema.Struct({ name: Schema.String }))
 *
 * const Clerk = Process.make("app:clerk")
 * const ClerkLive = Clerk.toLayer(Effect.fn(function*() {
 *   yield* Sql.execute("CREATE TABLE friends (name TEXT)")
 *   yield* Sql.execute("INSERT INTO friends VALUES (?), (?)", ["Ada", "Bob"])
 *   const rows = yield* Sql.query("SELECT name FROM friends WHERE name > ?", ["B"])
 *   return yield* Schema.decodeUnknownEffect(Friends)(rows)
 * })).pipe(Layer.provide(Sql.layer()), Layer.provide(Sqlite.layer({ filename: ":memory:" })))
 *
 * const program = Effect.flatMap(Process.spawn(Clerk), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClerkLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([{ name: "Bob" }])
 * ```
 *
 * @category yielding
 */
export const query = (
  statement: string,
  parameters: ReadonlyArray<Parameter> = [],
  options?: StatementOptions
): Effect.Effect<ReadonlyArray<Row>, SqlYieldError, SqlServices> =>
  inTransaction(options, (transaction) => Process.yield(commands.query, { statement, parameters, transaction }))

/**
 * Executes a statement and answers how many rows it changed, or returned; 0 where it is about no rows. As {@link query}
 * otherwise, but that rows which it returns have no limit: the driver reads them all, to count them.
 *
 * @category yielding
 */
export const execute = (
  statement: string,
  parameters: ReadonlyArray<Parameter> = [],
  options?: StatementOptions
): Effect.Effect<number, SqlYieldError, SqlServices> =>
  inTransaction(options, (transaction) => Process.yield(commands.execute, { statement, parameters, transaction }))

/**
 * Begins a transaction of this process; {@link transaction} does it around an effect, and is what one mostly wants.
 *
 * **Details**
 *
 * - `options.transaction`: one in which it is nested, as a savepoint; until it has ended, the outer one takes no
 *   statements. Absent, it is that of the innermost `transaction` around it.
 *
 * It is rolled back when the process ends. Statements are in it that name it; with SQLite the others wait until it has
 * ended, those of this process too, and a process that waits for itself waits for ever.
 *
 * One whose beginning is interrupted is rolled back. Once it is delivered it is up to whoever has it to end it: a coroutine
 * that may be interrupted begins it with `Effect.acquireUseRelease`.
 *
 * **Errors**
 *
 * `SqlFailed`, whose reason is `TransactionNotOpen` where the outer one is not open in this process, and
 * `NestedTransactionOpen` where it has another that is.
 *
 * **Example** (Begun and rolled back by hand)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Sql } from "troupe/command"
 * import * as Sqlite from "troupe/command/sqlite"
 *
 * const Clerk = Process.make("app:clerk")
 * const ClerkLive = Clerk.toLayer(Effect.fn(function*() {
 *   yield* Sql.execute("CREATE TABLE friends (name TEXT)")
 *   const transaction = yield* Sql.begin()
 *   yield* Sql.execute("INSERT INTO friends VALUES (?)", ["Ada"], { transaction })
 *   yield* Sql.rollback(transaction)
 *   return yield* Sql.query("SELECT name FROM friends")
 * })).pipe(Layer.provide(Sql.layer()), Layer.provide(Sqlite.layer({ filename: ":memory:" })))
 *
 * const program = Effect.flatMap(Process.spawn(Clerk), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClerkLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([])
 * ```
 *
 * @category transactions
 */
export const begin = (options?: StatementOptions): Effect.Effect<Transaction, SqlYieldError, SqlServices> =>
  Effect.suspend(() => {
    let begun: Transaction | undefined
    const beginning = Effect.uninterruptibleMask((restore) =>
      Effect.map(opening(restore, options), (transaction) => (begun = transaction))
    )
    return Effect.onExitPrimitive(beginning, (exit) =>
      Exit.isFailure(exit) && begun !== undefined ? Effect.ignore(rollback(begun)) : undefined
    )
  })

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

// To be run uninterruptibly, but for the wait. An interruption may come when it has begun already, and nobody else could
// end it then.
const opening = (
  restore: Restore,
  options?: StatementOptions
): Effect.Effect<Transaction, SqlYieldError, SqlServices> =>
  Effect.gen(function* () {
    const yielded = inTransaction(options, (transaction) => Process.yield(commands.begin, { transaction }))
    const beginning = yield* Effect.forkChild(yielded, { startImmediately: true, uninterruptible: true })
    const abandon = Effect.flatMap(Effect.andThen(Fiber.interrupt(beginning), Fiber.await(beginning)), (exit) =>
      Exit.isSuccess(exit) ? Effect.ignore(rollback(exit.value)) : Effect.void
    )
    return yield* Effect.onInterrupt(restore(Fiber.join(beginning)), () => abandon)
  })

/**
 * Commits a transaction of this process, after its statements that are under way. When it fails, nothing was changed and
 * the transaction has ended; where the connection was lost meanwhile, nobody knows whether it was committed.
 *
 * @category transactions
 */
export const commit = (transaction: Transaction): Effect.Effect<void, SqlYieldError, SqlServices> =>
  Process.yield(commands.commit, { transaction })

/**
 * Rolls back a transaction of this process, with those that are nested in it. Its statements that are under way are
 * interrupted.
 *
 * @category transactions
 */
export const rollback = (transaction: Transaction): Effect.Effect<void, SqlYieldError, SqlServices> =>
  Process.yield(commands.rollback, { transaction })

const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlYieldError, R | SqlServices> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const process = String(yield* self)
      const transaction = yield* opening(restore)
      const inside = Effect.provideService(effect, Current, { process, transaction })
      const exit = yield* Effect.exit(restore(inside))
      yield* Exit.isSuccess(exit) ? commit(transaction) : Effect.ignore(rollback(transaction))
      return yield* exit
    })
  )

export {
  /**
   * Runs an effect in a transaction, which is committed when the effect succeeds, and rolled back when it fails, is
   * interrupted, or its process ends.
   *
   * **Details**
   *
   * Every statement of the effect is in the transaction, those of coroutines too, one after the other. Inside of another
   * it is a savepoint: what failed in it is undone, and the outer one can go on.
   *
   * **Errors**
   *
   * Those of the effect, and `SqlFailed` when the transaction can't begin or can't be committed.
   *
   * **Example** (All or nothing)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Layer } from "effect"
   * import { Process, ProcessHost } from "troupe"
   * import { Sql } from "troupe/command"
   * import * as Sqlite from "troupe/command/sqlite"
   *
   * const Clerk = Process.make("app:clerk")
   * const ClerkLive = Clerk.toLayer(Effect.fn(function*() {
   *   yield* Sql.execute("CREATE TABLE friends (name TEXT)")
   *   const both = Sql.transaction(Effect.gen(function*() {
   *     yield* Sql.execute("INSERT INTO friends VALUES ('Ada')")
   *     return yield* Effect.fail("there is no Bob")
   *   }))
   *   const why = yield* Effect.flip(both)
   *   return [why, yield* Sql.query("SELECT name FROM friends")]
   * })).pipe(Layer.provide(Sql.layer()), Layer.provide(Sqlite.layer({ filename: ":memory:" })))
   *
   * const program = Effect.flatMap(Process.spawn(Clerk), Process.await)
   * await Effect.runPromise(Effect.provide(program, [ClerkLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed(["there is no Bob", []])
   * ```
   *
   * @category transactions
   */
  run as transaction
}
