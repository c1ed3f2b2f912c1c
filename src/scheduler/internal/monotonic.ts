/**
 * The time that nobody sets: what lasts, or is counted within a time, goes by it.
 */
import type * as Clock from "effect/Clock"

/** In milliseconds, from some start. */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
