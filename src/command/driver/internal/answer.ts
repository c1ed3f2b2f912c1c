/**
 * What the code that runs foreign source answers.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as EvalError from "../../EvalError.ts"
import type { Limits } from "../../Sandbox.ts"

/** What is to be run; without an input the source is checked alone. */
export interface Request {
  readonly source: string
  readonly input: string | undefined
  readonly maxBytes: number
}

const Answer = Schema.TaggedUnion({
  Value: { text: Schema.String },
  InvalidSyntax: { line: Schema.Int, column: Schema.Int, detail: Schema.String },
  Thrown: { name: Schema.String, detail: Schema.String, stack: Schema.Array(Schema.String) },
  NotJson: { detail: Schema.String },
  NeverSettles: {},
  TooLarge: { size: Schema.Int }
})

const decode = Schema.decodeUnknownEffect(Answer)

export const failure = (reason: EvalError.Reason): EvalError.EvalError => new EvalError.EvalError({ reason })

export const crashed = (detail: string): EvalError.EvalError => failure(new EvalError.Crashed({ detail }))

export const timeLimit = ({ time }: Limits): EvalError.EvalError =>
  failure(new EvalError.TimeLimit({ milliseconds: Duration.toMillis(time) }))

export const memoryLimit = ({ memory }: Limits): EvalError.EvalError =>
  failure(new EvalError.MemoryLimit({ megabytes: memory }))

/** The JSON text that was answered, or why there is none. */
export const resultOf = (answer: unknown, limits: Limits): Effect.Effect<string, EvalError.EvalError> =>
  decode(answer).pipe(
    Effect.mapError(() => crashed("it answered something else than a result")),
    Effect.flatMap(
      Answer.match({
        Value: ({ text }) => Effect.succeed(text),
        InvalidSyntax: (fields) => Effect.fail(failure(new EvalError.InvalidSyntax(fields))),
        Thrown: (fields) => Effect.fail(failure(new EvalError.Thrown(fields))),
        NotJson: (fields) => Effect.fail(failure(new EvalError.NotJson(fields))),
        NeverSettles: () => Effect.fail(failure(new EvalError.NeverSettles())),
        TooLarge: ({ size }) =>
          Effect.fail(failure(new EvalError.TooLarge({ what: "result", limit: limits.maxBytes, size })))
      })
    )
  )
