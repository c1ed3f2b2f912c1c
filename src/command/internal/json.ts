/**
 * Values as JSON: what crosses a command, so that it can be written down and read again.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

type Codec = Schema.Codec<unknown, Schema.Json>

const codecs = new WeakMap<Schema.Top, Codec>()

const codecOf = (schema: Schema.Top): Codec => {
  let codec = codecs.get(schema)
  if (codec === undefined) {
    codec = Schema.toCodecJson(schema) as unknown as Codec
    codecs.set(schema, codec)
  }
  return codec
}

const issueOf = (error: Schema.SchemaError): string => error.message

/** The value as JSON; fails with what is wrong with it, in words. */
export const encode = (schema: Schema.Top, value: unknown): Effect.Effect<Schema.Json, string> =>
  Effect.mapError(Schema.encodeUnknownEffect(codecOf(schema))(value), issueOf)

/** As {@link encode}, at once; what takes its time to be encoded can't be. */
export const encodeExit = (schema: Schema.Top, value: unknown): Exit.Exit<Schema.Json, string> =>
  Exit.mapError(Schema.encodeUnknownExit(codecOf(schema))(value), issueOf)

/** The value that the JSON stands for; fails with what is wrong with it, in words. */
export const decode = <S extends Schema.Top>(schema: S, json: Schema.Json): Effect.Effect<S["Type"], string> =>
  Effect.mapError(Schema.decodeUnknownEffect(codecOf(schema))(json), issueOf)

const encodeOption = (schema: Schema.Top, value: unknown): Option.Option<Schema.Json> =>
  Schema.encodeUnknownOption(codecOf(schema))(value)

const encodePlain = Schema.encodeUnknownSync(Schema.Defect() as Schema.Codec<unknown, Schema.Json>)

/**
 * Any value as JSON, as much of it as there is: an error of a schema as that schema has it, another error by its name and
 * message, a function as nothing.
 */
export const plain = (value: unknown): Schema.Json => {
  const known =
    Predicate.hasProperty(value, "constructor") && Schema.isSchema(value.constructor) ? value.constructor : undefined
  return Option.getOrElse(known === undefined ? Option.none() : encodeOption(known, value), () => encodePlain(value))
}

/** The schema of how something ended, as far as it can be written down. */
export const Outcome = Schema.Exit(Schema.Json, Schema.Json, Schema.Json)

/** How something ended, as far as it can be written down; a value that has a schema, as that schema has it. */
export const outcomeOf = (
  exit: Exit.Exit<unknown, unknown>,
  success?: Schema.Top
): Exit.Exit<Schema.Json, Schema.Json> => {
  if (Exit.isSuccess(exit)) {
    const known = success === undefined ? Option.none() : encodeOption(success, exit.value)
    return Exit.succeed(Option.getOrElse(known, () => plain(exit.value)))
  }
  return Exit.failCause(
    Cause.fromReasons(
      exit.cause.reasons.map((reason): Cause.Reason<Schema.Json> => {
        if (Cause.isFailReason(reason)) return Cause.makeFailReason(plain(reason.error))
        return Cause.isDieReason(reason) ? Cause.makeDieReason(plain(reason.defect)) : Cause.makeInterruptReason()
      })
    )
  )
}
