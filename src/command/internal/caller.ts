/**
 * What a handler may take for granted: it runs in a fiber of the process that has yielded.
 */
import type * as Effect from "effect/Effect"
import type { CurrentProcess, ProcessHost } from "../../process/internal/services.ts"

/** Runs on behalf of the process that has yielded, whose fibers have what the effect asks for. */
export const asCaller = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, CurrentProcess | ProcessHost>> =>
  effect as Effect.Effect<A, E, Exclude<R, CurrentProcess | ProcessHost>>
