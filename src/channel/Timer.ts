/**
 * Time as something to receive: timers and tickers are channels on Effect's `Clock`, so that they can be selected over and
 * follow the test clock.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { monotonicMillis } from "../scheduler/internal/monotonic.ts"
import * as Channel from "./Channel.ts"

/**
 * A ticker can't have this period.
 *
 * @category errors
 */
export class InvalidPeriod extends Schema.TaggedError<InvalidPeriod>()("InvalidPeriod", {
  period: Schema.String
}) {
  override get message(): string {
    return `A ticker can't have a period of ${this.period}; it must be finite and above 0.`
  }
}

/**
 * Yields once, when a time has passed: the clock's time then, in milliseconds.
 *
 * **Details**
 *
 * Whoever receives from it first gets it; it does not yield again. It ends with the scope, that of a process for instance,
 * and costs a sleeping fiber until then. Nothing waits for it: a timer that nobody receives is forgotten.
 *
 * **Example** (A time limit)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Channel, Select, Timer } from "troupe"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const answers = yield* Channel.rendezvous<string>()
 *   const next = yield* Select.any({ answer: answers, timeout: yield* Timer.after("1 millis") })
 *   return next._tag
 * }))
 *
 * await Effect.runPromise(program) // => "timeout"
 * ```
 *
 * @category constructors
 */
export const after = (delay: Duration.Input): Effect.Effect<Channel.Receiver<number>, never, Scope.Scope> =>
  Effect.flatMap(Channel.conflated<number>(), (channel) => Effect.as(Effect.forkScoped(fire(channel, delay)), channel))

// Timers go by monotonic time, which nobody sets; what they yield is the time of the wall clock.
const now: Effect.Effect<number> = Clock.clockWith((clock) => Effect.sync(() => monotonicMillis(clock)))

const fire = (channel: Channel.Channel<number>, delay: Duration.Input): Effect.Effect<void> =>
  Effect.andThen(Effect.sleep(delay), tell(channel))

const tell = (channel: Channel.Channel<number>): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.ignore(Channel.send(channel, now)))

/**
 * A timer that can be stopped and set again.
 *
 * @category models
 */
export interface Timer {
  /** Yields when the time has passed, once for each time that the timer was set. */
  readonly fired: Channel.Receiver<number>
  /**
   * Stops the timer, and answers how much time was left; nothing when it had fired, or was stopped before. What it fired
   * and nobody received is taken back.
   */
  readonly stop: Effect.Effect<Option.Option<Duration.Duration>>
  /** Stops the timer and sets it again; answers what `stop` answers. */
  readonly reset: (delay: Duration.Input) => Effect.Effect<Option.Option<Duration.Duration>>
}

// One run of a timer, from when it was set until it fires or is stopped.
interface Shot {
  readonly fiber: Fiber.Fiber<unknown>
  readonly deadline: number
  readonly hasFired: () => boolean
}

/**
 * Sets a timer that can be stopped and set again; it ends with the scope.
 *
 * **Example** (Stopping a timer)
 *
 * ```ts import.meta.vitest
 * import { Effect, Option } from "effect"
 * import { Timer } from "troupe"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const timer = yield* Timer.timer("1 hour")
 *   const left = yield* timer.stop
 *   return [Option.isSome(left), Option.isSome(yield* timer.stop)]
 * }))
 *
 * await Effect.runPromise(program) // => [true, false]
 * ```
 *
 * @category constructors
 */
export const timer: (delay: Duration.Input) => Effect.Effect<Timer, never, Scope.Scope> = Effect.fnUntraced(function* (
  delay: Duration.Input
) {
  const scope = yield* Effect.scope
  const channel = yield* Channel.conflated<number>()
  const alone = yield* Semaphore.make(1)
  let running: Shot | undefined
  const set = Effect.fnUntraced(function* (delay: Duration.Input) {
    const deadline = (yield* now) + Duration.toMillis(Duration.fromInputUnsafe(delay))
    let fired = false
    const told = Effect.andThen(
      tell(channel),
      Effect.sync(() => (fired = true))
    )
    const fiber = yield* Effect.forkIn(Effect.andThen(Effect.sleep(delay), Effect.uninterruptible(told)), scope)
    running = { fiber, deadline, hasFired: () => fired }
  })
  const stop = Effect.gen(function* () {
    const stopped = running
    running = undefined
    const ended = stopped === undefined || stopped.fiber.pollUnsafe() !== undefined
    // What it does at this moment comes to its end first: it fires and is known to have fired, or does neither.
    if (!ended) yield* Fiber.interrupt(stopped.fiber)
    yield* Effect.ignore(Channel.tryReceive(channel))
    if (ended || stopped.hasFired()) return Option.none<Duration.Duration>()
    return Option.some(Duration.millis(Math.max(0, stopped.deadline - (yield* now))))
  })
  yield* set(delay)
  const made: Timer = {
    fired: channel,
    stop: Effect.uninterruptible(alone.withPermits(1)(stop)),
    reset: (delay) => Effect.uninterruptible(alone.withPermits(1)(Effect.tap(stop, () => set(delay))))
  }
  return made
})

/**
 * Yields again and again, each time that a period has passed: the clock's time then, in milliseconds.
 *
 * **Details**
 *
 * Ticks that nobody received in time become one: whoever was busy for ten periods finds one tick, and the next at its own
 * time. It ends with the scope. Fails with `InvalidPeriod` unless the period is finite and above 0.
 *
 * **Example** (Doing something at intervals)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Channel, Timer } from "troupe"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const ticks = yield* Timer.ticker("5 millis")
 *   const first = yield* Channel.receive(ticks)
 *   return (yield* Channel.receive(ticks)) > first
 * }))
 *
 * await Effect.runPromise(program) // => true
 * ```
 *
 * @category constructors
 */
export const ticker = (period: Duration.Input): Effect.Effect<Channel.Receiver<number>, InvalidPeriod, Scope.Scope> => {
  const duration = Duration.fromInputUnsafe(period)
  if (!Duration.isFinite(duration) || !Duration.isPositive(duration)) {
    return Effect.fail(new InvalidPeriod({ period: Duration.format(duration) }))
  }
  const millis = Duration.toMillis(duration)
  return Effect.flatMap(Channel.conflated<number>(), (channel) => {
    // Each tick is due at its own time, however late the one before was served.
    const tick = (due: number): Effect.Effect<never> =>
      now.pipe(
        Effect.flatMap((now) => fire(channel, Math.max(0, due - now))),
        Effect.flatMap(() => now),
        Effect.flatMap((now) => tick(due + millis * Math.max(1, Math.floor((now - due) / millis) + 1)))
      )
    const ticking = Effect.flatMap(now, (now) => tick(now + millis))
    return Effect.as(Effect.forkScoped(ticking), channel)
  })
}
