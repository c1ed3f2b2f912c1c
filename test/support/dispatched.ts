/**
 * Short cuts for tests about commands.
 */
import { assert } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { type Command, Dispatcher, type DispatchError, Process, type ProcessHost } from "troupe"
import { inProcess } from "./processes.ts"

/** Yields a command past the types: something may handle it, or not, and may want another payload. */
export const yieldAny = (
  command: Command.Any,
  payload?: unknown,
  options?: Process.YieldOptions
): Effect.Effect<unknown, DispatchError.DispatchError, Process.CurrentProcess> =>
  Process.yield(command as never, payload as never, options as never) as never

/** As `yieldAny`, and goes on at once. */
export const yieldAnyAsync = (
  command: Command.Any,
  payload?: unknown,
  options?: Process.YieldOptions
): Effect.Effect<Process.Yield<unknown, DispatchError.DispatchError>, never, Process.CurrentProcess> =>
  Process.yieldAsync(command as never, payload as never, options as never) as never

/** Runs the effect as the body of a process, with what the layer provides to it. */
export const inProcessWith = <A, E, R, RO, LE>(
  body: Effect.Effect<A, E, R>,
  layer: Layer.Layer<RO, LE>
): Effect.Effect<
  A,
  E | LE,
  ProcessHost.ProcessHost | Exclude<Exclude<R, RO>, Process.CurrentProcess | ProcessHost.ProcessHost | Scope.Scope>
> => Effect.provide(inProcess(body), layer) as never

/** Every yield has ended, one way or the other. */
export const allEnded = Effect.gen(function* () {
  const counts = yield* Dispatcher.statistics
  assert.strictEqual(counts.yields, counts.completions + counts.interruptions)
  return counts
})
