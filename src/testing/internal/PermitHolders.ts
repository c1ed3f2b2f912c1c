/**
 * Who holds the permits of a semaphore: what is taken and given back in an operation is so by the fiber of it.
 */
import type { Permits } from "./kinds.ts"
import type { Tracked } from "./Tracked.ts"

export class PermitHolders {
  readonly held = new Map<Tracked, number>()
  private readonly semaphore: Permits
  private taken: number

  constructor(semaphore: Permits) {
    this.semaphore = semaphore
    this.taken = semaphore.taken
  }

  /** To be called before and after each operation, with the fiber that was in one until now. */
  settle(fiber: Tracked | undefined): void {
    const change = this.semaphore.taken - this.taken
    if (change === 0) return
    this.taken += change
    if (change > 0) {
      if (fiber !== undefined) this.held.set(fiber, (this.held.get(fiber) ?? 0) + change)
      return
    }
    let left = -change
    // Who gives back what another fiber took gives back the oldest.
    for (const holder of fiber === undefined ? this.held.keys() : [fiber, ...this.held.keys()]) {
      const held = this.held.get(holder) ?? 0
      const given = Math.min(held, left)
      left -= given
      if (held > given) this.held.set(holder, held - given)
      else this.held.delete(holder)
    }
  }
}
