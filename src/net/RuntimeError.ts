/**
 * The typed errors of runtimes.
 */
import * as Schema from "effect/Schema"
import { sentence } from "./internal/shown.ts"

/**
 * An instance was not started, or has not become ready; nothing of it is left.
 *
 * **Details**
 *
 * - `reason`: `NotFound`, there is no such program; `Ended`, it ended before it was ready; `NotReady`, it was not ready in
 *   time, and was ended; `Invalid`, what it was given, or what it is, can't be started; `Refused`, the system or the program
 *   itself did not do it.
 * - `exitCode`, `signal`: how its program ended, where it did by itself.
 * - `stderr`: the last lines that it wrote there.
 *
 * @category errors
 */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  instance: Schema.String,
  program: Schema.String,
  reason: Schema.Literals(["NotFound", "Ended", "NotReady", "Invalid", "Refused"]),
  detail: Schema.String,
  exitCode: Schema.optionalKey(Schema.Number),
  signal: Schema.optionalKey(Schema.String),
  stderr: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const words = this.stderr.length === 0 ? "" : ` The last that it wrote:\n${this.stderr.join("\n")}`
    return `${this.instance} (${this.program}) was not started: ${sentence(this.detail)} ${hints[this.reason]}${words}`
  }
}

const hints: { readonly [R in StartFailed["reason"]]: string } = {
  NotFound: "Mend the path.",
  Ended: "Mend the program, or what it is given.",
  NotReady: "Have it serve, as an instance does, or give it more time.",
  Invalid: "Mend what it is given.",
  Refused: "Look at what the detail names."
}

/**
 * Who runs can't be found out.
 *
 * **Details**
 *
 * `reason`: `Unauthorized` and `Forbidden`, it is not told to who asks; `NotFound`, what was asked for is not there;
 * `Unreachable`, there was no answer; `Unreadable`, the answer is none that is understood.
 *
 * @category errors
 */
export class DiscoveryFailed extends Schema.TaggedError<DiscoveryFailed>()("DiscoveryFailed", {
  /** What was asked, and for what. */
  source: Schema.String,
  reason: Schema.Literals(["Unauthorized", "Forbidden", "NotFound", "Unreachable", "Unreadable"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The instances of ${this.source} can't be found: ${sentence(this.detail)} ${nexts[this.reason]}`
  }
}

const nexts: { readonly [R in DiscoveryFailed["reason"]]: string } = {
  Unauthorized: "Check the token.",
  Forbidden: "Allow the account to read them.",
  NotFound: "Mend the names.",
  Unreachable: "Check the address, and try again.",
  Unreadable: "Check that the address is the right one."
}

/**
 * All instances have ended, and none is started again.
 *
 * @category errors
 */
export class GivenUp extends Schema.TaggedError<GivenUp>()("GivenUp", {
  instance: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `No instance runs any more, and none is started again. The last was ${this.instance}: ${sentence(this.detail)} Mend its program, or have the schedule of restarts go on.`
  }
}

/**
 * How a runtime can fail.
 *
 * @category errors
 */
export const RuntimeError = Schema.Union([StartFailed, DiscoveryFailed, GivenUp])

/**
 * The type of {@link RuntimeError}.
 *
 * @category errors
 */
export type RuntimeError = typeof RuntimeError.Type
