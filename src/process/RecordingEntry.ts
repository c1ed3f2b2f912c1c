/**
 * The lines of a recording: what a body did, and what it was given, in order.
 */
import * as Schema from "effect/Schema"

/**
 * The body began: its definition, its pid, the seed of its random numbers, and its arguments through their schema.
 *
 * @category entries
 */
export const Began = Schema.TaggedStruct("Began", {
  version: Schema.Literal(1),
  process: Schema.String,
  pid: Schema.String,
  seed: Schema.Int,
  /** The last tag of the body before it, where the process was restarted in place: 0 for the first. */
  tag: Schema.Int,
  args: Schema.Json
})

/**
 * It yielded a command: its payload through the command's schema.
 *
 * @category entries
 */
export const Yielded = Schema.TaggedStruct("Yielded", {
  tag: Schema.Int,
  id: Schema.Int,
  command: Schema.String,
  payload: Schema.Json
})

/**
 * A yield was completed: its exit through the command's schemas.
 *
 * @category entries
 */
export const Completed = Schema.TaggedStruct("Completed", {
  tag: Schema.Int,
  exit: Schema.Json,
  /** Whether the body had not waited for it. */
  atOnce: Schema.Boolean
})

/**
 * A yield was given up before it was completed.
 *
 * @category entries
 */
export const GivenUp = Schema.TaggedStruct("GivenUp", { tag: Schema.Int })

/**
 * It took a message: its payload through the topic's schema.
 *
 * @category entries
 */
export const Received = Schema.TaggedStruct("Received", {
  topic: Schema.String,
  payload: Schema.Json,
  from: Schema.NullOr(Schema.String),
  /** Whether the sender waits for an answer. */
  call: Schema.Boolean
})

/**
 * It took an event.
 *
 * @category entries
 */
export const Told = Schema.TaggedStruct("Told", { event: Schema.Json })

/**
 * It was to end when it has handled what waits, as a server that is stopped.
 *
 * @category entries
 */
export const Drained = Schema.TaggedStruct("Drained", {})

/**
 * It sent a message, or tried to: with the error that it got.
 *
 * @category entries
 */
export const Sent = Schema.TaggedStruct("Sent", {
  to: Schema.String,
  topic: Schema.String,
  payload: Schema.Json,
  error: Schema.Json
})

/**
 * It answered a call.
 *
 * @category entries
 */
export const Replied = Schema.TaggedStruct("Replied", { topic: Schema.String, exit: Schema.Json })

/**
 * It did what can't be played again, since it did not pass the door: what that was, in words.
 *
 * @category entries
 */
export const Unplayable = Schema.TaggedStruct("Unplayable", { what: Schema.String })

/**
 * The body ended.
 *
 * @category entries
 */
export const Ended = Schema.TaggedStruct("Ended", {
  exit: Schema.Json,
  /** Whether it was interrupted, as by a kill, so that it does not end by itself when it is replayed. */
  interrupted: Schema.Boolean
})

/**
 * A line of a recording.
 *
 * @category models
 */
export type Entry = typeof Entry.Type

/**
 * The schema of {@link Entry}.
 *
 * @category schemas
 */
export const Entry = Schema.Union([
  Began,
  Yielded,
  Completed,
  GivenUp,
  Received,
  Told,
  Drained,
  Sent,
  Replied,
  Unplayable,
  Ended
])
