/**
 * How many restarts are allowed within which time.
 */
export class Budget {
  readonly limit: number
  readonly periodMillis: number
  private readonly times: Array<number> = []

  constructor(limit: number, periodMillis: number) {
    this.limit = limit
    this.periodMillis = periodMillis
  }

  /** Counts a restart at `now`, in milliseconds; false when it is one too many. */
  spend(now: number): boolean {
    while (this.times.length > 0 && now - Number(this.times[0]) > this.periodMillis) this.times.shift()
    this.times.push(now)
    return this.times.length <= this.limit
  }
}
