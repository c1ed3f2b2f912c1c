/**
 * A run of a handler around which interceptors stand. They may have it run again, so that each run has completions of its
 * own: one that comes for a run which is over reaches no other.
 */
import type * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { Any } from "../Command.ts"
import type { Yielder } from "../Yielded.ts"
import { Outcome, type Tell } from "./outcome.ts"
import type { Pending } from "./pending.ts"
import { completing, completingUnsafe, type Run } from "./run.ts"

export class Attempt extends Outcome implements Run {
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  private readonly pending: Pending
  private isShut = false

  constructor(dispatcher: SchedulerDispatcher, pending: Pending) {
    super(dispatcher)
    this.pending = pending
  }

  get command(): Any {
    return this.pending.command
  }

  get payload(): unknown {
    return this.pending.payload
  }

  get tag(): number {
    return this.pending.tag
  }

  get process(): Yielder {
    return this.pending.process
  }

  get arriving(): Outcome {
    return this
  }

  get arrived(): Exit.Exit<unknown, unknown> | undefined {
    return this.exit
  }

  shut(): void {
    this.isShut = true
  }

  /** The handler has ended by itself; what another one completed the run with goes before that. */
  end(exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> {
    this.isShut = true
    if (this.exit === undefined) return exit
    this.pending.registry.counts.droppedLate++
    return this.exit
  }

  arrive(exit: Exit.Exit<unknown, unknown>, tell: Tell): boolean {
    if (this.exit !== undefined || this.isShut || this.pending.isOver) {
      this.pending.registry.counts.droppedLate++
      return false
    }
    this.exit = exit
    this.onEnd(tell)
    return true
  }

  get complete(): Run["complete"] {
    return completing(this)
  }

  get completeUnsafe(): Run["completeUnsafe"] {
    return completingUnsafe(this)
  }

  get completeTag(): Run["completeTag"] {
    return this.pending.completeTag
  }
}
