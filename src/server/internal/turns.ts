/**
 * What is to run in a server beside its messages: continuations, and what has become due.
 */
import type { Waiter } from "../../channel/Selectable.ts"
import type { Cell, Role } from "../../process/internal/cell.ts"
import type { Held } from "../../process/internal/inspection.ts"
import { Deque } from "../../scheduler/internal/Deque.ts"
import type { Turn } from "./behaviour.ts"

export class Turns implements Role, Held {
  /** Run before anything else. */
  readonly next = new Deque<Turn>()
  /** Have become due, and run before messages. */
  readonly due = new Deque<Turn>()
  /** The server, while it waits. */
  waiting: Waiter | undefined = undefined
  readonly #cell: Cell

  /** Those of the process, from now on. */
  constructor(cell: Cell) {
    this.#cell = cell
    cell.role = this
  }

  static of(cell: Cell): Turns | undefined {
    return cell.role instanceof Turns ? cell.role : undefined
  }

  addNext(turn: Turn): void {
    this.next.push(turn)
    this.wakeSoon()
  }

  addDue(turn: Turn): void {
    this.due.push(turn)
    this.wakeSoon()
  }

  onDrain(): void {
    this.wakeSoon()
  }

  onResumed(): void {
    this.wakeSoon()
  }

  /** In a later step: what wakes the server goes on first. */
  wakeSoon(): void {
    if (this.waiting !== undefined) this.#cell.host.dispatcher.scheduleTask(() => this.waiting?.wake(), 0)
  }
}
