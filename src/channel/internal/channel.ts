/**
 * What all channels have in common: they are closed once, and account for what nobody received.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import { ChannelClosed } from "../ChannelError.ts"
import type { Sender } from "../Ends.ts"
import type { Waiter } from "../Selectable.ts"
import type { Deque } from "../../scheduler/internal/Deque.ts"
import { Source } from "./Source.ts"
import { step } from "./step.ts"

/** A sender that waits: with a value, or for a slot that it will fill later. */
export interface Offer<A> {
  readonly claim: { readonly value: A } | "slot"
  /** The waiter that it belongs to, if the same one waits to receive as well. */
  readonly owner: Waiter | undefined
  /** Whether the sender is still there. */
  isLive(): boolean
  /** The offer is accepted: from this very step on. */
  settle(): void
  /** Tells the sender, when it was accepted or refused. */
  resume(exit: Exit.Exit<void, ChannelClosed>): void
}

/** What becomes of a value that was accepted and is never received. */
export type OnUndelivered<A> = (value: A) => Effect.Effect<void>

/** How many may wait on either side of a channel, and the error of who is one too many. */
export interface Limit<W> {
  readonly waiters: number
  readonly refusal: (side: "senders" | "receivers", sent: { readonly value?: unknown }) => W
}

/** What every channel is made with. */
export interface Settings<A, W> {
  readonly dispatcher: SchedulerDispatcher
  readonly limit: Limit<W> | undefined
  readonly undelivered: OnUndelivered<A>
}

export abstract class ChannelImpl<A, W> extends Source<A, ChannelClosed | W> {
  protected readonly limit: Limit<W> | undefined
  private readonly undelivered: OnUndelivered<A>
  protected closed: ChannelClosed | undefined = undefined

  constructor({ dispatcher, limit, undelivered }: Settings<A, W>) {
    super(dispatcher)
    this.limit = limit
    this.undelivered = undelivered
  }

  override waitReport(): WaitReport {
    return { ...super.waitReport(), what: "Channel" }
  }

  abstract override pollUnsafe(): Exit.Exit<A, ChannelClosed> | undefined

  abstract readonly capacity: number
  abstract get length(): number
  /** Whether `sendNow` would answer. */
  abstract get canSend(): boolean
  /** Sends at once, if that can be; else answers nothing and changes nothing. To be called in a step. */
  abstract sendNow(value: A): Exit.Exit<void, ChannelClosed> | undefined
  /** As `sendNow`; hands the value to a receiver that waits, as well. */
  abstract handOver(value: A): Exit.Exit<void, ChannelClosed> | undefined
  abstract send(value: A): Effect.Effect<void, ChannelClosed | W>
  abstract trySend(value: A): Effect.Effect<boolean, ChannelClosed>
  /** Has an offer wait, after `sendNow` could do nothing in the same step; or answers why it can't. */
  abstract parkOffer(offer: Offer<A>): Exit.Exit<never, W> | undefined
  abstract unparkOffer(offer: Offer<A>): void
  /** Takes all values that nobody received. */
  protected abstract abandon(): Array<A>

  get waiters(): number | undefined {
    return this.limit?.waiters
  }

  override parkUnsafe(waiter: Waiter): Exit.Exit<never, ChannelClosed | W> | undefined {
    return (waiter.waited ? undefined : this.refusal("receivers", this.parked, {})) ?? super.parkUnsafe(waiter)
  }

  /** Why nobody else may wait in a line, if that is so. */
  protected refusal(
    side: "senders" | "receivers",
    line: Deque<{ isLive(): boolean }>,
    sent: { readonly value?: A }
  ): Exit.Exit<never, W> | undefined {
    if (this.limit === undefined || line.length < this.limit.waiters) return undefined
    // A select that is decided stands in the line until it is told, and does not count.
    let live = 0
    for (let i = 0; i < line.length; i++) if (line.at(i)?.isLive()) live++
    return live < this.limit.waiters ? undefined : Exit.fail(this.limit.refusal(side, sent))
  }

  get isClosed(): boolean {
    return this.closed !== undefined
  }

  close(cause: unknown): Exit.Exit<void, ChannelClosed> {
    if (this.closed !== undefined) return Exit.fail(this.closed)
    this.closed = new ChannelClosed(cause === undefined ? {} : { cause })
    this.onClose()
    this.wakeSoon()
    return Exit.void
  }

  /** Closes the channel, if it is open, and gives up what nobody received. */
  cancel(cause: unknown): Effect.Effect<void> {
    return step(() => {
      if (this.closed === undefined) this.close(cause)
      return Fiber.join(detached(this.giveUp(this.abandon())))
    })
  }

  /** Has a value that was accepted and dropped handed over; the sender does not wait for it. */
  protected drop(value: A): Exit.Exit<void> {
    detached(Effect.tapCause(this.giveUp([value]), (cause) => Effect.logError("onUndelivered failed", cause)))
    return Exit.void
  }

  // Hands over what nobody received: all of it, whatever becomes of one of them.
  private giveUp(values: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.flatMap(
      Effect.forEach(values, (value) => Effect.exit(this.undelivered(value))),
      (exits) => {
        const causes = exits.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause] : []))
        return causes.length === 0 ? Exit.void : Exit.failCause(causes.reduce((some, one) => Cause.combine(some, one)))
      }
    )
  }

  /** The error of a sender that has its value back. */
  protected returned(value: A): ChannelClosed {
    const cause: unknown = this.closed?.cause
    return new ChannelClosed(cause === undefined ? { value } : { value, cause })
  }

  protected onClose(): void {}
}

// Runs on whatever becomes of the fiber that is in its step, and sees what that one sees.
const detached = (effect: Effect.Effect<void>): Fiber.Fiber<void> =>
  Effect.runForkWith(Fiber.getCurrent()?.context ?? Context.empty())(effect)

/** What is behind an end of a channel; how it may fail is known to the compiler alone. */
export const implementationOf = <A, E>(channel: Sender<A, E>): ChannelImpl<A, E> =>
  channel as unknown as ChannelImpl<A, E>
