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
import { Source } from "./Source.ts"
import { step } from "./step.ts"

/** A sender that waits: with a value, or for a slot that it will fill later. */
export interface Offer<A> {
  readonly claim: { readonly value: A } | "slot"
  /** The waiter that it belongs to, if the same one waits to receive as well. */
  readonly owner: (() => void) | undefined
  /** Whether the sender is still there. */
  isLive(): boolean
  /** The offer is accepted: from this very step on. */
  settle(): void
  /** Tells the sender, when it was accepted or refused. */
  resume(exit: Exit.Exit<void, ChannelClosed>): void
}

/** What becomes of a value that was accepted and is never received. */
export type OnUndelivered<A> = (value: A) => Effect.Effect<void>

export abstract class ChannelImpl<A> extends Source<A, ChannelClosed> {
  protected readonly undelivered: OnUndelivered<A>
  protected closed: ChannelClosed | undefined = undefined

  constructor(dispatcher: SchedulerDispatcher, undelivered: OnUndelivered<A>) {
    super(dispatcher)
    this.undelivered = undelivered
  }

  override waitReport(): WaitReport {
    return { ...super.waitReport(), what: "Channel" }
  }

  abstract readonly capacity: number
  abstract get length(): number
  /** Whether `sendNow` would answer. */
  abstract get canSend(): boolean
  /** Sends at once, if that can be; else answers nothing and changes nothing. To be called in a step. */
  abstract sendNow(value: A): Exit.Exit<void, ChannelClosed> | undefined
  /** As `sendNow`; hands the value to a receiver that waits, as well. */
  abstract handOver(value: A): Exit.Exit<void, ChannelClosed> | undefined
  abstract send(value: A): Effect.Effect<void, ChannelClosed>
  abstract trySend(value: A): Effect.Effect<boolean, ChannelClosed>
  /** Has an offer wait, after `sendNow` could do nothing in the same step. */
  abstract parkOffer(offer: Offer<A>): void
  abstract unparkOffer(offer: Offer<A>): void
  /** Takes all values that nobody received. */
  protected abstract abandon(): Array<A>

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

  protected refuse(value: A): ChannelClosed {
    const cause: unknown = this.closed?.cause
    return new ChannelClosed(cause === undefined ? { value } : { value, cause })
  }

  protected onClose(): void {}
}

// Runs on whatever becomes of the fiber that is in its step, and sees what that one sees.
const detached = (effect: Effect.Effect<void>): Fiber.Fiber<void> =>
  Effect.runForkWith(Fiber.getCurrent()?.context ?? Context.empty())(effect)
