/**
 * SQLite for `effect/sql`, over Node's own `node:sqlite`: a database in a file or in memory, with nothing to install.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Client from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { ConnectionError, LockTimeoutError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "../../scheduler/internal/monotonic.ts"
import { changesRows } from "../internal/statement.ts"
import {
  begins,
  bind,
  type Database,
  exact,
  failed,
  hasMore,
  isBusy,
  type Module,
  type Native,
  type Prepared,
  refused
} from "./internal/sqlite.ts"

/**
 * What {@link layer} can be given.
 *
 * @category models
 */
export interface Options {
  /** The path of the database, or `:memory:`. The file is made if there is none; its directory must be there. */
  readonly filename: string

  /**
   * How long a statement waits for a lock of another connection; 5 seconds when left out. The wait blocks nobody else
   * of the program but those who use the same connection.
   */
  readonly busyTimeout?: Duration.Input | undefined
}

const defaultBusyTimeout = Duration.seconds(5)
const maxPrepared = 128
const rowsPerChunk = 128
const maxDelay = 50

// Bundlers and tools that know no Node leave a name alone that is not written where it is imported.
const nodeSqlite: string = "node:sqlite"

const load: Effect.Effect<Module, SqlError> = Effect.tryPromise({
  try: (): Promise<Module> => import(/* @vite-ignore */ nodeSqlite),
  catch: (cause) =>
    new SqlError({
      reason: new ConnectionError({
        cause,
        operation: "open",
        message: "There is no node:sqlite here. Run the program with Node 22.19 or later, or provide another SqlClient."
      })
    })
})

const open = ({ DatabaseSync }: Module, filename: string): Effect.Effect<Database, SqlError> =>
  Effect.try({
    // SQLite takes no name at all for a temporary file, which would be gone with the program.
    try: () => new DatabaseSync(filename === "" ? "." : filename),
    catch: (cause) => {
      const why = cause instanceof Error ? cause.message : String(cause)
      const message = `The database ${JSON.stringify(filename)} can't be opened: ${why}. Make the directory that it lies in, see that the program may read and write both, and that the path is not a directory.`
      return new SqlError({ reason: new ConnectionError({ cause, operation: "open", message }) })
    }
  })

/**
 * How a lock is waited for. effect begins transactions and streams uninterruptibly: there the wait alone may be interrupted,
 * while nothing has begun.
 */
type Wait = (pause: Effect.Effect<void>) => Effect.Effect<void>

class SqliteConnection implements Connection {
  private readonly prepared = new Map<string, Prepared>()
  readonly database: Database
  private readonly busyTimeout: Duration.Duration

  constructor(database: Database, busyTimeout: Duration.Duration) {
    this.database = database
    this.busyTimeout = busyTimeout
  }

  private readonly untilFree = <A>(attempt: Effect.Effect<A, SqlError>, wait: Wait): Effect.Effect<A, SqlError> => {
    const { busyTimeout } = this
    return Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const deadline = monotonicMillis(clock) + Duration.toMillis(busyTimeout)
      for (let delay = 1; ; delay = Math.min(delay * 2, maxDelay)) {
        const remaining = deadline - monotonicMillis(clock)
        yield* wait(Effect.sleep(Math.max(0, Math.min(delay, remaining))))
        const result = yield* Effect.result(attempt)
        if (Result.isSuccess(result)) return result.success
        if (!isBusy(result.failure)) return yield* result.failure
        if (monotonicMillis(clock) >= deadline) return yield* stillBusy(result.failure, busyTimeout)
      }
    })
  }

  private readonly prepare = (sql: string): Result.Result<Prepared, SqlError> =>
    Result.flatMap(
      Result.try({ try: () => this.database.prepare(sql), catch: (cause) => failed(cause, "prepare") }),
      (statement) => {
        if (hasMore(sql, statement.sourceSQL)) {
          return Result.fail(refused("prepare", "there is more than one statement; execute one after the other"))
        }
        statement.setReadBigInts(true)
        return Result.succeed(statement)
      }
    )

  // The statement that was used longest ago makes room.
  private readonly cached = (sql: string): Result.Result<Prepared, SqlError> => {
    const known = this.prepared.get(sql)
    if (known !== undefined) {
      this.prepared.delete(sql)
      this.prepared.set(sql, known)
      return Result.succeed(known)
    }
    return Result.map(this.prepare(sql), (statement) => {
      this.keep(sql, statement)
      return statement
    })
  }

  private keep(sql: string, statement: Prepared): void {
    for (const eldest of this.prepared.keys()) {
      if (this.prepared.size < maxPrepared) break
      this.prepared.delete(eldest)
    }
    this.prepared.set(sql, statement)
  }

  // Others may execute the same text while this one is read.
  private readonly taken = (sql: string): Result.Result<Prepared, SqlError> =>
    Result.map(this.cached(sql), (statement) => {
      this.prepared.delete(sql)
      return statement
    })

  private readonly use = <A>(
    sql: string,
    parameters: ReadonlyArray<unknown>,
    prepare: (sql: string) => Result.Result<Prepared, SqlError>,
    use: (statement: Prepared, parameters: ReadonlyArray<Native>, safeIntegers: boolean) => Result.Result<A, SqlError>,
    wait: Wait = begins(sql) ? Effect.interruptible : identity
  ): Effect.Effect<A, SqlError> => {
    const attempt = Effect.withFiber((fiber) =>
      Effect.fromResult(
        Result.flatMap(prepare(sql), (statement) =>
          Result.flatMap(bind(parameters), (bound) => use(statement, bound, fiber.getRef(Client.SafeIntegers)))
        )
      )
    )
    return Effect.catchIf(attempt, isBusy, () => this.untilFree(attempt, wait))
  }

  private readonly rows = (
    statement: Prepared,
    parameters: ReadonlyArray<Native>,
    safeIntegers: boolean
  ): Result.Result<Chunk, SqlError> =>
    tried(() => {
      statement.setReturnArrays(false)
      return statement.all(...parameters).map((row) => rowOf(row, safeIntegers))
    })

  private readonly values = (
    statement: Prepared,
    parameters: ReadonlyArray<Native>,
    safeIntegers: boolean
  ): Result.Result<ReadonlyArray<ReadonlyArray<unknown>>, SqlError> =>
    tried(() => {
      statement.setReturnArrays(true)
      return statement.all(...parameters).map((row) => {
        const values = Object.values(row)
        return safeIntegers ? values : values.map(exact)
      })
    })

  execute(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  ) {
    const rows = this.use(sql, params, this.cached, this.rows)
    return transformRows === undefined ? rows : Effect.map(rows, transformRows)
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>) {
    return this.use<unknown>(sql, params, this.cached, (statement, bound, safeIntegers) => {
      if (statement.columns().length > 0) return this.rows(statement, bound, safeIntegers)
      // SQLite's count is that of the last statement which changed rows.
      return tried(() => {
        const { changes } = statement.run(...bound)
        return { changes: changesRows(sql) ? Number(changes) : 0 }
      })
    })
  }

  executeStream(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  ) {
    const start = this.use(
      sql,
      params,
      this.taken,
      (statement, bound, safeIntegers) => {
        statement.setReturnArrays(false)
        return Result.flatMap(
          tried(() => statement.iterate(...bound)),
          // SQLite asks for its locks, and changes what is to be changed, when the first row is read.
          (rows) => Result.map(nextRows(rows, safeIntegers), (first) => ({ statement, rows, first, safeIntegers }))
        )
      },
      Effect.interruptible
    )
    const stop = ({ rows, statement }: { readonly rows: Iterator<unknown>; readonly statement: Prepared }) =>
      Effect.sync(() => {
        rows.return?.()
        this.keep(sql, statement)
      })
    const transformed = (chunk: Chunk): Chunk => (transformRows === undefined ? chunk : transformRows(chunk))
    return Stream.unwrap(
      Effect.map(Effect.acquireRelease(start, stop), ({ first, rows, safeIntegers }) =>
        Stream.paginate<Chunk | undefined, Row, SqlError>(first, (ready) =>
          Effect.map(
            ready === undefined ? Effect.fromResult(nextRows(rows, safeIntegers)) : Effect.succeed(ready),
            (chunk) => [transformed(chunk), chunk.length < rowsPerChunk ? Option.none() : Option.some(undefined)]
          )
        )
      )
    )
  }

  executeValues(sql: string, params: ReadonlyArray<unknown>) {
    return this.use(sql, params, this.cached, this.values)
  }

  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.use(sql, params, this.prepare, this.values)
  }

  executeUnprepared(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  ) {
    const rows = this.use(sql, params, this.prepare, this.rows)
    return transformRows === undefined ? rows : Effect.map(rows, transformRows)
  }
}

const stillBusy = (error: SqlError, busyTimeout: Duration.Duration): SqlError =>
  new SqlError({
    reason: new LockTimeoutError({
      cause: error.reason.cause,
      operation: "execute",
      message: `the database is locked by another connection, and was for ${Duration.format(busyTimeout)}; try again, or keep transactions short`
    })
  })

const rowOf = (row: Record<string, unknown>, safeIntegers: boolean): Record<string, unknown> =>
  Object.fromEntries(
    safeIntegers ? Object.entries(row) : Object.entries(row).map(([name, value]) => [name, exact(value)])
  )

type Row = Record<string, unknown>
type Chunk = ReadonlyArray<Row>

const tried = <A>(use: () => A): Result.Result<A, SqlError> =>
  Result.try({ try: use, catch: (cause) => failed(cause, "execute") })

const nextRows = (rows: Iterator<Row>, safeIntegers: boolean): Result.Result<Chunk, SqlError> =>
  Result.mapError(
    tried(() => {
      const chunk: Array<Row> = []
      while (chunk.length < rowsPerChunk) {
        const next = rows.next()
        if (next.done === true) break
        chunk.push(rowOf(next.value, safeIntegers))
      }
      return chunk
    }),
    (error) => {
      // One that has failed counts as in progress until it is given up, and lets nobody commit.
      rows.return?.()
      return error
    }
  )

/**
 * Opens a database and makes a client of it; it is closed with the scope. See {@link layer}.
 *
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Client.SqlClient, SqlError, Reactivity.Reactivity | Scope.Scope> =>
  Effect.gen(function* () {
    const { filename } = options
    const busyTimeout = Duration.fromInputUnsafe(options.busyTimeout ?? defaultBusyTimeout)
    const module = yield* load
    const database = yield* Effect.acquireRelease(open(module, filename), (database) =>
      Effect.sync(() => database.close())
    )
    const connection = new SqliteConnection(database, busyTimeout)

    // The first statement reads the file, and finds out whether it is a database at all.
    const readOnly = yield* Effect.matchEffect(
      connection.executeUnprepared("PRAGMA journal_mode = WAL", [], undefined),
      {
        onSuccess: () => Effect.succeed(false),
        onFailure: (error) =>
          error.reason._tag === "AuthorizationError" ? Effect.succeed(true) : Effect.fail(unusable(filename, error))
      }
    )

    const acquirers = Client.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: Semaphore.makeUnsafe(1),
      isTransaction: () => database.isTransaction
    })
    return yield* Client.make({
      ...acquirers,
      compiler: Statement.makeCompilerSqlite(),
      driver: "sqlite-node",
      spanAttributes: [
        ["db.system.name", "sqlite"],
        ["db.namespace", filename]
      ],
      prepareTransactionControls: true,
      // One that begins with reading, and finds when it writes that another connection wrote meanwhile, can only fail.
      beginTransaction: readOnly ? "BEGIN" : "BEGIN IMMEDIATE",
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`
    })
  })

const unusable = (filename: string, error: SqlError): SqlError => {
  const message = `The database ${JSON.stringify(filename)} can't be used: ${error.message}. Give the path of a SQLite database, or of a file that is not there yet.`
  const { cause } = error.reason
  return new SqlError({
    reason: isBusy(error)
      ? new LockTimeoutError({ cause, operation: "open", message })
      : new ConnectionError({ cause, operation: "open", message })
  })
}

/**
 * Provides a `SqlClient` for one SQLite database, and closes it when the layer is released.
 *
 * **Details**
 *
 * - There is one connection. Statements run one after the other, and a transaction has it until it ends: what is outside
 *   of the transaction waits. Transactions begin with `BEGIN IMMEDIATE`, and nest as savepoints.
 * - SQLite works in the program's own thread: while a statement runs, nothing else does. A lock of another connection is
 *   waited for without blocking.
 * - A file is in write-ahead mode (WAL), so that other connections read while one writes; foreign keys are enforced. A
 *   file that may not be written can be read.
 * - Parameters: null, booleans (as 1 and 0), numbers, bigints of 64 bits, strings, dates (as ISO 8601 text) and bytes.
 *   Rows: null, numbers, strings, bytes; an integer beyond what a number holds exactly is a bigint, and with effect's
 *   `SafeIntegers` all are.
 * - A statement text holds one statement; a second one is an error, and not passed over. The last 128 texts are kept
 *   prepared.
 *
 * **Errors**
 *
 * `SqlError`, whose reason is a `ConnectionError` where the file can't be opened or is no database, `SqlSyntaxError` where
 * a text can't be prepared (a table that is not there, as well), `UniqueViolation` and `ConstraintError`,
 * `LockTimeoutError` when the `busyTimeout` is over, `AuthorizationError` where the file may not be written, and
 * `UnknownError` for the rest.
 *
 * **Example** (A database in memory)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 * import * as Sqlite from "troupe/command/sqlite"
 *
 * const program = Effect.gen(function*() {
 *   const sql = yield* SqlClient.SqlClient
 *   yield* sql`CREATE TABLE friends (name TEXT NOT NULL)`
 *   yield* sql`INSERT INTO friends ${sql.insert({ name: "Ada" })}`
 *   return yield* sql`SELECT name FROM friends`
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Sqlite.layer({ filename: ":memory:" }))) // => [{ name: "Ada" }]
 * ```
 *
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Client.SqlClient, SqlError> =>
  Layer.effect(Client.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
