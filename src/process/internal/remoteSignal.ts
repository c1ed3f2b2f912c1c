/**
 * What two nodes tell each other: data alone, so that any connection can carry it. Pids are texts that both sides read as
 * the same processes, and values are JSON.
 *
 * The signals of one side arrive in the order in which they were given, each once, until the connection is lost.
 */
import * as Schema from "effect/Schema"

const Id = Schema.Int
const Wire = Schema.String

/** Where a process is looked for. */
const To = Schema.Union([Schema.Struct({ pid: Wire }), Schema.Struct({ name: Schema.String })])
export type To = typeof To.Type

const Failure = Schema.Union([
  Schema.TaggedStruct("Shutdown", { reason: Schema.Unknown }),
  Schema.TaggedStruct("NoProcess", { target: Schema.String }),
  Schema.TaggedStruct("NoConnection", {
    node: Schema.String,
    target: Schema.String,
    reason: Schema.Literals(["NotConnected", "Lost"])
  }),
  /** A plain JSON value. */
  Schema.TaggedStruct("Value", { value: Schema.Unknown }),
  Schema.TaggedStruct("Other", {
    kind: Schema.String,
    detail: Schema.String,
    error: Schema.optionalKey(Schema.Unknown)
  })
])
export type Failure = typeof Failure.Type

const Reason = Schema.Union([
  Schema.TaggedStruct("Fail", { error: Failure }),
  Schema.TaggedStruct("Die", { defect: Schema.Unknown }),
  Schema.TaggedStruct("Interrupt", {})
])
export type Reason = typeof Reason.Type

/** The exit of a process. */
export const ExitWire = Schema.Union([
  /** `value` is absent where it is `undefined`, or could not be encoded. */
  Schema.TaggedStruct("Success", { value: Schema.optionalKey(Schema.Unknown) }),
  Schema.TaggedStruct("Failure", {
    reasons: Schema.Array(Reason),
    requester: Schema.optionalKey(Wire),
    killed: Schema.optionalKey(Schema.Literal(true))
  })
])
export type ExitWire = typeof ExitWire.Type

/** Why a message was refused, or a call not answered, without what the asking side knows itself. */
const Refusal = Schema.Union([
  Schema.TaggedStruct("ProcessNotFound", {}),
  Schema.TaggedStruct("ProcessClosed", {}),
  Schema.TaggedStruct("ProcessRestarting", {}),
  Schema.TaggedStruct("MessageDropped", {}),
  Schema.TaggedStruct("HostStopped", { host: Schema.String }),
  Schema.TaggedStruct("InboxFull", { capacity: Schema.Number }),
  Schema.TaggedStruct("InvalidMessage", {
    reason: Schema.Literals(["UnknownTopic", "ReservedTopic", "InvalidPayload", "TooLarge", "InvalidAnswer"]),
    detail: Schema.String
  }),
  Schema.TaggedStruct("CalleeExited", { exit: ExitWire })
])
export type Refusal = typeof Refusal.Type

/** What a question is answered with. */
const Answer = Schema.Union([
  Schema.TaggedStruct("Done", {}),
  Schema.TaggedStruct("Refused", { refusal: Refusal }),
  /** The callee has replied: its exit, by the schemas of the topic. */
  Schema.TaggedStruct("Replied", { exit: Schema.Unknown }),
  /** The process that was watched has ended. */
  Schema.TaggedStruct("Exited", { exit: ExitWire })
])
export type Answer = typeof Answer.Type

const message = {
  id: Id,
  to: To,
  from: Schema.optionalKey(Wire),
  topic: Schema.String,
  payload: Schema.Unknown
}

const Signal = Schema.Union([
  // Questions: each has one answer, by its number, unless the asking side forgets it before.
  Schema.TaggedStruct("Send", message),
  Schema.TaggedStruct("Call", message),
  Schema.TaggedStruct("Stream", message),
  Schema.TaggedStruct("Watch", { id: Id, to: To }),
  Schema.TaggedStruct("Link", { id: Id, from: Wire, to: Wire }),
  Schema.TaggedStruct("End", {
    id: Id,
    to: Wire,
    from: Schema.optionalKey(Wire),
    how: Schema.Union([
      Schema.TaggedStruct("Cancel", { reason: Schema.String }),
      Schema.TaggedStruct("Terminate", {}),
      Schema.TaggedStruct("Kill", {})
    ])
  }),
  Schema.TaggedStruct("Answer", { id: Id, answer: Answer }),
  // What a stream has had since, and how many values more the asking side takes; the answer is how it ends.
  Schema.TaggedStruct("Values", { id: Id, values: Schema.Array(Schema.Unknown) }),
  Schema.TaggedStruct("More", { id: Id, amount: Schema.Int }),
  Schema.TaggedStruct("Forget", { id: Id }),
  // `from` has ended, or has taken its link with `to` away.
  Schema.TaggedStruct("LinkExit", { from: Wire, to: Wire, exit: ExitWire }),
  Schema.TaggedStruct("Unlink", { from: Wire, to: Wire })
])
export type Signal = typeof Signal.Type

/** The signals of one frame. */
export const decode = Schema.decodeUnknownExit(Schema.Array(Signal))
