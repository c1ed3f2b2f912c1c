/**
 * Those who were started and have yet to begin. Whoever was started last goes first, so that a tree of processes is run
 * branch by branch, and needs the memory of a branch; those whom one process has started begin in their order.
 */
import { Deque } from "./Deque.ts"

/** One that was started and has yet to begin. */
export interface Newborn {
  begin(): void
  /** Who begins after it, of the same brood. */
  next: Newborn | undefined
  /** How many were born before it. */
  order: number
}

/** Those whom one process has started, and who have yet to begin: a list through themselves, since they are many. */
export class Brood {
  first: Newborn | undefined = undefined
  private last: Newborn | undefined = undefined

  push(one: Newborn): void {
    if (this.last === undefined) this.first = one
    else this.last.next = one
    this.last = one
  }

  shift(): Newborn {
    const first = this.first as Newborn
    this.first = first.next
    // It may live long, and is not to keep those who came after it.
    first.next = undefined
    if (this.first === undefined) this.last = undefined
    return first
  }
}

export class Broods {
  // Those that are not empty.
  private readonly broods = new Deque<Brood>()
  /** How many were ever born. */
  births = 0

  get isEmpty(): boolean {
    return this.broods.length === 0
  }

  push(one: Newborn, brood: Brood): void {
    one.order = this.births++
    if (brood.first === undefined) this.broods.push(brood)
    brood.push(one)
  }

  /** Takes one of the brood that came last; there is one. */
  takeNewest(): Newborn {
    return this.takeAt(this.broods.length - 1)
  }

  /** Takes the one that waits longest, if it is one of the first so many that were born. */
  takeOldest(births: number): Newborn | undefined {
    let order = births
    let oldest = -1
    for (let i = 0; i < this.broods.length; i++) {
      const { first } = this.broods.at(i) as Brood
      if (first === undefined || first.order >= order) continue
      order = first.order
      oldest = i
    }
    return oldest < 0 ? undefined : this.takeAt(oldest)
  }

  private takeAt(index: number): Newborn {
    const { broods } = this
    const brood = broods.at(index) as Brood
    const one = brood.shift()
    if (brood.first !== undefined) return one
    if (index === broods.length - 1) broods.pop()
    else broods.removeAt(index)
    return one
  }
}
