/** Reads `results.json`, and says what is wrong with a file that is not one. */
import { Effect, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"

const summary = { median: Schema.Finite, min: Schema.Finite, max: Schema.Finite }

const Result = Schema.Struct({
  name: Schema.String,
  unit: Schema.String,
  subject: Schema.String,
  ...summary,
  rounds: Schema.Int,
  peers: Schema.Record(
    Schema.String,
    Schema.Union([
      Schema.Struct(summary),
      Schema.Struct({ absent: Schema.String }),
      Schema.Struct({ unmeasured: Schema.Literal(true) })
    ])
  ),
  // JSON has null for what is no number: where both have measured nothing, neither is better.
  ratio: Schema.Record(Schema.String, Schema.NullOr(Schema.Finite))
})

/** A row of `results.json`. */
export type Result = typeof Result.Type

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Array(Result)))

/** A file of results that can't be used, and why. */
export class BadResults extends Schema.TaggedError<BadResults>()("BadResults", {
  file: Schema.String,
  why: Schema.String
}) {
  override get message(): string {
    return `${this.file} can't be used: ${this.why}`
  }
}

/** The rows in the text of a file. */
export const parseResults = (file: string, text: string): Effect.Effect<ReadonlyArray<Result>, BadResults> =>
  Effect.mapError(decode(text), ({ message }) => new BadResults({ file, why: message }))

/** The rows of a file. */
export const readResults = (file: string): Effect.Effect<ReadonlyArray<Result>, BadResults> =>
  Effect.suspend(() =>
    existsSync(file)
      ? parseResults(file, readFileSync(file, "utf8"))
      : Effect.fail(new BadResults({ file, why: "there is no such file; `npm run bench` writes it" }))
  )
