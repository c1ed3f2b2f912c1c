/**
 * What goes into a statement and what comes out of a database, in a form that JSON can carry without losing anything.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"

/**
 * A value that a database has a type of its own for.
 *
 * @category models
 */
export type Scalar = null | boolean | number | bigint | string | Date | Uint8Array

/**
 * A parameter of a statement: a value, or an array of values where the database has arrays (PostgreSQL).
 *
 * @category models
 */
export type Parameter = Scalar | ReadonlyArray<Scalar>

/**
 * A value in a row: arrays and objects come from PostgreSQL's arrays and JSON.
 *
 * @category models
 */
export type Value = Scalar | ReadonlyArray<Value> | { readonly [key: string]: Value }

/**
 * A row: its columns by their names.
 *
 * @category models
 */
export type Row = { readonly [column: string]: Value }

// What is deeper is taken for something that contains itself.
const maxDepth = 64

const isScalar = (u: unknown): u is Scalar => {
  switch (typeof u) {
    case "string":
    case "boolean":
    case "number":
    case "bigint":
      return true
    case "object":
      return u === null || u instanceof Uint8Array || (u instanceof Date && !Number.isNaN(u.getTime()))
    default:
      return false
  }
}

const isPlain = (u: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(u)
  return prototype === Object.prototype || prototype === null
}

/**
 * Whether something can be a parameter.
 *
 * @category guards
 */
export const isParameter = (u: unknown): u is Parameter => isScalar(u) || (Array.isArray(u) && u.every(isScalar))

/**
 * Whether something can be a value in a row.
 *
 * @category guards
 */
export const isValue = (u: unknown): u is Value => isValueWithin(u, maxDepth)

const isValueWithin = (u: unknown, depth: number): u is Value => {
  if (isScalar(u)) return true
  if (typeof u !== "object" || u === null || depth === 0) return false
  if (Array.isArray(u)) return u.every((item) => isValueWithin(item, depth - 1))
  return isPlain(u) && Object.values(u).every((item) => isValueWithin(item, depth - 1))
}

// JSON has null, booleans, finite numbers, strings and arrays. All else is an object with one key, which names its type;
// so is an object, which is never mistaken for one of those then.
const encode = (value: Value): Schema.Json => {
  switch (typeof value) {
    case "bigint":
      return { bigint: String(value) }
    case "number":
      return Number.isFinite(value) ? value : { number: String(value) }
    case "object":
      if (value === null) return null
      if (value instanceof Date) return { date: value.toISOString() }
      if (value instanceof Uint8Array) return { bytes: Base64.encode(value) }
      if (Array.isArray(value)) return value.map(encode)
      return { object: Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)])) }
    default:
      return value
  }
}

const decode = (json: Schema.Json): Value | undefined => {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) {
    const items = json.map(decode)
    return items.every((item) => item !== undefined) ? items : undefined
  }
  const [[type, content] = [], ...more] = Object.entries(json)
  if (more.length > 0) return undefined
  if (type === "object") return typeof content === "object" && content !== null ? decodeObject(content) : undefined
  return typeof content === "string" ? decodeText(type, content) : undefined
}

const decodeObject = (content: object): Value | undefined => {
  const entries = Object.entries(content).map(([key, item]): [string, Value | undefined] => [key, decode(item)])
  return entries.every((entry): entry is [string, Value] => entry[1] !== undefined)
    ? Object.fromEntries(entries)
    : undefined
}

const decodeText = (type: string | undefined, text: string): Value | undefined => {
  switch (type) {
    case "bigint":
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined
    case "number":
      return text === "NaN" || text === "Infinity" || text === "-Infinity" ? Number(text) : undefined
    case "bytes":
      return Result.getOrUndefined(Base64.decode(text))
    case "date": {
      const date = new Date(text)
      return Number.isNaN(date.getTime()) ? undefined : date
    }
    default:
      return undefined
  }
}

const declare = <A extends Value>(is: (u: unknown) => u is A, expected: string): Schema.declare<A> =>
  Schema.declare(is, {
    expected,
    toCodecJson: () =>
      Schema.link<A>()(Schema.Json, {
        encode: SchemaGetter.transform(encode),
        decode: SchemaGetter.transformEffect((json: Schema.Json, options) => {
          const value = decode(json)
          return is(value)
            ? Effect.succeed(value)
            : Effect.fail(new SchemaIssue.InvalidValue({ message: `not the JSON of ${expected}` }, json, options))
        })
      })
  })

/**
 * The schema of {@link Parameter}.
 *
 * @category schemas
 */
export const Parameter: Schema.declare<Parameter> = declare(
  isParameter,
  "null, a boolean, a number, a bigint, a string, a valid Date, a Uint8Array, or an array of these"
)

/**
 * The schema of {@link Value}.
 *
 * **Details**
 *
 * Its JSON loses nothing: what JSON lacks is an object with one key that names its type, as in `{"bigint": "9"}`,
 * `{"date": …}`, `{"bytes": …}` in base64 and `{"number": "NaN"}`; an object is `{"object": {…}}`.
 *
 * @category schemas
 */
export const Value: Schema.declare<Value> = declare(isValue, "a value of a row")

/**
 * The schema of {@link Row}.
 *
 * @category schemas
 */
export const Row = Schema.Record(Schema.String, Value)
