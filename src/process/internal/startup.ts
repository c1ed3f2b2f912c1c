/**
 * A process that has yet to say whether it has started, and who waits for that.
 */
import * as Exit from "effect/Exit"
import { Few } from "../../scheduler/internal/Few.ts"
import { StartFailed, StartIgnored } from "../StartError.ts"
import type { Definition } from "./definition.ts"

/** Who waits for a process to start. */
export interface Starter {
  /** It has started, or has ended before. */
  onStarted(exit: Exit.Exit<void, StartFailed | StartIgnored>): void
}

export class Startup {
  private readonly process: string
  private readonly starters = new Few<Starter>()
  // The body has nothing to do, and ends without having started: it has ended when its finalizers have run.
  private isIgnored = false

  constructor(process: string) {
    this.process = process
  }

  add(starter: Starter): void {
    this.starters.add(starter)
  }

  remove(starter: Starter): void {
    this.starters.delete(starter)
  }

  /** The body says that it has started; answers whether it has. */
  onReady(): boolean {
    if (this.isIgnored) return false
    this.tell(Exit.void)
    return true
  }

  /** Another body is to say it, if that has to say anything. */
  passTo(next: Startup | undefined): void {
    if (next === undefined) return this.tell(Exit.void)
    for (const starter of this.starters) next.add(starter)
  }

  /** The body says that there is nothing for it to do. */
  onIgnored(): void {
    this.isIgnored = true
  }

  /** The body has ended. */
  onEnd(exit: Exit.Exit<unknown, unknown>): void {
    const { isIgnored, process } = this
    if (this.starters.size === 0) return
    this.tell(Exit.fail(isIgnored ? new StartIgnored({ process }) : new StartFailed({ process, exit })))
  }

  private tell(exit: Exit.Exit<void, StartFailed | StartIgnored>): void {
    for (const starter of this.starters) starter.onStarted(exit)
  }
}

/** What a process of this definition has to say about its start; `undefined` when it need not say anything. */
export const startupOf = ({ name, start }: Definition): Startup | undefined =>
  start === "acknowledged" ? new Startup(name) : undefined
