/**
 * Whether a process has started: known at once, or when its body says so.
 */
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
