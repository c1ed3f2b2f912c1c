/**
 * An unbounded queue that can be selected over: what was offered is taken in order, by the waiters in order.
 */
import * as Exit from "effect/Exit"
import { Deque } from "../../scheduler/internal/Deque.ts"
import { Source } from "./Source.ts"

export class Mailbox<A> extends Source<A> {
  protected readonly items = new Deque<A>()

  get length(): number {
    return this.items.length
  }

  offerUnsafe(value: A): void {
    this.items.push(value)
    this.wakeSoon()
  }

  isReadyUnsafe(): boolean {
    return this.items.length > 0
  }

  pollUnsafe(): Exit.Exit<A> | undefined {
    return this.items.length === 0 ? undefined : Exit.succeed(this.items.shift() as A)
  }

  /** The position of the first value that `matches`, or -1. */
  findUnsafe(matches: (value: A) => boolean): number {
    for (let i = 0; i < this.items.length; i++) {
      if (matches(this.items.at(i) as A)) return i
    }
    return -1
  }

  /** Takes the first value that `matches`; the order of the others stays. */
  pollWhereUnsafe(matches: (value: A) => boolean): Exit.Exit<A> | undefined {
    const index = this.findUnsafe(matches)
    return index < 0 ? undefined : Exit.succeed(this.items.removeAt(index) as A)
  }

  /** Removes what `matches` and keeps the rest in order. */
  removeWhereUnsafe(matches: (value: A) => boolean): void {
    for (const value of this.items.drain()) {
      if (!matches(value)) this.items.push(value)
    }
  }
}
