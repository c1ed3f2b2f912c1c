/**
 * The rows that a statement answers, read as far as a limit allows.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ResultTooLarge, SqlFailed, UnsupportedValue } from "../SqlError.ts"
import { isValue, type Row, type Value } from "../SqlValue.ts"

/** What rows take up, near enough: characters and bytes as they are, and eight for all that is of one size. */
const sizeOf = (value: Value): number => {
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value === null || value instanceof Date) return 8
  if (value instanceof Uint8Array) return value.length
  if (Array.isArray(value)) return value.reduce((size: number, item: Value) => size + sizeOf(item), 0)
  return Object.entries(value).reduce((size, [name, item]) => size + name.length + sizeOf(item), 0)
}

const kindOf = (value: unknown): string => {
  if (value instanceof Date) return "a date that JavaScript can't hold"
  return typeof value === "object" && value !== null ? `a value of ${value.constructor.name}` : typeof value
}

/** Reads the rows, and stops when they have more than `limit` bytes, or one has a value that no row has. */
export const readRows = (
  statement: string,
  rows: Stream.Stream<Row, SqlFailed>,
  limit: number
): Effect.Effect<ReadonlyArray<Row>, SqlFailed> =>
  Effect.suspend(() => {
    const read: Array<Row> = []
    let size = 0
    const take = (row: Row): ResultTooLarge | UnsupportedValue | undefined => {
      for (const [column, value] of Object.entries<unknown>(row)) {
        if (!isValue(value)) return new UnsupportedValue({ place: `The column "${column}"`, found: kindOf(value) })
      }
      size += sizeOf(row)
      if (size > limit) return new ResultTooLarge({ limit, rows: read.length })
      read.push(row)
      return undefined
    }
    const all = Stream.runForEachArray(rows, (chunk) => {
      for (const row of chunk) {
        const reason = take(row)
        if (reason !== undefined) return Effect.fail(new SqlFailed({ statement, reason }))
      }
      return Effect.void
    })
    return Effect.as(all, read)
  })
