/**
 * Messages that a process has put aside. They wait in a queue of the process that no topic leads to, so that the process
 * accounts for them whatever happens: they are dead letters when it ends, and its next body finds them in the inbox when
 * it is restarted in place.
 */
import type { Cell } from "./cell.ts"
import type { InboxImpl } from "./inbox.ts"
import type { MessageImpl } from "./message.ts"

let stashes = 0

export class StashImpl {
  readonly capacity: number
  readonly #cell: Cell
  // No message has such a topic: those that begin with @ are refused.
  readonly #topic = `@stash/${++stashes}`
  readonly #aside: InboxImpl
  // Those that were handed back; where they were taken since, they are in no queue.
  readonly #returned = new WeakSet<MessageImpl>()

  constructor(cell: Cell, capacity: number) {
    this.#cell = cell
    this.capacity = capacity
    this.#aside = cell.listen(this.#topic)
  }

  get process(): string {
    return this.#cell.name
  }

  get size(): number {
    return this.#aside.length
  }

  /** Puts aside a message that was taken; false when there is no room. */
  add(message: MessageImpl): boolean {
    if (this.size >= this.capacity) return false
    this.#cell.host.counters.received--
    message.onPutBack()
    this.#aside.offerUnsafe(message)
    return true
  }

  /** Hands all back to the inbox, each to its place in the order of arrival. */
  unstash(): number {
    const messages = this.#aside.drain()
    for (const message of messages) this.#returned.add(message)
    this.#cell.inbox.restore(messages)
    return messages.length
  }

  /** Takes out all that are aside, and those that were handed back and not taken since. */
  clear(): ReadonlyArray<MessageImpl> {
    const waiting = this.#cell.inbox.extract((message) => this.#returned.has(message))
    const cleared = [...waiting, ...this.#aside.drain()].toSorted((a, b) => a.arrival - b.arrival)
    this.#cell.host.counters.received += cleared.length
    return cleared
  }

  close(): void {
    this.#cell.unlisten(this.#topic)
  }
}
