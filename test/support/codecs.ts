/**
 * Commands cross their schemas as JSON when they are recorded: what they carry comes out as it went in.
 */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"

/** Passes if the value, written as JSON text and read again, is the same. */
export const throughJson = <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  value: S["Type"]
): Effect.Effect<void, Schema.SchemaError> =>
  Effect.gen(function* () {
    const codec = Schema.fromJsonString(Schema.toCodecJson(schema))
    const text = yield* Schema.encodeEffect(codec)(value)
    assert.deepStrictEqual(yield* Schema.decodeEffect(codec)(text), value)
  })
