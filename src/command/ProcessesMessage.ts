/**
 * What processes are told by commands, and whom they tell, in a form that can be written down.
 */
import * as Schema from "effect/Schema"
import * as Pid from "../process/Pid.ts"
import { Outcome } from "./internal/json.ts"

/**
 * The schema of {@link To}.
 *
 * @category schemas
 */
export const To = Schema.Union([Schema.Struct({ pid: Pid.schema }), Schema.Struct({ name: Schema.String })])

/**
 * Whom a message is for: a pid, or the name of a registered process.
 *
 * @category models
 */
export type To = typeof To.Type

/**
 * The schema of {@link Monitor}.
 *
 * @category schemas
 */
export const Monitor = Schema.Int.pipe(Schema.brand("troupe/command/Processes/Monitor"))

/**
 * A monitor, by its number: the exit that it announces has the same one.
 *
 * @category models
 */
export type Monitor = typeof Monitor.Type

const Sender = Schema.UndefinedOr(Pid.schema)

/**
 * The schema of {@link Event}.
 *
 * @category schemas
 */
export const Event = Schema.Union([
  Schema.TaggedStruct("Exit", { from: Pid.schema, monitor: Monitor, exit: Outcome, killed: Schema.Boolean }),
  Schema.TaggedStruct("LinkDown", { from: Pid.schema, exit: Outcome, killed: Schema.Boolean }),
  Schema.TaggedStruct("Cancel", { from: Sender, reason: Schema.String }),
  Schema.TaggedStruct("InboxHigh", { length: Schema.Int }),
  Schema.TaggedStruct("DependencyFailed", { service: Schema.String, exit: Outcome })
])

/**
 * What a process is told, as it can be written down.
 *
 * **Details**
 *
 * Exits hold plain data: the value of a process whose definition the layer was given in the form of its `success` schema;
 * an error that is a class of a schema in that schema's form, another one by its name and message.
 *
 * @category models
 */
export type Event = typeof Event.Type

/**
 * The schema of {@link Received}.
 *
 * @category schemas
 */
export const Received = Schema.Struct({ topic: Schema.String, payload: Schema.Json, sender: Sender })

/**
 * A message that was received, its payload in the form of the topic's schema.
 *
 * @category models
 */
export type Received = typeof Received.Type
