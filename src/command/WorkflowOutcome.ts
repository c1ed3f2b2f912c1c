/**
 * What executions of workflows leave behind, as it is recorded.
 */
import * as Schema from "effect/Schema"

/**
 * The schema of {@link Outcome}.
 *
 * @category schemas
 */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("Success", { value: Schema.Json }),
  Schema.TaggedStruct("Failure", { error: Schema.Json })
])

/**
 * How a step of an execution ended, as it is recorded.
 *
 * @category models
 */
export type Outcome = typeof Outcome.Type

/**
 * The schema of {@link Attributes}.
 *
 * @category schemas
 */
export const Attributes = Schema.Record(Schema.String, Schema.Json)

/**
 * What is known of an execution, by which it can be found.
 *
 * @category models
 */
export type Attributes = typeof Attributes.Type
