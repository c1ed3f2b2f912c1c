/**
 * A channel that holds one value for ever: the first that was sent.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ChannelClosed } from "../ChannelError.ts"
import { ChannelImpl } from "./channel.ts"
import { step } from "./step.ts"

export class PromiseChannel<A> extends ChannelImpl<A> {
  readonly capacity = 1
  private kept: { readonly value: A } | undefined = undefined

  get length(): number {
    return this.kept === undefined ? 0 : 1
  }

  isReadyUnsafe(): boolean {
    return this.kept !== undefined || this.closed !== undefined
  }

  pollUnsafe(): Exit.Exit<A, ChannelClosed> | undefined {
    if (this.kept !== undefined) return Exit.succeed(this.kept.value)
    return this.closed === undefined ? undefined : Exit.fail(this.closed)
  }

  readonly canSend = true

  sendNow(value: A): Exit.Exit<void, ChannelClosed> {
    if (this.closed !== undefined) return Exit.fail(this.refuse(value))
    return this.keep(value) ? Exit.void : this.drop(value)
  }

  handOver(value: A): Exit.Exit<void, ChannelClosed> {
    return this.sendNow(value)
  }

  send(value: A): Effect.Effect<void, ChannelClosed> {
    return step(() => this.sendNow(value))
  }

  trySend(value: A): Effect.Effect<boolean, ChannelClosed> {
    return step(() => (this.closed === undefined ? Exit.succeed(this.keep(value)) : Exit.fail(this.refuse(value))))
  }

  // A send never waits.
  parkOffer(): void {}
  unparkOffer(): void {}

  // It was received by everybody who will ask; there is nothing to give up.
  protected abandon(): Array<A> {
    return []
  }

  private keep(value: A): boolean {
    if (this.kept !== undefined) return false
    this.kept = { value }
    this.wakeSoon()
    return true
  }
}
