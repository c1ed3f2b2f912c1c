/**
 * Handlers of different keys run at once, and those of one key one after the other: a message whose key is busy waits in
 * the lane of that key, so that it holds up no other.
 */
import type { Cell } from "../../process/internal/cell.ts"
import { InboxImpl, unlimited } from "../../process/internal/inbox.ts"
import type { MessageImpl } from "../../process/internal/message.ts"
import { Deque } from "../../scheduler/internal/Deque.ts"
import { Beside } from "./beside.ts"

// No message has such a topic: those that begin with @ are refused.
const topic = "@lanes"

export class Lanes extends Beside {
  private readonly cell: Cell
  private readonly keyOf: (message: MessageImpl) => unknown
  private readonly aside: Aside
  // Keys whose handler has ended, and that have a message in their lane: they come before the inbox, where later ones are.
  private readonly freed = new Deque<unknown>()
  private readonly busyKeys = new Set<unknown>()
  private key: unknown = undefined

  constructor(cell: Cell, keyOf: (message: MessageImpl) => unknown) {
    super()
    this.cell = cell
    this.keyOf = keyOf
    this.aside = new Aside(cell)
    ;(cell.listeners ??= new Map()).set(topic, this.aside)
  }

  override get waiting(): number {
    return this.aside.length
  }

  // A bounded inbox bounds the lanes as well.
  private get isFull(): boolean {
    return this.aside.length >= this.cell.policy.capacity
  }

  canTake(inbox: InboxImpl): boolean {
    return this.freed.length > 0 || (inbox.isReadyUnsafe() && !this.isFull)
  }

  take(inbox: InboxImpl): MessageImpl | undefined {
    if (this.freed.length > 0) {
      this.key = this.freed.shift()
      return this.aside.take(this.key)
    }
    while (!this.isFull) {
      const message = inbox.takeUnsafe()
      if (message === undefined || !this.cell.definition.topics.has(message.topic)) return message
      this.key = this.keyOf(message)
      if (!this.busyKeys.has(this.key)) return message
      this.aside.put(this.key, message)
    }
    return undefined
  }

  protected override occupy(): () => void {
    const { key } = this
    this.busyKeys.add(key)
    return () => {
      this.busyKeys.delete(key)
      if (this.aside.hasLane(key)) this.freed.push(key)
    }
  }

  override close(): void {
    this.cell.unlisten(topic)
  }
}

/**
 * The lanes, as a queue of the process: so that the messages count as queued, are dead letters when the process ends, and
 * go back to the inbox, each to its place, when another body takes over.
 */
class Aside extends InboxImpl {
  users = 1
  readonly #cell: Cell
  readonly #lanes = new Map<unknown, Deque<MessageImpl>>()
  #count = 0

  constructor(cell: Cell) {
    super(cell.host.dispatcher, cell, unlimited)
    this.#cell = cell
  }

  override get length(): number {
    return this.#count
  }

  hasLane(key: unknown): boolean {
    return this.#lanes.has(key)
  }

  put(key: unknown, message: MessageImpl): void {
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = new Deque()
      this.#lanes.set(key, lane)
    }
    lane.push(message)
    this.#count++
    this.#cell.onReturned(message)
  }

  take(key: unknown): MessageImpl | undefined {
    const lane = this.#lanes.get(key)
    const message = lane?.shift()
    if (lane?.length === 0) this.#lanes.delete(key)
    if (message === undefined) return undefined
    this.#count--
    // Who looks into the process was told when it came out of the inbox.
    message.onTaken()
    this.#cell.host.counters.received++
    return message
  }

  override drain(): Array<MessageImpl> {
    const left = Array.from(this.#lanes.values(), (lane) => lane.drain()).flat()
    this.#lanes.clear()
    this.#count = 0
    return left.toSorted((a, b) => a.arrival - b.arrival)
  }
}
