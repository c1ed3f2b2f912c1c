/**
 * How many there may be in a second: so many at once, and then as they come back, evenly.
 */
export class Rate {
  readonly allowed: number
  private left: number
  private at: number

  /** `now`: in milliseconds, as for {@link take}. */
  constructor(allowed: number, now: number) {
    this.allowed = allowed
    this.left = allowed
    this.at = now
  }

  /** Whether there may be one more now. */
  take(now: number): boolean {
    this.left = Math.min(this.allowed, this.left + (Math.max(now - this.at, 0) * this.allowed) / 1000)
    this.at = now
    if (this.left < 1) return false
    this.left--
    return true
  }
}
