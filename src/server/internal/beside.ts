/**
 * Handlers that run side by side, each in a fiber of its own, and how many of them at once.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { InboxImpl } from "../../process/internal/inbox.ts"
import type { MessageImpl } from "../../process/internal/message.ts"

export abstract class Beside {
  private running = 0

  /** How many handlers run. */
  get busy(): number {
    return this.running
  }

  /** How many messages were taken and wait for a handler. */
  get waiting(): number {
    return 0
  }

  /** Whether `take` may answer with a message. */
  abstract canTake(inbox: InboxImpl): boolean

  /** Takes the next message that may be handled now. */
  abstract take(inbox: InboxImpl): MessageImpl | undefined

  /** Has the message that was taken last handled; `onDone` is told when its place is free again. */
  start(
    handler: Effect.Effect<unknown, unknown>,
    scope: Scope.Scope,
    onDone: (exit: Exit.Exit<unknown, unknown>) => void
  ): Effect.Effect<void> {
    const free = this.occupy()
    this.running++
    return Effect.map(Effect.forkIn(handler, scope), (fiber) => {
      fiber.addObserver((exit) => {
        this.running--
        free()
        onDone(exit)
      })
    })
  }

  /** Takes a place for the message that was taken last; answers how to free it. */
  protected occupy(): () => void {
    return nothing
  }

  /** The server has ended. */
  close(): void {}
}

const nothing = (): void => {}

/** So many at once, whatever they are about. */
export class Slots extends Beside {
  private readonly limit: number

  constructor(limit: number) {
    super()
    this.limit = limit
  }

  canTake(inbox: InboxImpl): boolean {
    return this.busy < this.limit && inbox.isReadyUnsafe()
  }

  take(inbox: InboxImpl): MessageImpl | undefined {
    return this.busy < this.limit ? inbox.takeUnsafe() : undefined
  }
}
