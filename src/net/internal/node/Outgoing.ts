/**
 * Signals that wait for the connection: whoever posts one waits for its answer, if for anything.
 */
import * as Effect from "effect/Effect"
import type { Carrier } from "../../../process/internal/remoteLink.ts"
import type { Signal } from "../../../process/internal/remoteSignal.ts"
import { Bell } from "../../transport/internal/Bell.ts"

export class Outgoing implements Carrier {
  private signals: Array<Signal> = []
  private readonly bell = new Bell()

  readonly post = (signal: Signal): void => {
    if (this.signals.push(signal) === 1) this.bell.ring()
  }

  /** Takes all that there are, waiting until there is one; one fiber takes. */
  readonly takeAll: Effect.Effect<ReadonlyArray<Signal>> = Effect.andThen(
    this.bell.until(() => this.signals.length > 0),
    Effect.sync(() => {
      const { signals } = this
      this.signals = []
      return signals
    })
  )
}
