/**
 * A clock that stands still while anything can run: it is moved on to the next sleeper's time by the explorer alone.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Waited, WaitReport } from "../../scheduler/internal/Waited.ts"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export class VirtualClock implements Clock.Clock, Waited {
  private now = 0
  /** By time, and by arrival where times are equal. */
  private readonly sleepers: Array<Sleeper> = []

  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.currentTimeNanosUnsafe())

  currentTimeMillisUnsafe(): number {
    return this.now
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.now * 1_000_000))
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.currentTimeNanosUnsafe()
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const milliseconds = Duration.toMillis(duration)
    if (milliseconds <= 0) return Effect.yieldNow
    if (!Number.isFinite(milliseconds)) return Effect.never
    return Effect.withFiber((fiber) =>
      Effect.callback<void>((resume) => {
        // A step of the fiber's own, so that those who wake at the same time run in any order.
        const wake = () => fiber.currentDispatcher.scheduleTask(() => resume(Effect.void), 0)
        const sleeper = { at: this.now + milliseconds, wake }
        const later = this.sleepers.findIndex((other) => other.at > sleeper.at)
        this.sleepers.splice(later < 0 ? this.sleepers.length : later, 0, sleeper)
        return Effect.sync(() => {
          const index = this.sleepers.indexOf(sleeper)
          if (index >= 0) this.sleepers.splice(index, 1)
        })
      })
    )
  }

  waitReport(): WaitReport {
    const waiting = this.sleepers.map((sleeper) => [`until ${sleeper.at} ms by`, [sleeper]] as const)
    return { what: "the clock", isKind: false, waiting }
  }

  /** Moves on to the next time at which someone wakes, and answers how to wake them. */
  advance(): ReadonlyArray<() => void> {
    const next = this.sleepers[0]
    if (next === undefined) return []
    this.now = next.at
    const awake = this.sleepers.findIndex((sleeper) => sleeper.at > next.at)
    return this.sleepers.splice(0, awake < 0 ? this.sleepers.length : awake).map((sleeper) => sleeper.wake)
  }
}
