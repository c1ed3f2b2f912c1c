/**
 * What can be shut for a while, a link or a node: what comes meanwhile is kept in order, and comes when it opens.
 */
import type * as Effect from "effect/Effect"
import { Bell } from "../../../net/transport/internal/Bell.ts"

export class Gate {
  private readonly opened = new Bell()
  private kept: Array<() => void> = []
  private shut = false

  get isShut(): boolean {
    return this.shut
  }

  readonly untilOpen: Effect.Effect<void> = this.opened.until(() => !this.shut)

  /** Has it happen now, or when the gate opens. */
  whenOpen(happen: () => void): void {
    if (this.shut) this.kept.push(happen)
    else happen()
  }

  close(): void {
    this.shut = true
  }

  open(): void {
    if (!this.shut) return
    this.shut = false
    for (const happen of this.kept.splice(0)) happen()
    this.opened.ring()
  }

  /** Opens it, and what it has kept never happens. */
  forget(): void {
    this.kept = []
    this.open()
  }
}
