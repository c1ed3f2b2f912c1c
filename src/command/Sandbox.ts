/**
 * Where source is run that is not part of the program.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { EvalError } from "./EvalError.ts"

/**
 * What source may take.
 *
 * @category models
 */
export interface Limits {
  /** How long it may run, from when it begins. */
  readonly time: Duration.Duration
  /** How many megabytes (of 1,048,576 bytes) of memory it may take, the sandbox included. */
  readonly memory: number
  /** How many bytes its result may have. */
  readonly maxBytes: number
}

/**
 * Runs source apart from the program: what it does is limited in time and memory, and reaches nothing but its result.
 *
 * **Details**
 *
 * - `check`: whether the source is the body of a function; nothing of it runs.
 * - `run`: runs it with the JSON text `input`, which it has as the value `input`; answers the JSON text of what it returns.
 *
 * Both are over when nothing of them runs any more, also when they are interrupted. `WorkerSandbox` and `ProcessSandbox`
 * are two of them; what they keep apart, and what not, stands there.
 *
 * @category services
 */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    readonly check: (source: string, limits: Limits) => Effect.Effect<void, EvalError>
    readonly run: (source: string, input: string, limits: Limits) => Effect.Effect<string, EvalError>
  }
>()("troupe/command/Sandbox") {}
