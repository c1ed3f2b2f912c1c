/**
 * A channel that holds one value for ever: the first that was sent.
 */
import * as Exit from "effect/Exit"
import type { ChannelClosed } from "../ChannelError.ts"
import { BufferedChannel } from "./bufferedChannel.ts"
import type { Settings } from "./channel.ts"

export class PromiseChannel<A, W> extends BufferedChannel<A, W> {
  constructor(settings: Settings<A, W>) {
    super(settings, 1, "drop-newest")
  }

  override pollUnsafe(): Exit.Exit<A, ChannelClosed> | undefined {
    if (this.isKept) return Exit.succeed(this.buffer.at(0) as A)
    return this.closed === undefined ? undefined : Exit.fail(this.closed)
  }

  // Once it has its value there is nothing to wait for: what a permit sends is dropped then, as what a send sends.
  protected override get hasSlot(): boolean {
    return this.isKept || this.hasRoom
  }

  protected override put(value: A): void {
    if (this.isKept) {
      this.drop(value)
      return
    }
    super.put(value)
    this.refill()
  }

  // It was received by everybody who will ask; there is nothing to give up.
  protected override abandon(): Array<A> {
    return []
  }

  private get isKept(): boolean {
    return this.buffer.length > 0
  }
}
