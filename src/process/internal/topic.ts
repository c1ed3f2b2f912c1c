/**
 * Tells many what happens: each subscriber gets, in order, all that is published while it is subscribed.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import type { Selectable } from "../../channel/Selectable.ts"

export class Topic<A> {
  private readonly subscribers = new Set<Mailbox<A>>()

  get isEmpty(): boolean {
    return this.subscribers.size === 0
  }

  publish(value: A): void {
    for (const subscriber of this.subscribers) subscriber.offerUnsafe(value)
  }

  /** `first` is what the subscriber finds when it looks for the first time. */
  subscribe(first: () => Iterable<A> = () => []): Effect.Effect<Selectable<A>, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.withFiber((fiber) => {
        const mailbox = new Mailbox<A>(fiber.currentDispatcher)
        for (const value of first()) mailbox.offerUnsafe(value)
        this.subscribers.add(mailbox)
        return Effect.succeed(mailbox)
      }),
      (mailbox) => Effect.sync(() => this.subscribers.delete(mailbox))
    )
  }
}
