/**
 * How the exit of a process counts for its supervisor.
 */
import type * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { Shutdown } from "../../process/ProcessError.ts"
import { isKilled } from "../../process/ProcessEvent.ts"

const isOrderly = (reason: Cause.Reason<unknown>): boolean =>
  reason._tag === "Interrupt" || (reason._tag === "Fail" && reason.error instanceof Shutdown)

/** Whether a process failed or was killed: it did not return, end with `Shutdown`, or end since it was asked to. */
export const isAbnormal = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && (isKilled(exit) || !exit.cause.reasons.every(isOrderly))
