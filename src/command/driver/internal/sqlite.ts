/**
 * What the adapter needs of `node:sqlite`, in types of its own, so that nobody who uses the library needs Node's; values
 * on their way in and out; and the reasons of SQLite's errors.
 */
import * as Result from "effect/Result"
import {
  AuthorizationError,
  ConnectionError,
  ConstraintError,
  LockTimeoutError,
  SqlError,
  type SqlErrorReason,
  SqlSyntaxError,
  UniqueViolation,
  UnknownError
} from "effect/sql/SqlError"
import { isBlank } from "../../internal/statement.ts"

/** A value as `node:sqlite` takes it. */
export type Native = null | number | bigint | string | Uint8Array

/** `StatementSync`. */
export interface Prepared {
  all(...parameters: ReadonlyArray<Native>): Array<Record<string, unknown>>
  iterate(...parameters: ReadonlyArray<Native>): Iterator<Record<string, unknown>>
  run(...parameters: ReadonlyArray<Native>): { readonly changes: number | bigint }
  columns(): ReadonlyArray<unknown>
  setReadBigInts(enabled: boolean): void
  setReturnArrays(enabled: boolean): void
  readonly sourceSQL: string
}

/** `DatabaseSync`. */
export interface Database {
  prepare(sql: string): Prepared
  exec(sql: string): void
  close(): void
  readonly isTransaction: boolean
}

/** `node:sqlite`. */
export interface Module {
  readonly DatabaseSync: new (path: string) => Database
}

/** When SQLite refused. What it refuses to prepare is wrong in itself, whatever is in the database. */
export type Operation = "prepare" | "execute"

const busy = 5
const busySnapshot = 517

const codeOf = (cause: unknown): number =>
  typeof cause === "object" && cause !== null && "errcode" in cause && typeof cause.errcode === "number"
    ? cause.errcode
    : 0

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Another connection has a lock that it will give up. A snapshot that is out of date stays so, however long one waits. */
export const isBusy = (error: SqlError): boolean => {
  const code = codeOf(error.reason.cause)
  return (code & 0xff) === busy && code !== busySnapshot
}

// The extended codes of a constraint that says "only one such row": UNIQUE, PRIMARY KEY and ROWID.
const unique: ReadonlySet<number> = new Set([2067, 1555, 2579])

const reasonOf = (cause: unknown, operation: Operation, message: string): SqlErrorReason => {
  const fields = { cause, operation, message }
  const code = codeOf(cause)
  switch (code & 0xff) {
    case 1:
      return operation === "prepare" ? new SqlSyntaxError(fields) : new UnknownError(fields)
    case 3:
    case 8:
    case 23:
      return new AuthorizationError(fields)
    case 5:
    case 6:
      return new LockTimeoutError(fields)
    case 14:
    case 26:
      return new ConnectionError(fields)
    case 19:
      return unique.has(code)
        ? new UniqueViolation({ ...fields, constraint: textOf(cause).split("failed: ")[1] ?? "unknown" })
        : new ConstraintError(fields)
    default:
      return operation === "prepare" ? new SqlSyntaxError(fields) : new UnknownError(fields)
  }
}

/** The typed error of what `node:sqlite` threw. */
export const failed = (cause: unknown, operation: Operation, message = textOf(cause)): SqlError =>
  new SqlError({ reason: reasonOf(cause, operation, message) })

/** An error of this adapter's own. */
export const refused = (operation: Operation, message: string): SqlError => {
  const fields = { cause: new Error(message), operation, message }
  return new SqlError({ reason: operation === "prepare" ? new SqlSyntaxError(fields) : new UnknownError(fields) })
}

const found = (value: unknown): string =>
  typeof value === "object" ? (Array.isArray(value) ? "an array" : "an object") : typeof value

const native = (value: unknown): Native | undefined => {
  switch (typeof value) {
    case "string":
    case "bigint":
      return value
    // node:sqlite binds every number as a REAL, for which 3 / 2 is 1.5 and json_array(3) is [3.0].
    case "number":
      return Number.isSafeInteger(value) ? BigInt(value) : Number.isNaN(value) ? undefined : value
    case "boolean":
      return value ? 1n : 0n
    case "undefined":
      return null
    default:
      if (value === null || value instanceof Uint8Array) return value
      return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined
  }
}

/** The parameters as SQLite takes them; or a refusal that names the first that it does not take, and not its value. */
export const bind = (parameters: ReadonlyArray<unknown>): Result.Result<Array<Native>, SqlError> => {
  const bound: Array<Native> = []
  for (const [index, parameter] of parameters.entries()) {
    const value = native(parameter)
    if (value === undefined) {
      const what = Number.isNaN(parameter) ? "NaN" : parameter instanceof Date ? "an invalid date" : found(parameter)
      const message = `parameter ${index + 1} is ${what}, which SQLite has no value for; bind null, a boolean, a number, a bigint, a string, a Date or a Uint8Array`
      return Result.fail(refused("execute", message))
    }
    bound.push(value)
  }
  return Result.succeed(bound)
}

/** Every integer was read as a bigint, so that none lost a digit; those which a number holds exactly become one. */
export const exact = (value: unknown): unknown =>
  typeof value === "bigint" && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
    ? Number(value)
    : value

/** Whether there is a second statement, which SQLite would pass over in silence. */
export const hasMore = (sql: string, first: string): boolean => !isBlank(sql.slice(first.length))

/** Whether a statement begins a transaction. */
export const begins = (sql: string): boolean => sql.startsWith("BEGIN")
