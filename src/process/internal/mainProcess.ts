/**
 * The main process of a program: its end is the end of the program.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SpawnError } from "../ProcessError.ts"
import type { Pid } from "../Pid.ts"
import { await as awaitExit } from "../Watching.ts"
import { interruption } from "./exit.ts"
import type { HostImpl } from "./host.ts"
import { ProcessHost } from "./services.ts"

/**
 * Starts a process on a host, waits for its end and answers the exit code of the program; `shutdown` asks it to end.
 */
export const runOn = <R>(
  host: HostImpl,
  started: Effect.Effect<Pid, SpawnError, R>,
  shutdown: Effect.Effect<string>
): Effect.Effect<number, SpawnError, Exclude<R, ProcessHost>> =>
  Effect.acquireUseRelease(
    Effect.provideService(started, ProcessHost, host),
    (pid) => {
      const cancelled = Effect.flatMap(shutdown, (reason) =>
        Effect.sync(() => host.processes.get(pid.id)?.cancelOrStop({ _tag: "Cancel", from: undefined, reason }))
      )
      return awaitExit(pid).pipe(
        Effect.raceFirst(Effect.andThen(cancelled, Effect.never)),
        Effect.map(exitCodeOf),
        Effect.provideService(ProcessHost, host)
      )
    },
    (pid) => Effect.sync(() => host.processes.get(pid.id)?.stop(interruption(undefined)))
  )

/** Whether a value is one with which a program may exit. */
export const isExitCode = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255

const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isFailure(exit)) return Cause.hasInterruptsOnly(exit.cause) ? 130 : 1
  return isExitCode(exit.value) ? exit.value : 0
}
