/**
 * The typed error of the module `sql`: it keeps effect's reasons, and names the statement, but none of its parameters.
 */
import * as Schema from "effect/Schema"
import {
  AuthenticationError,
  AuthorizationError,
  ConnectionError,
  ConstraintError,
  DeadlockError,
  LockTimeoutError,
  SerializationError,
  type SqlError,
  SqlErrorReason,
  SqlSyntaxError,
  StatementTimeoutError,
  UniqueViolation,
  UnknownError
} from "effect/sql/SqlError"

/**
 * A transaction is not open, or not in this process.
 *
 * @category errors
 */
export class TransactionNotOpen extends Schema.TaggedError<TransactionNotOpen>()("TransactionNotOpen", {
  transaction: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `the process ${this.process} has no open transaction ${this.transaction}: it was committed or rolled back, or another process began it. Begin one`
  }
}

/**
 * A transaction has one open that is nested in it, which is to be committed or rolled back first.
 *
 * @category errors
 */
export class NestedTransactionOpen extends Schema.TaggedError<NestedTransactionOpen>()("NestedTransactionOpen", {
  transaction: Schema.Int
}) {
  override get message(): string {
    return `a transaction that is nested in the transaction ${this.transaction} is open. Give the statement that one, or commit it or roll it back first`
  }
}

/**
 * A statement would begin or end a transaction behind the back of whoever shares the connection.
 *
 * @category errors
 */
export class TransactionStatement extends Schema.TaggedError<TransactionStatement>()("TransactionStatement", {}) {
  override get message(): string {
    return "transactions are not begun and ended with statements. Use Sql.transaction, or Sql.begin, Sql.commit and Sql.rollback"
  }
}

/**
 * A value has no form in the database, or none in JSON. It is named by its place, and not shown.
 *
 * @category errors
 */
export class UnsupportedValue extends Schema.TaggedError<UnsupportedValue>()("UnsupportedValue", {
  place: Schema.String,
  found: Schema.String
}) {
  override get message(): string {
    return `${this.place} is ${this.found}, which is not supported. Convert it to text in the statement, or before`
  }
}

/**
 * The rows of a query have more bytes than the layer allows; those behind the limit were not read.
 *
 * **Details**
 *
 * - `limit`: in bytes.
 * - `rows`: how many rows fit.
 *
 * A statement that changes rows as well may have changed them; in a transaction of PostgreSQL that has ended, as with any
 * statement that fails.
 *
 * @category errors
 */
export class ResultTooLarge extends Schema.TaggedError<ResultTooLarge>()("ResultTooLarge", {
  limit: Schema.Int,
  rows: Schema.Int
}) {
  override get message(): string {
    return `its rows have more than ${this.limit} bytes, of which ${this.rows} rows fit. Ask for fewer rows or columns, such as a part of the rows after another, or raise maxBytes of Sql.layer`
  }
}

/**
 * A command of the module `sql` failed.
 *
 * **Details**
 *
 * - `statement`: the text of the statement, without its parameters, which may be secret.
 * - `reason`: one of effect's, such as `UniqueViolation`, `SqlSyntaxError` or `ConnectionError`, to be told apart with
 *   `Effect.catchReason`; or `TransactionNotOpen`, `NestedTransactionOpen`, `TransactionStatement`, `UnsupportedValue` or
 *   `ResultTooLarge`.
 *
 * The cause of a reason is an error with the database's message, whose name is the database's code (`23505`). Where the
 * message quotes a parameter, or a part of one, that is hidden; and so are the details that databases add, which may show
 * rows.
 *
 * **Example** (One reason among others)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { UniqueViolation } from "effect/sql/SqlError"
 * import { Sql } from "troupe/command"
 *
 * const cause = new Error("UNIQUE constraint failed: friends.name")
 * const reason = new UniqueViolation({ cause, constraint: "friends.name" })
 * const insert = Effect.fail(new Sql.SqlFailed({ statement: "INSERT INTO friends VALUES (?)", reason }))
 *
 * const program = Effect.catchReason(insert, "SqlFailed", "UniqueViolation", ({ constraint }) => Effect.succeed(constraint))
 * await Effect.runPromise(program) // => "friends.name"
 * ```
 *
 * @category errors
 */
export class SqlFailed extends Schema.TaggedError<SqlFailed>()("SqlFailed", {
  statement: Schema.String,
  reason: Schema.Union([
    ...SqlErrorReason.members,
    TransactionNotOpen,
    NestedTransactionOpen,
    TransactionStatement,
    UnsupportedValue,
    ResultTooLarge
  ])
}) {
  override get message(): string {
    const { reason } = this
    const cause = "cause" in reason && reason.cause instanceof Error ? `: ${reason.cause.message}` : ""
    const why =
      reason.message === undefined || reason.message === cause.slice(2) ? cause : `: ${reason.message}${cause}`
    return `${abridged(this.statement)} failed (${reason._tag})${why.replace(/\.$/, "")}. ${advice[reason._tag] ?? ""}`.trimEnd()
  }

  /** Whether trying again may succeed. */
  get isRetryable(): boolean {
    return "isRetryable" in this.reason && this.reason.isRetryable
  }
}

const abridged = (statement: string): string => {
  const line = statement.trim().replaceAll(/\s+/g, " ")
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

const again = "Trying again may succeed."

const advice: { readonly [tag: string]: string } = {
  ConnectionError: "See that the database runs and can be reached under this address.",
  AuthenticationError: "See that the user and the password of the client are right.",
  AuthorizationError: "The user, or the file, doesn't allow it.",
  SqlSyntaxError: "Look at the statement, and whether what it names is in the database.",
  DeadlockError: again,
  SerializationError: again,
  LockTimeoutError: again,
  StatementTimeoutError: again
}

interface Fields {
  readonly cause: Error
  readonly message?: string
  readonly operation?: string
  readonly constraint: string
}

const reasons: {
  readonly [R in SqlErrorReason as R["_tag"]]: (fields: Fields) => R
} = {
  ConnectionError: (fields) => new ConnectionError(fields),
  AuthenticationError: (fields) => new AuthenticationError(fields),
  AuthorizationError: (fields) => new AuthorizationError(fields),
  SqlSyntaxError: (fields) => new SqlSyntaxError(fields),
  UniqueViolation: (fields) => new UniqueViolation(fields),
  ConstraintError: (fields) => new ConstraintError(fields),
  DeadlockError: (fields) => new DeadlockError(fields),
  SerializationError: (fields) => new SerializationError(fields),
  LockTimeoutError: (fields) => new LockTimeoutError(fields),
  StatementTimeoutError: (fields) => new StatementTimeoutError(fields),
  UnknownError: (fields) => new UnknownError(fields)
}

const codeOf = (cause: object): string => {
  if ("errcode" in cause) return `SQLITE ${String(cause.errcode)}`
  return "code" in cause ? String(cause.code) : "Error"
}

// What is shorter is found in any words.
const shortest = 4

const textsOf = (parameter: unknown): ReadonlyArray<string> => {
  if (Array.isArray(parameter)) return parameter.flatMap(textsOf)
  if (parameter instanceof Date) return [String(parameter), parameter.toISOString()]
  return typeof parameter === "string" || typeof parameter === "number" || typeof parameter === "bigint"
    ? [String(parameter)]
    : []
}

// Databases quote a parameter, an item of it when it is an array, or the part that they could not read.
const hiding = (parameters: ReadonlyArray<unknown>): ((text: string) => string) => {
  const texts = parameters
    .flatMap(textsOf)
    .filter((text) => text !== "")
    .toSorted((one, other) => other.length - one.length)
  const whole = (text: string): string =>
    texts.reduce((hidden, secret) => {
      if (secret.length >= shortest) return hidden.replaceAll(secret, "…")
      return hidden.replaceAll(`"${secret}"`, '"…"').replaceAll(`'${secret}'`, "'…'")
    }, text)
  return (text) =>
    whole(text).replaceAll(/(["'])([^"']+)\1/g, (quoted, quote: string, part: string) =>
      texts.some((secret) => secret.includes(part)) ? `${quote}…${quote}` : quoted
    )
}

/**
 * The error of a statement, cleansed of its parameters.
 *
 * @category constructors
 */
export const failedStatement = (
  statement: string,
  parameters: ReadonlyArray<unknown>,
  { reason }: SqlError
): SqlFailed => {
  const hide = hiding(parameters)
  const original = reason.cause
  const cause = new Error(hide(original instanceof Error ? original.message : String(original)))
  cause.name = original instanceof Error ? codeOf(original) : "Error"
  return new SqlFailed({
    statement,
    reason: reasons[reason._tag]({
      cause,
      ...(reason.message === undefined ? {} : { message: hide(reason.message) }),
      ...(reason.operation === undefined ? {} : { operation: reason.operation }),
      constraint: "constraint" in reason ? reason.constraint : ""
    })
  })
}
