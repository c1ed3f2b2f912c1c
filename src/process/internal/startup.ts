/**
 * A process that has yet to say whether it has started, and the one who waits for that.
 */
import * as Exit from "effect/Exit"
import { StartFailed, StartIgnored } from "../StartError.ts"
import type { Definition } from "./definition.ts"

/** Who waits for a process to start. */
export interface Starter {
  /** It has started, or has ended before. */
  onStarted(exit: Exit.Exit<void, StartFailed | StartIgnored>): void
}

export class Startup {
  private readonly process: string
  /** Whoever had it begin, if that waits. */
  starter: Starter | undefined = undefined
  // The body has nothing to do, and ends without having started: it has ended when its finalizers have run.
  private isIgnored = false

  constructor(process: string) {
    this.process = process
  }

  /** The body says that it has started; answers whether it has. */
  onReady(): boolean {
    if (this.isIgnored) return false
    this.starter?.onStarted(Exit.void)
    return true
  }

  /** Another body is to say it, if that has to say anything. */
  passTo(next: Startup | undefined): void {
    if (next === undefined) this.starter?.onStarted(Exit.void)
    else next.starter = this.starter
  }

  /** The body says that there is nothing for it to do. */
  onIgnored(): void {
    this.isIgnored = true
  }

  /** The body has ended. */
  onEnd(exit: Exit.Exit<unknown, unknown>): void {
    const { isIgnored, process } = this
    this.starter?.onStarted(Exit.fail(isIgnored ? new StartIgnored({ process }) : new StartFailed({ process, exit })))
  }
}

/** What a process of this definition has to say about its start; `undefined` when it need not say anything. */
export const startupOf = ({ name, start }: Definition): Startup | undefined =>
  start === "acknowledged" ? new Startup(name) : undefined
