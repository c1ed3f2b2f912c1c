/**
 * An address that leads to a process until it is revoked.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SendError } from "../ProcessError.ts"
import type { Monitor } from "../ProcessEvent.ts"
import type { Cell } from "./cell.ts"
import { deliver } from "./delivery.ts"
import type { MessageImpl } from "./message.ts"
import { MonitorImpl } from "./watch.ts"

export const TypeId = "~troupe/process/Alias"

const variance = { _Rpcs: (_: never) => {} }

export class AliasImpl {
  #cell: Cell | undefined
  #uses: number

  private constructor(cell: Cell, uses: number) {
    this.#cell = cell
    this.#uses = uses
  }

  static open(cell: Cell, uses: number, monitor: Monitor | undefined): AliasImpl {
    const alias = new AliasImpl(cell, uses)
    if (monitor instanceof MonitorImpl) monitor.onDone(() => alias.revoke())
    return alias
  }

  get [TypeId]() {
    return variance
  }

  get active(): boolean {
    return this.#uses > 0 && this.#cell !== undefined && this.#cell.refusal() === undefined
  }

  revoke(): void {
    this.#cell = undefined
  }

  /** Delivers a message, or drops it in silence. */
  send(message: MessageImpl): Effect.Effect<void, SendError> {
    const cell = this.#cell
    if (cell === undefined || !this.active) return Exit.void
    this.#uses--
    const sent = deliver(cell, message)
    if (Exit.isExit(sent)) {
      if (Exit.isFailure(sent)) this.#uses++
      return sent
    }
    // A sender that waits for space, and is interrupted or refused, has sent nothing.
    return Effect.onError(sent, () => Effect.sync(() => this.#uses++))
  }
}
