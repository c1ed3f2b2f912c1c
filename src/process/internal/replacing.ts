/**
 * A replacement of the state that a process shows, which waits until the process is between two things that it handles:
 * what handles one of them has read the state, and sets it when it is done.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { tellAfterwards, type Told } from "../../channel/internal/telling.ts"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import { ProcessNotFound } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import type { Watcher } from "./watcher.ts"

export class Replacing<A, E> extends Wait implements Told, Watcher {
  private readonly replace: () => Exit.Exit<A, E>
  private outcome: Exit.Exit<A, E> | undefined = undefined
  private isOver = false
  private readonly cell: Cell

  constructor(cell: Cell, replace: () => Exit.Exit<A, E>) {
    super()
    this.replace = replace
    this.cell = cell
    cell.watch(this)
  }

  /** To be answered by a step: waits until it is done. */
  get done(): Effect.Effect<A, E | ProcessNotFound> {
    return waitIn(this)
  }

  /** The process is between two things. To be called in a step of it. */
  run(): void {
    if (this.isOver) return
    this.end()
    this.outcome = this.replace()
    tellAfterwards(this)
  }

  tell(): void {
    if (this.outcome !== undefined) this.resume(this.outcome)
  }

  onExit({ host, name }: Cell): void {
    this.end()
    host.dispatcher.scheduleTask(() => this.resume(Exit.fail(new ProcessNotFound({ target: name }))), 0)
  }

  protected onInterrupted(): void {
    this.end()
  }

  private end(): void {
    this.isOver = true
    this.cell.unwatch(this)
  }
}
