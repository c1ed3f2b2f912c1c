/**
 * Whether a process has started: known at once, or when its body says so.
 */
import type { Definition } from "./definition.ts"

export class Startup {
  /** `ignored`: the body has nothing to do, and ends without having started. */
  outcome: "pending" | "ready" | "ignored" = "pending"
  private waiting: Array<() => void> | undefined = undefined

  settle(outcome: "ready" | "ignored"): void {
    if (this.outcome !== "pending") return
    this.outcome = outcome
    const waiting = this.waiting
    this.waiting = undefined
    for (const tell of waiting ?? []) tell()
  }

  onSettled(tell: () => void): void {
    if (this.outcome === "pending") (this.waiting ??= []).push(tell)
    else tell()
  }
}

/** What a process of this definition has to say about its start; `undefined` when it need not say anything. */
export const startupOf = (definition: Definition): Startup | undefined =>
  definition.start === "acknowledged" ? new Startup() : undefined
