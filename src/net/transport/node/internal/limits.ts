/** Options that transports of Node have in common, and what is meant where they are absent. */
import * as Duration from "effect/Duration"
import { MaxFrame } from "../../../internal/frames.ts"
import { defaultMaxFrame } from "../../../Transport.ts"

export interface Options {
  readonly maxFrame?: number | undefined
  readonly connectTimeout?: Duration.Input | undefined
  readonly maxConnections?: number | undefined
}

export interface Limits {
  readonly maxFrame: number
  readonly connectTimeout: Duration.Duration
  readonly maxConnections: number
}

const defaultTimeout = Duration.seconds(10)

// Timers of Node take no longer time, and go off at once instead.
const longest = Duration.millis(2 ** 31 - 1)

export const limitsOf = (options: Options): Limits => ({
  maxFrame: Math.min(options.maxFrame ?? defaultMaxFrame, MaxFrame),
  connectTimeout:
    options.connectTimeout === undefined
      ? defaultTimeout
      : Duration.min(Duration.fromInputUnsafe(options.connectTimeout), longest),
  maxConnections: options.maxConnections ?? Number.POSITIVE_INFINITY
})
