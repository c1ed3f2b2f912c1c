/**
 * What a contract keeps of the `.proto` file that it was read from, so that it is written with the same numbers.
 */
import * as Schema from "effect/Schema"

/** The annotation of a field's key. */
export const FieldKey = "troupe/proto"

const FieldNote = Schema.Struct({
  field: Schema.Int,
  /** The type, where several of `.proto` are read as the same. */
  type: Schema.optionalKey(Schema.String),
  /** The type of a map's keys. */
  key: Schema.optionalKey(Schema.String)
})

export type FieldNote = typeof FieldNote.Type

export const isFieldNote = Schema.is(FieldNote)
