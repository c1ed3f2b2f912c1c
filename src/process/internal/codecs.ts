/**
 * The way of values into a recording and back: as JSON, through their schemas.
 */
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { Any } from "../../dispatch/Command.ts"
import { DispatchError } from "../../dispatch/DispatchError.ts"

export interface JsonCodec {
  readonly encode: (value: unknown) => Exit.Exit<Schema.Json, Schema.SchemaError>
  readonly decode: (json: unknown) => Exit.Exit<unknown, Schema.SchemaError>
}

const known = new WeakMap<Schema.Top, JsonCodec>()

/** The JSON of a schema; schemas of what is recorded need no services. */
export const jsonOf = (schema: Schema.Top): JsonCodec => {
  let codec = known.get(schema)
  if (codec === undefined) {
    const json = Schema.toCodecJson(schema as Schema.Codec<unknown>)
    codec = { encode: Schema.encodeUnknownExit(json), decode: Schema.decodeUnknownExit(json) }
    known.set(schema, codec)
  }
  return codec
}

const exits = new WeakMap<Any, JsonCodec>()

/** The JSON of how a yield of the command ends. */
export const exitOf = (command: Any): JsonCodec => {
  let codec = exits.get(command)
  if (codec === undefined) {
    const error = Schema.Union([command.errorSchema, DispatchError])
    codec = jsonOf(Schema.Exit(command.successSchema, error, Schema.Defect()))
    exits.set(command, codec)
  }
  return codec
}
