/**
 * The services of an application while its layer stands.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type ProcessHost, withHost } from "../../process/internal/services.ts"
import type { DependencyFailed, ServiceClosed, ServiceSpecError, ServiceStartFailed } from "../ServiceError.ts"
import type { Service } from "../Service.ts"
import { ordered } from "./dependencies.ts"
import { ServiceImpl } from "./ServiceImpl.ts"
import type { ServiceSpec } from "./serviceSpec.ts"
import { type ServiceTable, tableOf } from "./ServiceTable.ts"

/** Why a service, once started, does not run. */
export type StartError = ServiceStartFailed | DependencyFailed | ServiceClosed

/** Enters services into the application and starts those that start by themselves; stops them when the scope closes. */
export const run = (
  specs: ReadonlyArray<Service<unknown>>
): Effect.Effect<void, ServiceSpecError | StartError, ProcessHost | Scope.Scope> =>
  withHost((host) =>
    Effect.gen(function* () {
      const table = tableOf(host.node)
      const order = ordered(specs as ReadonlyArray<unknown> as ReadonlyArray<ServiceSpec>, (id) =>
        table.services.has(id)
      )
      if ("_tag" in order) return yield* Effect.fail(order)
      const environment = yield* Effect.context<ProcessHost>()
      const services = order.map((spec) => new ServiceImpl(spec, table, environment))
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const service of services) table.services.set(service.id, service)
        }),
        () => leave(table, services)
      )
      const starting = table.withDependencies(services.filter(({ spec }) => spec.options.autoStart === true))
      const essential = starting.filter((service) => service.spec.isRequired)
      for (const service of essential) service.isEssential = true
      yield* table.start(starting)
      const error = errorOf(essential)
      if (error !== undefined) return yield* Effect.fail(error)
    })
  )

const leave = (table: ServiceTable, services: ReadonlyArray<ServiceImpl>): Effect.Effect<void> =>
  Effect.suspend(() => {
    for (const service of services) service.close()
    return Effect.map(table.stop(services), () => {
      for (const service of services) table.services.delete(service.id)
    })
  })

/** Why the first of the services that has failed does not run; rather its own error than that of what it depends on. */
export const errorOf = (services: ReadonlyArray<ServiceImpl>): ServiceStartFailed | DependencyFailed | undefined => {
  const errors = services.flatMap(({ status: { exit, state } }) =>
    state === "failed" && exit !== undefined ? Option.toArray(Exit.findErrorOption(exit)) : []
  ) as ReadonlyArray<ServiceStartFailed | DependencyFailed>
  return errors.find(({ _tag }) => _tag === "ServiceStartFailed") ?? errors[0]
}
