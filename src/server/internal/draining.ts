/**
 * That a process which is stopped in order has handled what waited, as something that can be waited for.
 */
import * as Exit from "effect/Exit"
import { Source } from "../../channel/internal/Source.ts"
import type { Cell, Role } from "../../process/internal/cell.ts"
import type { Held } from "../../process/internal/inspection.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"

export class Draining extends Source<void> implements Role, Held {
  readonly #cell: Cell

  constructor(cell: Cell) {
    super(cell.host.dispatcher)
    this.#cell = cell
  }

  override waitReport(): WaitReport {
    return { ...super.waitReport(), what: `the stop of ${this.#cell.name}`, isKind: false }
  }

  onDrain(): void {
    this.wakeSoon()
  }

  onResumed(): void {
    this.wakeSoon()
  }

  // What waits in a process that is suspended is handled when it is resumed, and what has become due in it as well.
  isReadyUnsafe(): boolean {
    const { inbox, inspection, status } = this.#cell
    if (status !== "draining" || inbox.length > 0) return false
    if (inspection?.suspended !== true) return true
    inspection.tellWhenResumed(this)
    return false
  }

  pollUnsafe(): Exit.Exit<void> | undefined {
    return this.isReadyUnsafe() ? Exit.void : undefined
  }
}
