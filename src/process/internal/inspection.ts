/**
 * What looks into one process: whether it is suspended, and who is told of what it takes, sends and becomes. A process
 * that nobody looks into has none.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Pid } from "../Pid.ts"
import { done, type Event, type Spy } from "../Spy.ts"
import type { Cell } from "./cell.ts"
import { targetOf } from "./pid.ts"

/** What tells the spies of a process apart: those of the library itself have symbols, which no id is like. */
export type SpyId = string | symbol

/** Who waits for a process to be resumed. */
export interface Held {
  onResumed(): void
}

interface Installed {
  readonly next: Spy<unknown>["next"]
  state: unknown
}

export class Inspection {
  suspended = false
  private readonly cell: Cell
  private readonly spies = new Map<SpyId, Installed>()
  private readonly held = new Set<Held>()

  constructor(cell: Cell) {
    this.cell = cell
  }

  resume(): void {
    this.suspended = false
    this.cell.inbox.resume()
    for (const listener of this.cell.listeners?.values() ?? []) listener.resume()
    for (const held of this.held) held.onResumed()
    this.held.clear()
  }

  /** Has it told, once, when the process is resumed. */
  tellWhenResumed(held: Held): void {
    this.held.add(held)
  }

  /** Installs a spy, unless there is one under the id; answers whether it did. */
  install<S>(id: SpyId, spy: Spy<S>): boolean {
    if (this.spies.has(id)) return false
    this.spies.set(id, { next: spy.next as Spy<unknown>["next"], state: spy.initial })
    return true
  }

  remove(id: SpyId): boolean {
    return this.spies.delete(id)
  }

  /** The state of a spy; `undefined` when there is none under the id. */
  stateOf(id: SpyId): unknown {
    return this.spies.get(id)?.state
  }

  /** Tells every spy, in the order in which they were installed. */
  observe(event: Event): void {
    for (const [id, spy] of this.spies) {
      // A spy runs in the midst of a step of the process, which nothing that it does may break.
      const exit = Effect.runSyncExit(Effect.sync(() => spy.next(spy.state, event)))
      if (Exit.isFailure(exit)) {
        this.remove(id)
        const { environment, name } = this.cell
        const report = Effect.logError(
          `the spy "${String(id)}" of the process ${name} failed and was removed`,
          exit.cause
        )
        Effect.runForkWith(environment.base)(report)
      } else if (exit.value === done) this.remove(id)
      else spy.state = exit.value
    }
    this.leaveIfUnused()
  }

  /** Leaves the process, which then pays nothing any more, unless there is something to look at. */
  leaveIfUnused(): void {
    if (!this.suspended && this.spies.size === 0) this.cell.inspection = undefined
  }
}

/** Where to tell of what the process under the pid does, if somebody looks into it. */
export const inspectionOf = (pid: Pid | undefined): Inspection | undefined =>
  pid === undefined ? undefined : (targetOf(pid) as Cell | undefined)?.inspection
