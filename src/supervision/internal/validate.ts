/**
 * What is wrong with the specification of a supervisor or a child; the types prevent some of it, and casts or plain
 * JavaScript get past the types.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import {
  ConflictingOptions,
  DuplicateChild,
  InvalidChild,
  InvalidSupervisor,
  MissingChildId,
  NotAChildSpec,
  type SpecError
} from "../SupervisorError.ts"
import type { Options } from "../Supervisor.ts"
import { type ChildSpecImpl, isChildSpec } from "./spec.ts"

const restarts: ReadonlySet<unknown> = new Set(["permanent", "transient", "temporary"])
const strategies: ReadonlySet<unknown> = new Set(["one_for_one", "one_for_all", "rest_for_one", "dynamic"])
const autoShutdowns: ReadonlySet<unknown> = new Set(["never", "any", "all"])

export const isCount = (value: unknown, least: number): boolean => Number.isInteger(value) && Number(value) >= least

export const isTime = (value: Duration.Input): boolean => Option.isSome(Duration.fromInput(value))

export const isPositiveTime = (value: Duration.Input): boolean =>
  Option.exists(Duration.fromInput(value), (duration) => Duration.isFinite(duration) && Duration.isPositive(duration))

export const show = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value))

/** What is wrong with the options of a supervisor. */
export const invalidOptions = (supervisor: string, options: Options): SpecError | undefined => {
  const { autoShutdown, intensity, maxChildren, period, strategy } = options
  const wrong = (option: string, value: unknown, expected: string) =>
    new InvalidSupervisor({ supervisor, option, value: show(value), expected })
  if (strategy !== undefined && !strategies.has(strategy))
    return wrong("strategy", strategy, `one of ${[...strategies].join(", ")}`)
  if (intensity !== undefined && !isCount(intensity, 0))
    return wrong("intensity", intensity, "a whole number from 0 on")
  if (period !== undefined && !isPositiveTime(period)) return wrong("period", period, "a finite time above 0")
  if (autoShutdown !== undefined && !autoShutdowns.has(autoShutdown))
    return wrong("autoShutdown", autoShutdown, `one of ${[...autoShutdowns].join(", ")}`)
  if (maxChildren !== undefined && !isCount(maxChildren, 1))
    return wrong("maxChildren", maxChildren, "a whole number from 1 on")
  if (maxChildren !== undefined && strategy !== "dynamic")
    return wrong("maxChildren", maxChildren, 'absent unless the strategy is "dynamic"')
  return undefined
}

/** What is wrong with the children that a supervisor starts with. */
export const invalidChildren = (
  supervisor: string,
  options: Options,
  children: ReadonlyArray<unknown>
): SpecError | undefined => {
  const ids = new Set<string>()
  for (const [position, child] of children.entries()) {
    if (!isChildSpec(child)) return new NotAChildSpec({ supervisor, position, received: typeof child })
    if (typeof child.id !== "string" || child.id === "") return new MissingChildId({ supervisor, position })
    if (ids.has(child.id)) return new DuplicateChild({ supervisor, id: child.id })
    ids.add(child.id)
    const error = invalidChild(supervisor, options, child)
    if (error !== undefined) return error
  }
  return undefined
}

/** What is wrong with one child. */
export const invalidChild = (
  supervisor: string,
  { autoShutdown = "never" }: Pick<Options, "autoShutdown">,
  child: ChildSpecImpl
): SpecError | undefined => {
  const { id, options } = child
  const wrong = (option: string, value: unknown, expected: string) =>
    new InvalidChild({ supervisor, id, option, value: show(value), expected })
  const conflict = (detail: string) => new ConflictingOptions({ supervisor, id, detail })
  const { budget, inbox, linked, resetAfter, shutdown, significant, startFailure, startTimeout, stash } = options
  if (!restarts.has(child.restart)) return wrong("restart", child.restart, `one of ${[...restarts].join(", ")}`)
  if (shutdown !== undefined && shutdown !== "brutal" && !isTime(shutdown))
    return wrong("shutdown", shutdown, '"brutal", or a time')
  if (startTimeout !== undefined && !isPositiveTime(startTimeout))
    return wrong("startTimeout", startTimeout, "a finite time above 0")
  if (startFailure !== undefined && startFailure !== "retry")
    return wrong("startFailure", startFailure, '"retry", or absent')
  if (startFailure === "retry" && child.restart === "temporary")
    return conflict("it is temporary, so that it is never started again. Leave startFailure out, or make it transient.")
  if (resetAfter !== undefined && !isPositiveTime(resetAfter))
    return wrong("resetAfter", resetAfter, "a finite time above 0")
  if (budget !== undefined && !isCount(budget.restarts, 0))
    return wrong("budget.restarts", budget.restarts, "a whole number from 0 on")
  if (budget !== undefined && !isPositiveTime(budget.within))
    return wrong("budget.within", budget.within, "a finite time above 0")
  if (stash !== undefined && !isCount(stash, 0)) return wrong("stash", stash, "a whole number from 0 on")
  if (significant === true && autoShutdown === "never")
    return conflict(
      'it is significant, and its supervisor has autoShutdown: "never". Set autoShutdown to "any" or "all", or leave significant out.'
    )
  if (significant === true && child.restart === "permanent")
    return conflict(
      "it is significant and permanent, so that its end would never count. Make it transient or temporary."
    )
  if (resetAfter !== undefined && options.backoff === undefined)
    return conflict("it has resetAfter and no backoff that could begin anew. Add a backoff, or leave resetAfter out.")
  if (inbox !== "keep" && (stash !== undefined || linked !== undefined))
    return conflict('stash and linked are about a restart in place. Add inbox: "keep", or leave them out.')
  return undefined
}
