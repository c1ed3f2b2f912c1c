/**
 * Has all that is yielded cross its schemas, as a recording and its replay do: who yields gets what was written down and
 * read again.
 */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Interceptor } from "troupe"

const cross = (schema: Schema.Top, value: unknown) => {
  const codec = Schema.toCodecJson(schema) as unknown as Schema.Codec<unknown, unknown>
  return Schema.encodeUnknownEffect(codec)(value).pipe(
    Effect.map((json): unknown => JSON.parse(JSON.stringify(json ?? null))),
    Effect.flatMap(Schema.decodeUnknownEffect(codec)),
    Effect.orDie
  )
}

export const crossing = Interceptor.layer(
  Interceptor.make(({ command, payload }, work) =>
    Effect.flatMap(cross(command.payloadSchema, payload), (read) => {
      assert.deepStrictEqual(read, payload)
      return Effect.matchEffect(work, {
        onFailure: (error) =>
          Effect.flatMap(cross(command.errorSchema, error), (read) => Effect.fail(read as typeof error)),
        onSuccess: (value) =>
          Effect.map(cross(command.successSchema, value), (read) => {
            assert.deepStrictEqual(read, value)
            return read as typeof value
          })
      })
    })
  )
)
