/**
 * Time, as a process asks for it: what time it is, waiting until some has passed, and ticks.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Receiver } from "../channel/Ends.ts"
import * as Selectable from "../channel/Selectable.ts"
import * as Timer from "../channel/Timer.ts"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import * as Process from "../process/Yielding.ts"
import * as Handles from "../dispatch/Handles.ts"

/**
 * The schema of {@link Ticker}.
 *
 * @category schemas
 */
export const Ticker = Schema.Int.pipe(Schema.brand("troupe/command/Clock/Ticker"))

/**
 * A ticker of the process that started it, which ends with it.
 *
 * @category models
 */
export type Ticker = typeof Ticker.Type

/**
 * A ticker's period is not a finite time above 0.
 *
 * @category errors
 */
export class InvalidPeriod extends Schema.TaggedError<InvalidPeriod>()("InvalidPeriod", {
  period: Schema.String
}) {
  override get message(): string {
    return `A ticker can't have the period ${this.period}. Give it a finite time above 0.`
  }
}

/**
 * There is no such ticker: it was stopped, or another process started it.
 *
 * @category errors
 */
export class TickerNotFound extends Schema.TaggedError<TickerNotFound>()("TickerNotFound", {
  ticker: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} has no ticker ${this.ticker}: it was stopped, or another process started it. Start one with Clock.ticker.`
  }
}

/**
 * The commands of the module `clock`.
 *
 * @category commands
 */
export const commands = Command.module("clock", {
  sleep: Command.make(10, { payload: { duration: Schema.Duration } }),
  now: Command.make(11, { success: Schema.DateTimeUtc }),
  ticker: Command.make(12, { payload: { period: Schema.Duration }, success: Ticker, error: InvalidPeriod }),
  tick: Command.make(13, { payload: { ticker: Ticker }, success: Schema.DateTimeUtc, error: TickerNotFound }),
  stop: Command.make(14, { payload: { ticker: Ticker } })
})

/**
 * Handles the module with Effect's `Clock`.
 *
 * @category layers
 */
export const layer: Layer.Layer<Dispatcher.Handles<"clock"> | Dispatcher.Dispatcher, Dispatcher.RegistrationError> =
  Dispatcher.layer(
    commands,
    Effect.sync(() => {
      const tickers = Handles.make<Receiver<number>>()
      return commands.of({
        sleep: ({ duration }) => Effect.sleep(duration),
        now: () => DateTime.now,
        ticker: ({ period }, { process }) =>
          tickers.open(process, Timer.ticker(period)).pipe(
            Effect.map((id) => Ticker.make(id)),
            Effect.mapError(({ period }) => new InvalidPeriod({ period }))
          ),
        tick: ({ ticker }, { process }) => {
          const ticks = tickers.find(process, ticker)
          const gone = new TickerNotFound({ ticker, process: process.id })
          return ticks === undefined
            ? Effect.fail(gone)
            : Effect.andThen(
                Effect.mapError(Selectable.take(ticks), () => gone),
                DateTime.now
              )
        },
        stop: ({ ticker }, { process }) => Effect.asVoid(tickers.close(process, ticker))
      })
    })
  )

/**
 * Waits until the time has passed.
 *
 * **Example** (Waiting)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Clock } from "troupe/command"
 *
 * const Sleeper = Process.make("app:sleeper")
 * const SleeperLive = Sleeper.toLayer(() => Effect.as(Clock.sleep("5 millis"), "awake")).pipe(Layer.provide(Clock.layer))
 *
 * const program = Effect.flatMap(Process.spawn(Sleeper), Process.await)
 * await Effect.runPromise(Effect.provide(program, [SleeperLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("awake")
 * ```
 *
 * @category yielding
 */
export const sleep = (duration: Duration.Input) =>
  Process.yield(commands.sleep, { duration: Duration.fromInputUnsafe(duration) })

/**
 * A time to wait for beside other things: its completion can be a case of a select, and it can be cancelled.
 *
 * @category yielding
 */
export const timer = (duration: Duration.Input) =>
  Process.yieldAsync(commands.sleep, { duration: Duration.fromInputUnsafe(duration) })

/**
 * The present time.
 *
 * @category yielding
 */
export const now = Process.yield(commands.now)

/**
 * Starts a ticker, which ends with the process. Ticks for which nobody waited in time become one.
 *
 * @category yielding
 */
export const ticker = (period: Duration.Input) =>
  Process.yield(commands.ticker, { period: Duration.fromInputUnsafe(period) })

/**
 * Waits for the next tick; answers the present time.
 *
 * @category yielding
 */
export const tick = (ticker: Ticker) => Process.yield(commands.tick, { ticker })

/**
 * Stops a ticker; one that has stopped stays so.
 *
 * @category yielding
 */
export const stop = (ticker: Ticker) => Process.yield(commands.stop, { ticker })
