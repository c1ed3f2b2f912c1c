/**
 * How a side that has closed waits for the other to take what is left: as long as that takes anything.
 */

// How long the other side may take nothing, in milliseconds.
const Patience = 2000

export class Linger {
  private readonly left: () => number
  private readonly giveUp: () => void
  private timer: ReturnType<typeof setTimeout> | undefined

  /** `left` tells how many bytes are left. */
  constructor(left: () => number, giveUp: () => void) {
    this.left = left
    this.giveUp = giveUp
  }

  begin(): void {
    if (this.timer === undefined) this.look(Number.POSITIVE_INFINITY)
  }

  /** There is nothing to wait for any more. */
  end(): void {
    clearTimeout(this.timer)
  }

  private look(before: number): void {
    const now = this.left()
    if (now < before) this.timer = setTimeout(() => this.look(now), Patience)
    else this.giveUp()
  }
}
