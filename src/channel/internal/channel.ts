/**
 * What all channels have in common: they are closed once, and account for what nobody received.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { ChannelClosed } from "../ChannelError.ts"
import { Source } from "./Source.ts"
import { step } from "./step.ts"

/** What becomes of a value that was accepted and is never received. */
export type OnUndelivered<A> = (value: A) => Effect.Effect<void>

export abstract class ChannelImpl<A> extends Source<A, ChannelClosed> {
  protected readonly undelivered: OnUndelivered<A>
  protected closed: ChannelClosed | undefined = undefined

  constructor(dispatcher: SchedulerDispatcher, undelivered: OnUndelivered<A>) {
    super(dispatcher)
    this.undelivered = undelivered
  }

  abstract readonly capacity: number
  abstract get length(): number
  abstract send(value: A): Effect.Effect<void, ChannelClosed>
  abstract trySend(value: A): Effect.Effect<boolean, ChannelClosed>
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
      return this.giveUp(this.abandon())
    })
  }

  /** Hands over what nobody received: all of it, whatever becomes of one of them. */
  protected giveUp(values: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.flatMap(
      Effect.forEach(values, (value) => Effect.exit(this.undelivered(value))),
      (exits) => {
        const causes = exits.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause] : []))
        return causes.length === 0 ? Exit.void : Exit.failCause(causes.reduce((all, one) => Cause.combine(all, one)))
      }
    )
  }

  protected refuse(value: A): ChannelClosed {
    const cause: unknown = this.closed?.cause
    return new ChannelClosed(cause === undefined ? { value } : { value, cause })
  }

  protected onClose(): void {}
}
