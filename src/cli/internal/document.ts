/**
 * JSON documents that people write: all that is wrong with one is told, each with its place.
 */
import { isArrayNonEmpty } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { Problem } from "./errors.ts"

/** Names of projects, dependencies and contracts: they are names of files, too. */
export const Name = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, { expected: "a name of letters, digits, - and _" })
)

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    if (issue._tag === "MissingKey") return "it is missing"
    return issue._tag === "UnexpectedKey" ? "it is not known: look at its spelling" : SchemaIssue.defaultLeafHook(issue)
  }
})

type Problems = readonly [Problem, ...Array<Problem>]

/** Reads a text as JSON of a schema; what the schema does not know is a mistake. */
export const decodeDocument = <A>(
  schema: Schema.ConstraintCodec<A, unknown>
): ((text: string) => Effect.Effect<A, Problems>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return Effect.fnUntraced(function* (text) {
    const json = yield* Effect.try({
      try: (): unknown => JSON.parse(text),
      catch: (error): Problems => [{ at: "", detail: `it is no JSON: ${messageOf(error)}` }]
    })
    return yield* Effect.mapError(decode(json, { errors: "all", onExcessProperty: "error" }), ({ issue, message }) => {
      const problems = issuesOf(issue).issues.map(({ message, path }) => ({
        at: (path ?? []).map((key) => String(typeof key === "object" ? key.key : key)).join("."),
        detail: message.replaceAll(/\s+/g, " ")
      }))
      return isArrayNonEmpty(problems) ? problems : ([{ at: "", detail: message }] as const)
    })
  })
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
