/**
 * A run of a handler, which may leave its answer to a completion from elsewhere.
 */
import * as Exit from "effect/Exit"
import { step } from "../../channel/internal/step.ts"
import type { Yielded } from "../Yielded.ts"
import type { Outcome, Tell } from "./outcome.ts"

/** What a handler is given, and what is known of it while it runs. */
export interface Run extends Yielded<unknown, unknown> {
  /** What is to be waited for when it is completed from elsewhere. */
  readonly arriving: Outcome
  /** What completed it from elsewhere. */
  readonly arrived: Exit.Exit<unknown, unknown> | undefined
  /** Takes a completion from elsewhere; answers whether it did. */
  arrive(exit: Exit.Exit<unknown, unknown>, tell: Tell): boolean
  /** Nobody waits for a completion from elsewhere any more. */
  shut(): void
}

// Functions that can be handed on by themselves, made for the few handlers that ask for them.

export const completing =
  (run: Run): Run["complete"] =>
  (exit) =>
    step(() => Exit.succeed(run.arrive(exit, "in this step")))

export const completingUnsafe =
  (run: Run): Run["completeUnsafe"] =>
  (exit) =>
    run.arrive(exit, "in a later step")
