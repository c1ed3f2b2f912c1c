/**
 * How long to wait before a restart, as an Effect `Schedule`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"

/**
 * How an exponential backoff grows.
 *
 * @category models
 */
export interface Options {
  /** The first delay. */
  readonly min: Duration.Input
  /** The longest delay: without limit when absent. */
  readonly max?: Duration.Input | undefined
  /** By how much each delay is longer than the one before: 2 when absent. */
  readonly factor?: number | undefined
  /** By which part of itself a delay may be longer, at random, so that many do not come back at once: 0 when absent. */
  readonly jitter?: number | undefined
}

/**
 * A schedule whose delays grow from `min` by `factor` up to `max`, each prolonged by up to its `jitter` part.
 *
 * **Details**
 *
 * The n-th delay lies in `[d, d * (1 + jitter)]` with `d = min(max, min * factor ** (n - 1))`, evenly. Draws from
 * Effect's `Random`. Any other `Schedule` serves as a backoff as well; `Schedule.upTo` ends one after so many times.
 *
 * **Example** (From one second to eight)
 *
 * ```ts import.meta.vitest
 * import { Duration, Effect, Schedule } from "effect"
 * import { Backoff } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const step = yield* Schedule.toStep(Backoff.exponential({ min: "1 second", max: "8 seconds" }))
 *   const delays: Array<number> = []
 *   for (let n = 0; n < 5; n++) delays.push(Duration.toSeconds((yield* step(0, undefined))[1]))
 *   return delays
 * })
 *
 * await Effect.runPromise(program) // => [1, 2, 4, 8, 8]
 * ```
 *
 * @category constructors
 */
export const exponential = ({
  factor = 2,
  jitter = 0,
  max = Duration.infinity,
  min
}: Options): Schedule.Schedule<Duration.Duration, unknown> =>
  Schedule.exponential(min, factor).pipe(
    Schedule.modifyDelay(({ duration }) => {
      const capped = Duration.min(duration, Duration.fromInputUnsafe(max))
      return jitter === 0
        ? Effect.succeed(capped)
        : Effect.map(Random.next, (random) => Duration.times(capped, 1 + jitter * random))
    })
  )
