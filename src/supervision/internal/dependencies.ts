/**
 * Whether services can be started at all, and in which order.
 */
import * as Duration from "effect/Duration"
import {
  DependencyCycle,
  DuplicateService,
  InvalidService,
  type ServiceSpecError,
  UnknownDependency
} from "../ServiceError.ts"
import { isSchedule, type ServiceSpec } from "./serviceSpec.ts"
import { isCount, isPositiveTime, isTime, show } from "./validate.ts"

/** The services so that each comes after those that it depends on; or what is wrong with them. */
export const ordered = (
  services: ReadonlyArray<ServiceSpec>,
  isKnown: (id: string) => boolean
): ReadonlyArray<ServiceSpec> | ServiceSpecError => {
  const byId = new Map<string, ServiceSpec>()
  for (const service of services) {
    const { id } = service
    const wrong = invalid(service)
    if (wrong !== undefined) return wrong
    if (byId.has(id) || isKnown(id)) return new DuplicateService({ service: id })
    byId.set(id, service)
  }
  const order = new Set<ServiceSpec>()
  // The services on the way from a first one to this one: each depends on the next.
  const path: Array<string> = []
  const visit = (service: ServiceSpec): ServiceSpecError | undefined => {
    const { dependsOn, id } = service
    if (path.includes(id)) return new DependencyCycle({ path: [...path.slice(path.indexOf(id)), id] })
    if (order.has(service)) return undefined
    path.push(id)
    for (const dependency of dependsOn) {
      const next = byId.get(dependency)
      if (next === undefined && isKnown(dependency)) continue
      const wrong =
        next === undefined
          ? new UnknownDependency({ service: id, dependency, path: [...path, dependency] })
          : visit(next)
      if (wrong !== undefined) return wrong
    }
    path.pop()
    order.add(service)
    return undefined
  }
  for (const service of services) {
    const wrong = visit(service)
    if (wrong !== undefined) return wrong
  }
  return [...order]
}

/** What is wrong with the options of a service. */
const invalid = ({ id, options }: ServiceSpec): InvalidService | undefined => {
  const wrong = (option: string, value: unknown, expected: string) =>
    new InvalidService({ service: id, option, value: show(value), expected })
  const { backoff, maxAttempts, stableThreshold, startTimeout, stopTimeout } = options
  if (typeof id !== "string" || id === "") return wrong("id", id, "a text that is not empty")
  if (startTimeout !== undefined && !isPositiveTime(startTimeout))
    return wrong("startTimeout", startTimeout, "a finite time above 0")
  if (stopTimeout !== undefined && !isTime(stopTimeout)) return wrong("stopTimeout", stopTimeout, "a time")
  if (stableThreshold !== undefined && !isPositiveTime(stableThreshold))
    return wrong("stableThreshold", stableThreshold, "a finite time above 0")
  if (maxAttempts !== undefined && !isCount(maxAttempts, 0))
    return wrong("maxAttempts", maxAttempts, "a whole number from 0 on")
  if (backoff === undefined || isSchedule(backoff)) return undefined
  const { factor, jitter, max, min } = backoff
  if (min !== undefined && !isPositiveTime(min)) return wrong("backoff.min", min, "a finite time above 0")
  if (max !== undefined && (!isTime(max) || !Duration.isPositive(Duration.fromInputUnsafe(max))))
    return wrong("backoff.max", max, "a time above 0")
  if (factor !== undefined && !(factor >= 1)) return wrong("backoff.factor", factor, "a number from 1 on")
  if (jitter !== undefined && !(jitter >= 0 && jitter <= 1)) return wrong("backoff.jitter", jitter, "between 0 and 1")
  return undefined
}
