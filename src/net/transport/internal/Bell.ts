/**
 * A wait for something that others change, and ring for. It takes nothing, so that whoever is interrupted in it has taken
 * nothing.
 */
import * as Effect from "effect/Effect"

export class Bell {
  private readonly waiting = new Set<() => void>()

  /** Waits until `isDue` holds, which is looked at again whenever the bell rings. */
  until(isDue: () => boolean): Effect.Effect<void> {
    return Effect.withFiber(({ currentDispatcher }) =>
      // Looked at in the step that registers the wait: what rings in between would be missed.
      Effect.callback((resume) => {
        if (isDue()) return resume(Effect.void)
        const ring = () => {
          if (!isDue()) return
          this.waiting.delete(ring)
          // Through the queue of tasks: a chain of wires is no chain on the stack.
          currentDispatcher.scheduleTask(() => resume(Effect.void), 0)
        }
        this.waiting.add(ring)
        return Effect.sync(() => this.waiting.delete(ring))
      })
    )
  }

  /** Has all who wait look again. */
  ring(): void {
    for (const ring of this.waiting) ring()
  }
}
