/**
 * The timers of a state machine, and what they have fired. A timer that is cancelled never arrives, not even when it had
 * fired before.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { Source } from "../../channel/internal/Source.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { Held } from "../../process/internal/inspection.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"

/** The timer of a state. */
export const StateTimer = Symbol.for("troupe/server/StateMachine/StateTimer")

/** The timer that any event cancels. */
export const EventTimer = Symbol.for("troupe/server/StateMachine/EventTimer")

/** What tells the timers of a machine apart: those that users name have strings. */
export type TimerKey = string | symbol

interface Running {
  fiber: Fiber.Fiber<void> | undefined
}

interface Fired {
  readonly timer: TimerKey
  /** Its place in the order of arrival: behind the messages that the process had accepted by then. */
  readonly arrival: number
}

export class Timeouts extends Source<TimerKey> implements Held {
  private readonly cell: Cell
  private readonly running = new Map<TimerKey, Running>()
  private fired: Array<Fired> = []
  private immediate: Array<TimerKey> = []

  constructor(cell: Cell) {
    super(cell.host.dispatcher)
    this.cell = cell
  }

  override waitReport(): WaitReport {
    return { ...super.waitReport(), what: `the timers of ${this.cell.name}`, isKind: false }
  }

  /** Sets a timer, in place of the one that has its name: one of no time is there at once, one of all time is never. */
  set(timer: TimerKey, delay: Duration.Input): Effect.Effect<void> {
    this.cancel(timer)
    const duration = Duration.fromInputUnsafe(delay)
    if (!Duration.isFinite(duration)) return Effect.void
    if (!Duration.isPositive(duration)) {
      this.immediate.push(timer)
      return Effect.void
    }
    const running: Running = { fiber: undefined }
    this.running.set(timer, running)
    const firing = Effect.andThen(
      Effect.sleep(duration),
      Effect.sync(() => this.fire(timer, running))
    )
    return Effect.map(Effect.forkIn(firing, this.cell.scope), (fiber) => {
      running.fiber = fiber
    })
  }

  cancel(timer: TimerKey): void {
    const running = this.running.get(timer)
    this.running.delete(timer)
    running?.fiber?.interruptUnsafe()
    if (this.fired.length > 0) this.fired = this.fired.filter((one) => one.timer !== timer)
    if (this.immediate.length > 0) this.immediate = this.immediate.filter((one) => one !== timer)
  }

  private fire(timer: TimerKey, running: Running): void {
    if (this.running.get(timer) !== running) return
    this.running.delete(timer)
    this.fired.push({ timer, arrival: this.cell.arrivals })
    this.wakeSoon()
  }

  /** Takes a timer of no time. */
  takeImmediate(): TimerKey | undefined {
    return this.immediate.shift()
  }

  onResumed(): void {
    this.wakeSoon()
  }

  /** The place of the next timer in the order of arrival; `undefined` when none is to be taken now. */
  get nextArrival(): number | undefined {
    return this.isReadyUnsafe() ? this.fired[0]?.arrival : undefined
  }

  isReadyUnsafe(): boolean {
    if (this.fired.length === 0) return false
    const { inspection } = this.cell
    if (inspection?.suspended !== true) return true
    inspection.tellWhenResumed(this)
    return false
  }

  pollUnsafe(): Exit.Exit<TimerKey> | undefined {
    const next = this.isReadyUnsafe() ? this.fired.shift() : undefined
    return next === undefined ? undefined : Exit.succeed(next.timer)
  }
}
