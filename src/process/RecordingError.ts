/**
 * The typed errors of recording and replaying.
 */
import * as Schema from "effect/Schema"

/**
 * A recording can't be written, or read: its file is at fault.
 *
 * @category errors
 */
export class RecordingUnavailable extends Schema.TaggedError<RecordingUnavailable>()("RecordingUnavailable", {
  path: Schema.String,
  doing: Schema.Literals(["open", "read"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `Can't ${this.doing} the recording ${this.path}: ${this.detail}. Check the path, its folder, and who may use it.`
  }
}

/**
 * A line of a recording is none.
 *
 * @category errors
 */
export class InvalidRecording extends Schema.TaggedError<InvalidRecording>()("InvalidRecording", {
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `Line ${this.line} of the recording can't be read: ${this.detail}. Record again with this version of the program and of the library.`
  }
}

/**
 * A body that is replayed does something else than it did when it was recorded, and was stopped there.
 *
 * @category errors
 */
export class ReplayDiverged extends Schema.TaggedError<ReplayDiverged>()("ReplayDiverged", {
  process: Schema.String,
  line: Schema.Int,
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return [
      `The replay of ${this.process} diverges from line ${this.line} of its recording.`,
      `  recorded: ${this.expected}`,
      `  replayed: ${this.actual}`,
      `The body has changed since, or depends on what is no command: a time, a random number of its own, another process.`
    ].join("\n")
  }
}

/**
 * What a body did when it was recorded can't be replayed.
 *
 * @category errors
 */
export class NotReplayable extends Schema.TaggedError<NotReplayable>()("NotReplayable", {
  process: Schema.String,
  line: Schema.Int,
  what: Schema.String
}) {
  override get message(): string {
    return `The recording of ${this.process} has at line ${this.line} what can't be replayed: ${this.what}. Use the command for it, whose answer is recorded.`
  }
}
