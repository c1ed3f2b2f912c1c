/**
 * The tasks that were scheduled on one dispatcher: they run one by one in their order, while those of different lanes
 * run in any.
 */
import { Deque } from "../../scheduler/internal/Deque.ts"
import type { Tracked } from "./Tracked.ts"

interface Task {
  readonly run: () => void
  readonly priority: number
}

export class Lane {
  /** The fiber whose dispatcher it is; none for one that was made apart from fibers. */
  owner: Tracked | undefined
  private tasks = new Deque<Task>()

  constructor(owner: Tracked | undefined) {
    this.owner = owner
  }

  get length(): number {
    return this.tasks.length
  }

  /** Lower priority numbers run first, as with Effect's own scheduler. */
  push(run: () => void, priority: number): void {
    const last = this.tasks.length === 0 ? undefined : (this.tasks.at(this.tasks.length - 1) as Task)
    this.tasks.push({ run, priority })
    if (last === undefined || last.priority <= priority) return
    const sorted = [...this.tasks.drain()].toSorted((left, right) => left.priority - right.priority)
    for (const task of sorted) this.tasks.push(task)
  }

  shift(): (() => void) | undefined {
    return this.tasks.shift()?.run
  }
}
