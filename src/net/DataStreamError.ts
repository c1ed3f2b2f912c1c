/**
 * The typed errors of data streams.
 */
import * as Schema from "effect/Schema"
import { sentence } from "./internal/shown.ts"

/**
 * The other side does not take the chunks of the stream.
 *
 * **Details**
 *
 * `reason`: `NotRegistered`, nobody receives the stream there; `NotProducer`, it is received there from somebody else;
 * `Closed`, it was received there and is not any more; `Malformed`, what was sent is no chunk.
 *
 * @category errors
 */
export class StreamRefused extends Schema.TaggedError<StreamRefused>()("StreamRefused", {
  streamId: Schema.String,
  reason: Schema.Literals(["NotRegistered", "NotProducer", "Closed", "Malformed"])
}) {
  override get message(): string {
    return `The stream "${this.streamId}" is refused: ${refusals[this.reason]}`
  }
}

const refusals = {
  NotRegistered: "nobody receives it there. Register a receiver before the other side is asked to produce.",
  NotProducer: "it is received there from somebody else. Use another id.",
  Closed: "its receiver has closed it. Ask for a new stream.",
  Malformed: "what was sent is no chunk. Compare the versions of both sides."
}

/**
 * The stream was closed before its end, by one of the two sides; or it has ended, where something is to be sent.
 *
 * @category errors
 */
export class StreamClosed extends Schema.TaggedError<StreamClosed>()("StreamClosed", {
  streamId: Schema.String,
  by: Schema.Literals(["this side", "the other side"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The stream "${this.streamId}" was closed by ${this.by}: ${sentence(this.detail)} Ask for a new one to go on.`
  }
}

/**
 * The producer has failed the stream, and says why; what it had sent before has come.
 *
 * @category errors
 */
export class StreamFailed extends Schema.TaggedError<StreamFailed>()("StreamFailed", {
  streamId: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The producer of the stream "${this.streamId}" failed: ${sentence(this.detail)}`
  }
}

/**
 * The stream can't go on: the other side is gone, or knows nothing of it any more.
 *
 * **Details**
 *
 * `delivery`, for who sends: `"complete"` when all that was sent has arrived; `"uncertain"` when what is behind `sequence` may
 * have arrived or not. Who receives has got everything up to `sequence`, and may ask for a stream that goes on behind it.
 *
 * @category errors
 */
export class StreamLost extends Schema.TaggedError<StreamLost>()("StreamLost", {
  streamId: Schema.String,
  /** The last chunk that is known to have arrived; the one before the first when none is. */
  sequence: Schema.Int,
  delivery: Schema.Literals(["complete", "uncertain"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The stream "${this.streamId}" is lost behind chunk ${this.sequence}: ${sentence(this.detail)} Ask for one that goes on from there.`
  }
}

/**
 * There is a sender of the stream to that side already.
 *
 * @category errors
 */
export class StreamInUse extends Schema.TaggedError<StreamInUse>()("StreamInUse", {
  streamId: Schema.String
}) {
  override get message(): string {
    return `The stream "${this.streamId}" is open to that side already. End it first, or use another id.`
  }
}
