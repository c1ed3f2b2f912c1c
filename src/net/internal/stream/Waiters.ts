/**
 * Those who wait for something that a stream has to bring. Who waits has taken nothing, and looks again when it is woken: at
 * once, so that what comes of it goes out with what has brought it, or in its turn, together with what else comes until then.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { step } from "../../../channel/internal/step.ts"
import { tellAfterwards, type Told } from "../../../channel/internal/telling.ts"
import { Wait, waitIn } from "../../../channel/internal/wait.ts"

export class Waiters {
  private readonly waiting = new Set<Waiter>()

  /** Waits until `isDue` holds, which is looked at again by whoever is woken. */
  until(isDue: () => boolean): Effect.Effect<void> {
    const look: Effect.Effect<void> = step(() => (isDue() ? Exit.void : waitIn(new Waiter(this.waiting, look))))
    return look
  }

  /** To be called in a step: they look again behind it. */
  wake(): void {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter)
      tellAfterwards(waiter)
    }
  }

  /** They look again in a task of their own. */
  wakeInTurn(): void {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter)
      waiter.tellInTurn()
    }
  }
}

class Waiter extends Wait implements Told {
  private readonly waiting: Set<Waiter>
  private readonly look: Effect.Effect<void>

  constructor(waiting: Set<Waiter>, look: Effect.Effect<void>) {
    super()
    this.waiting = waiting
    this.look = look
    waiting.add(this)
  }

  tell(): void {
    this.resume(this.look)
  }

  tellInTurn(): void {
    this.fiber?.currentDispatcher.scheduleTask(() => this.resume(this.look), 0)
  }

  protected onInterrupted(): void {
    this.waiting.delete(this)
  }
}
