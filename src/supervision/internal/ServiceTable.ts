/**
 * The services of an application: what their starts and stops wait for, and who is told of them.
 */
import * as Effect from "effect/Effect"
import * as Selectable from "../../channel/Selectable.ts"
import type { NodeImpl } from "../../process/internal/node.ts"
import { Topic } from "../../process/internal/topic.ts"
import type { ServiceClosed } from "../ServiceError.ts"
import type { Status } from "../ServiceStatus.ts"
import type { ServiceImpl } from "./ServiceImpl.ts"

export class ServiceTable {
  readonly services = new Map<string, ServiceImpl>()
  readonly changes = new Topic<Status>()

  get all(): ReadonlyArray<ServiceImpl> {
    return [...this.services.values()]
  }

  /** The services, each after those that it depends on. */
  withDependencies(services: Iterable<ServiceImpl>): ReadonlyArray<ServiceImpl> {
    return closure(services, (service) => service.dependencies)
  }

  dependentsOf({ id }: ServiceImpl): ReadonlyArray<ServiceImpl> {
    return this.all.filter((one) => one.spec.dependsOn.includes(id))
  }

  /** Waits until something is so, looking again whenever a service changes. */
  until(isSo: () => boolean): Effect.Effect<void> {
    return Effect.scoped(
      Effect.flatMap(this.changes.subscribe(), (changes) =>
        Effect.whileLoop({ while: () => !isSo(), body: () => Selectable.take(changes), step: () => {} })
      )
    )
  }

  /**
   * Starts services, and those that they depend on before them, side by side where they don't depend on each other; waits
   * until each is up, has failed, or will come up some time later.
   */
  start(services: Iterable<ServiceImpl>): Effect.Effect<void, ServiceClosed> {
    return Effect.suspend(() => {
      const asked = new Set(services)
      const starting = this.withDependencies(asked)
      return Effect.andThen(
        Effect.forEach(starting, (service) => (service.isUp && !asked.has(service) ? Effect.void : service.begin), {
          discard: true
        }),
        this.until(() => areSettled(starting))
      )
    })
  }

  /** Stops services, each after those that depend on it, side by side where they don't depend on each other. */
  stop(services: ReadonlyArray<ServiceImpl>): Effect.Effect<void> {
    const stopping = new Set(services)
    return Effect.forEach(
      stopping,
      (service) => {
        const dependents = this.dependentsOf(service).filter((one) => stopping.has(one))
        return Effect.andThen(
          this.until(() => dependents.every((one) => one.isDown)),
          service.halt
        )
      },
      { concurrency: "unbounded", discard: true }
    )
  }

  /** Stops a service, and before it those that depend on it. */
  stopWithDependents(service: ServiceImpl): Effect.Effect<void> {
    return Effect.suspend(() => this.stop(closure([service], (one) => this.dependentsOf(one))))
  }
}

/** Whether it is clear how the starts of the services went, which come in the order of their dependencies. */
const areSettled = (services: ReadonlyArray<ServiceImpl>): boolean => {
  // What comes up some time later, or not at all.
  const late = new Set<ServiceImpl>()
  for (const service of services) {
    const { attempts, state } = service.status
    const isWaiting = attempts > 0 || service.dependencies.some((one) => late.has(one))
    if (state === "starting" && !isWaiting) return false
    if (!service.isUp && state !== "failed") late.add(service)
  }
  return true
}

/** What can be reached from services by `next`; each comes after what it leads to. */
const closure = (
  first: Iterable<ServiceImpl>,
  next: (service: ServiceImpl) => ReadonlyArray<ServiceImpl>
): ReadonlyArray<ServiceImpl> => {
  const found = new Set<ServiceImpl>()
  const visit = (service: ServiceImpl) => {
    if (found.has(service)) return
    for (const one of next(service)) visit(one)
    found.add(service)
  }
  for (const service of first) visit(service)
  return [...found]
}

const tables = new WeakMap<NodeImpl, ServiceTable>()

/** The services of the application that a node is. */
export const tableOf = (node: NodeImpl): ServiceTable => {
  let table = tables.get(node)
  if (table === undefined) {
    table = new ServiceTable()
    tables.set(node, table)
  }
  return table
}
