/**
 * The typed errors of an exploration: each says what was found and how to see it again.
 */
import * as Schema from "effect/Schema"
import { tags } from "./internal/verdict.ts"

/**
 * What was found wrong with a program.
 *
 * **Details**
 *
 * - `Failure`: it failed with a typed error, or was interrupted.
 * - `Defect`: it died.
 * - `Deadlock`: it has not ended, and nothing is left that could wake one of its fibers. The detail says who waits on
 *   what, and who holds it.
 * - `Livelock`: it has not ended after `maxSteps` steps.
 * - `Leak`: it has ended, and fibers of it are left, or scopes with finalizers that nobody will close.
 * - `NonDeterminism`: it draws on something outside of Effect, so that the same schedule goes another way.
 *
 * @category models
 */
export const Verdict: Schema.Literals<typeof tags> = Schema.Literals(tags)

/**
 * The type of {@link Verdict}.
 *
 * @category models
 */
export type Verdict = typeof Verdict.Type

/**
 * A schedule was found under which the program goes wrong. The message says which, and has its trace.
 *
 * @category errors
 */
export class ExplorationFailed extends Schema.TaggedError<ExplorationFailed>()("ExplorationFailed", {
  verdict: Verdict,
  /** What went wrong, in words. */
  detail: Schema.String,
  /** The seed of the exploration. */
  seed: Schema.Number,
  /** How many schedules were run, the failing one included. */
  schedules: Schema.Number,
  /** The failing schedule, made as plain as could be: for the strategy `replay`. */
  replay: Schema.String,
  /** The steps of the failing schedule, one a line. */
  trace: Schema.String,
  /** Where the message was written, if it was. */
  file: Schema.UndefinedOr(Schema.String),
  /** The cause with which the program failed or died, if it did. */
  cause: Schema.Unknown
}) {
  override get message(): string {
    return [
      `${this.verdict} in schedule ${this.schedules} (seed ${this.seed}). ${this.detail}`,
      `Replay it with the strategy { replay: "${this.replay}" }, or with TROUPE_EXPLORE_REPLAY=${this.replay}`,
      ...(this.file === undefined ? [] : [`Written to ${this.file}`]),
      `Trace:\n${this.trace}`
    ].join("\n\n")
  }
}

/**
 * The text given to the strategy `replay` is not a schedule of this version.
 *
 * @category errors
 */
export class InvalidReplay extends Schema.TaggedError<InvalidReplay>()("InvalidReplay", {
  input: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.input)} is not a schedule. One reads t1:<seed>:<choices>, and is the field replay of an ExplorationFailed.`
  }
}
