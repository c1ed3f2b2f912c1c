/**
 * Tells when no message came for a time. One timer serves many messages: when its time has come it looks whether it was
 * quiet for so long, and sleeps on if not.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Turn } from "./behaviour.ts"
import { monotonicMillis } from "../../scheduler/internal/monotonic.ts"

export class Idle {
  readonly run: Turn
  private readonly after: number
  private readonly clock: Clock.Clock
  private readonly onDue: () => void
  // When the present quiet stretch began; `undefined` while messages are handled.
  private since: number | undefined = undefined
  private state: "off" | "armed" | "due" | "done" = "off"

  constructor(after: Duration.Input, run: Turn, clock: Clock.Clock, onDue: () => void) {
    this.run = run
    this.after = Duration.toMillis(Duration.fromInputUnsafe(after))
    this.clock = clock
    this.onDue = onDue
  }

  private get now(): number {
    return monotonicMillis(this.clock)
  }

  /** Whether it was quiet for so long, and nothing was done about it. */
  get isDue(): boolean {
    return this.state === "due"
  }

  /** The server is to do now what it does then; it is not due again in this quiet stretch. */
  take(): boolean {
    if (this.state !== "due") return false
    this.state = "done"
    return true
  }

  onMessage(): void {
    this.since = undefined
    if (this.state !== "armed") this.state = "off"
  }

  /** It is quiet; answers the timer that is to be started, unless one runs or there is nothing to wait for. */
  onQuiet(): Effect.Effect<void> | undefined {
    this.since ??= this.now
    if (this.state !== "off" || this.after === Infinity) return undefined
    this.state = "armed"
    return this.timer
  }

  private readonly timer: Effect.Effect<void> = Effect.suspend(() => {
    if (this.since === undefined) {
      // Who handles messages now will start another timer.
      this.state = "off"
      return Effect.void
    }
    const left = this.since + this.after - this.now
    if (left > 0) return Effect.andThen(Effect.sleep(left), this.timer)
    this.state = "due"
    this.onDue()
    return Effect.void
  })
}
