/**
 * Waits until a process has started, or has ended before.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Pid } from "../Pid.ts"
import { StartFailed, StartIgnored, StartTimeout } from "../StartError.ts"
import type { Cell } from "./cell.ts"

export const hasStarted = ({ startup }: Cell): boolean => startup === undefined || startup.outcome === "ready"

const awaitStarted = (cell: Cell): Effect.Effect<void, StartFailed | StartIgnored> =>
  Effect.callback((resume) => {
    const { definition, startup } = cell
    if (startup === undefined || hasStarted(cell)) return resume(Effect.void)
    const process = definition.name
    let unwatch = () => {}
    // Through a step of the run queue: processes that start each other may form a chain.
    const conclude = (exit: Exit.Exit<void, StartFailed | StartIgnored>) => {
      unwatch()
      cell.host.dispatcher.scheduleTask(() => resume(exit), 0)
    }
    const failed = (_: Cell, exit: Exit.Exit<unknown, unknown>) =>
      conclude(
        Exit.fail(startup.outcome === "ignored" ? new StartIgnored({ process }) : new StartFailed({ process, exit }))
      )
    if (cell.exit !== undefined) return failed(cell, cell.exit)
    unwatch = cell.watch({ onExit: failed, onRestart: failed })
    startup.onSettled(() => {
      // Who is ignored has ended when its finalizers have run.
      if (startup.outcome === "ready") conclude(Exit.void)
    })
    return Effect.sync(() => unwatch())
  })

/** As {@link awaitStarted}; a process that has not started in time is killed by `killer`. */
export const awaitStartedWithin = (
  cell: Cell,
  timeout: Duration.Input = Duration.infinity,
  killer?: Pid
): Effect.Effect<void, StartFailed | StartIgnored | StartTimeout> => {
  const duration = Duration.fromInputUnsafe(timeout)
  if (!Duration.isFinite(duration)) return awaitStarted(cell)
  return Effect.timeoutOrElse(awaitStarted(cell), {
    duration,
    orElse: () =>
      Effect.suspend(() => {
        cell.kill(killer)
        const milliseconds = Duration.toMillis(duration)
        return Effect.fail(new StartTimeout({ process: cell.definition.name, milliseconds }))
      })
  })
}
