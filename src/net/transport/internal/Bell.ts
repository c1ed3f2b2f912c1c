/**
 * A wait for something that others change, and ring for. It takes nothing, so that whoever is interrupted in it has taken
 * nothing, and looks again when it is rung for.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { pollOr } from "../../../channel/internal/step.ts"
import { tellAfterwards, type Told } from "../../../channel/internal/telling.ts"
import { Wait, waitIn } from "../../../channel/internal/wait.ts"
import { Few } from "../../../scheduler/internal/Few.ts"

export class Bell {
  private readonly waiting = new Few<Waiter>()

  /** Waits until `isDue` holds, which is looked at again whenever the bell rings. */
  until(isDue: () => boolean): Effect.Effect<void> {
    // One step: what rings between the look and the wait would be missed.
    const look: Effect.Effect<void> = pollOr(
      () => (isDue() ? Exit.void : undefined),
      () => waitIn(new Waiter(this.waiting, isDue, look))
    )
    return look
  }

  /**
   * Has all look who wait; those for whom it holds go on in a task of their own, together with what else comes until then: a
   * chain of wires is no chain on the stack.
   */
  ring(): void {
    if (this.waiting.size === 0) return
    for (const waiter of this.waiting) waiter.tellInTurn()
  }

  /** To be called in a step: all look who wait behind it, so that what comes of it goes out with what has brought it. */
  ringBehind(): void {
    if (this.waiting.size === 0) return
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter)
      tellAfterwards(waiter)
    }
  }
}

class Waiter extends Wait implements Told {
  private readonly waiting: Few<Waiter>
  private readonly isDue: () => boolean
  private readonly look: Effect.Effect<void>

  constructor(waiting: Few<Waiter>, isDue: () => boolean, look: Effect.Effect<void>) {
    super()
    this.waiting = waiting
    this.isDue = isDue
    this.look = look
    waiting.add(this)
  }

  tell(): void {
    this.resume(this.look)
  }

  tellInTurn(): void {
    if (!this.isDue()) return
    this.waiting.delete(this)
    this.fiber?.currentDispatcher.scheduleTask(() => this.tell(), 0)
  }

  protected onInterrupted(): void {
    this.waiting.delete(this)
  }
}
