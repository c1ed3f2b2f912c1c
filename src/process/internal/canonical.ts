/**
 * Values as JSON where no schema says how: what is equal reads equal, and what JSON lacks gets a form of its own.
 */
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"

const replaced = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return { _id: "bigint", value: String(value) }
  if (typeof value === "number" && !Number.isFinite(value)) return { _id: "number", value: String(value) }
  if (typeof value === "function" || typeof value === "symbol") return { _id: typeof value, value: String(value) }
  if (value instanceof Uint8Array) return { _id: "Uint8Array", value: Array.from(value) }
  if (value instanceof Map) return { _id: "Map", value: [...value] }
  if (value instanceof Set) return { _id: "Set", value: [...value] }
  if (value instanceof Error && !("toJSON" in value))
    return { ...value, _id: "Error", name: value.name, message: value.message }
  return value
}

/** The value as JSON, `null` where there is none; a defect when it has no end, or says itself how it is written and throws. */
export const canonical = (value: unknown): Exit.Exit<Schema.Json> => {
  if (value === undefined) return Exit.succeed(null)
  const json = Result.try(() => JSON.parse(JSON.stringify(value, replaced)) as Schema.Json)
  return Result.isSuccess(json) ? Exit.succeed(json.success) : Exit.die(json.failure)
}
