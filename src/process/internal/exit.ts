/**
 * What the exit of a process tells: why its messages were not taken, who interrupted it, what failed while it ended.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import type { Reason } from "../DeadLetter.ts"
import type { Pid } from "../Pid.ts"
import { Shutdown } from "../ProcessError.ts"
import { isKilled, Killed, Requester } from "../ProcessEvent.ts"

/** Why messages were not taken, as the exit of their receiver tells it. */
export const reasonOf = (exit: Exit.Exit<unknown, unknown>): Reason => {
  if (Exit.isSuccess(exit)) return "Ended"
  if (isKilled(exit)) return "Killed"
  if (Cause.hasInterruptsOnly(exit.cause)) return "Stopped"
  return isOrderly(exit) ? "Ended" : "Failed"
}

/** Whether a process returned, ended with `Shutdown`, or ended since it was interrupted; a kill is none of these. */
export const isOrderly = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) || (!isKilled(exit) && exit.cause.reasons.every(isOrderlyReason))

const isOrderlyReason = (reason: Cause.Reason<unknown>): boolean =>
  reason._tag === "Interrupt" || (reason._tag === "Fail" && reason.error instanceof Shutdown)

/** The exit of a process that was interrupted from outside. */
export const interruption = (by: Pid | undefined, killed = false): Exit.Exit<never> => {
  let annotations: Context.Context<never> = Context.empty()
  if (by !== undefined) annotations = Context.add(annotations, Requester, by)
  if (killed) annotations = Context.add(annotations, Killed, true)
  return Exit.failCause(Cause.annotate(Cause.interrupt(), annotations))
}

/** Whether it is more than an interruption. */
export const hasFailed = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)

/** A finalizer that fails while the process ends must not hide why it ends, nor be hidden. */
export const withFailuresOf = (
  reason: Exit.Exit<unknown, unknown>,
  exit: Exit.Exit<unknown, unknown>
): Exit.Exit<unknown, unknown> => {
  if (Exit.isSuccess(exit) || reason === exit) return reason
  const failures = Cause.fromReasons(exit.cause.reasons.filter((r) => r._tag !== "Interrupt"))
  if (failures.reasons.length === 0) return reason
  return Exit.failCause(Exit.isSuccess(reason) ? failures : Cause.combine(reason.cause, failures))
}
