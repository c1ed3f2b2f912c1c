/**
 * Handlers that run side by side, each in a fiber of its own: so many at once, or one of each key.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { InboxImpl } from "../../process/internal/inbox.ts"
import type { MessageImpl } from "../../process/internal/message.ts"
import type { Scope } from "effect/Scope"

export class Beside {
  private readonly limit: number
  private readonly by: ((message: MessageImpl) => unknown) | undefined
  private readonly busy = new Set<unknown>()
  private running = 0

  private constructor(limit: number, by: ((message: MessageImpl) => unknown) | undefined) {
    this.limit = limit
    this.by = by
  }

  /** `undefined` when messages are handled one after the other, or the number when there is no such concurrency. */
  static of(
    concurrency: number | "unbounded" | { readonly by: (message: MessageImpl) => unknown } = 1
  ): Beside | number | undefined {
    if (concurrency === 1) return undefined
    if (concurrency === "unbounded") return new Beside(Infinity, undefined)
    if (typeof concurrency === "object") return new Beside(Infinity, concurrency.by)
    return Number.isInteger(concurrency) && concurrency > 1 ? new Beside(concurrency, undefined) : concurrency
  }

  get isBusy(): boolean {
    return this.running > 0
  }

  canTake(inbox: InboxImpl): boolean {
    if (this.running >= this.limit) return false
    return this.by === undefined ? inbox.isReadyUnsafe() : inbox.findUnsafe(this.isFree) >= 0
  }

  // What must wait for its key stays in the inbox, where it is counted, limited, and kept for a restart.
  take(inbox: InboxImpl): Exit.Exit<MessageImpl> | undefined {
    if (this.running >= this.limit) return undefined
    return this.by === undefined ? inbox.pollUnsafe() : inbox.pollWhereUnsafe(this.isFree)
  }

  private readonly isFree = (message: MessageImpl): boolean => !this.busy.has(this.by?.(message))

  /** Has the handler run; `onDone` is called with its outcome when its place is free again. */
  start(
    message: MessageImpl,
    handler: Effect.Effect<unknown, unknown>,
    scope: Scope,
    onDone: (exit: Exit.Exit<unknown, unknown>) => void
  ): Effect.Effect<void> {
    const key = this.by?.(message)
    this.running++
    if (this.by !== undefined) this.busy.add(key)
    return Effect.map(Effect.forkIn(handler, scope), (fiber) => {
      fiber.addObserver((exit) => {
        this.running--
        this.busy.delete(key)
        onDone(exit)
      })
    })
  }
}
