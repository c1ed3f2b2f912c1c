/**
 * The services by which processes find themselves and their host.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { step } from "../../channel/internal/step.ts"
import type { Cell } from "./cell.ts"
import type { HostImpl } from "./host.ts"

/**
 * A host of processes, as the rest of the application sees it.
 *
 * @category models
 */
export interface Host {
  readonly name: string
}

/**
 * The host on which processes start unless another one is named, and through which pids and names are resolved.
 *
 * @category services
 */
export class ProcessHost extends Context.Service<ProcessHost, Host>()("troupe/process/ProcessHost") {}

/**
 * That the code runs in a process: its body or one of its coroutines.
 *
 * @category services
 */
export class CurrentProcess extends Context.Service<CurrentProcess, object>()("troupe/process/CurrentProcess") {}

/** The process that a fiber belongs to. */
export const cellOf = (fiber: Fiber.Fiber<unknown, unknown>): Cell | undefined =>
  Context.getOrUndefined(fiber.context, CurrentProcess) as Cell | undefined

/** The host of the fiber's context. */
// A fiber that still has the context in which its process started runs on the host of its process. This saves a look-up
// in the base of the context, which copies itself once it has been read often.
export const hostOf = (fiber: Fiber.Fiber<unknown, unknown>, cell = cellOf(fiber)): HostImpl => {
  return cell !== undefined && cell.context === fiber.context
    ? cell.host
    : (Context.getUnsafe(fiber.context, ProcessHost) as HostImpl)
}

/** The host of the fiber's context; an `Exit` that `f` answers with is the outcome in the same step. */
export const withHost = <A, E, R>(
  f: (host: HostImpl, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | ProcessHost> => step((fiber) => f(hostOf(fiber), fiber))

/**
 * As {@link withCell}, for what is taken away again when the process ends. A killed process whose finalizers still run
 * has ended: nothing would take it away, so that the fiber is interrupted there.
 */
export const withLiveCell = <A, E, R>(
  f: (cell: Cell, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | CurrentProcess> =>
  withCell((cell, fiber) => (cell.status === "ended" ? (Effect.interrupt as Effect.Effect<A>) : f(cell, fiber)))

/** The process that the fiber belongs to; an `Exit` that `f` answers with is the outcome in the same step. */
export const withCell = <A, E, R>(
  f: (cell: Cell, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | CurrentProcess> =>
  step((fiber) => f(Context.getUnsafe(fiber.context, CurrentProcess) as Cell, fiber))
