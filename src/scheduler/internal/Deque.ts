/**
 * A queue in a ring: amortised constant time at both ends, no memory while it was never used, and none kept after a
 * burst has passed.
 */

/** Rings of at most this many slots are kept when they run empty; larger ones are given back. */
const KeptSlots = 1024

export class Deque<A> {
  private ring: Array<A | undefined> | undefined = undefined
  // What is in it while there is no ring, which one value does not need.
  private only: A | undefined = undefined
  private head = 0
  length = 0

  push(value: A): void {
    const ring = this.ring
    if (ring === undefined) {
      if (this.length === 0) {
        this.only = value
        this.length = 1
        return
      }
      this.ring = [this.only, value, undefined, undefined]
      this.only = undefined
      this.length = 2
      return
    }
    if (this.length === ring.length) return this.grow().push(value)
    ring[(this.head + this.length) & (ring.length - 1)] = value
    this.length++
  }

  shift(): A | undefined {
    const ring = this.ring
    if (ring === undefined) {
      const value = this.only
      this.only = undefined
      this.length = 0
      return value
    }
    if (this.length === 0) return undefined
    const value = ring[this.head]
    ring[this.head] = undefined
    this.head = (this.head + 1) & (ring.length - 1)
    this.length--
    if (this.length === 0 && ring.length > KeptSlots) this.ring = undefined
    if (this.ring === undefined) this.head = 0
    return value
  }

  pop(): A | undefined {
    const ring = this.ring
    if (ring === undefined) return this.shift()
    if (this.length === 0) return undefined
    const last = (this.head + this.length - 1) & (ring.length - 1)
    const value = ring[last]
    ring[last] = undefined
    this.length--
    if (this.length === 0 && ring.length > KeptSlots) this.ring = undefined
    if (this.ring === undefined) this.head = 0
    return value
  }

  at(index: number): A | undefined {
    const ring = this.ring
    if (index < 0 || index >= this.length) return undefined
    return ring === undefined ? this.only : ring[(this.head + index) & (ring.length - 1)]
  }

  *[Symbol.iterator](): IterableIterator<A> {
    for (let i = 0; i < this.length; i++) yield this.at(i) as A
  }

  /** Removes the value at `index`; the order of the others stays. */
  removeAt(index: number): A | undefined {
    const ring = this.ring
    if (index < 0 || index >= this.length) return undefined
    if (ring === undefined) return this.shift()
    const mask = ring.length - 1
    const value = ring[(this.head + index) & mask]
    for (let i = index; i > 0; i--) {
      ring[(this.head + i) & mask] = ring[(this.head + i - 1) & mask]
    }
    this.shift()
    return value
  }

  /** Removes `value` where it stands first; answers whether it was there. */
  remove(value: A): boolean {
    for (let i = 0; i < this.length; i++) {
      if (this.at(i) === value) {
        this.removeAt(i)
        return true
      }
    }
    return false
  }

  /** Empties the queue and answers what was in it, oldest first. */
  drain(): Array<A> {
    const values: Array<A> = []
    while (this.length > 0) values.push(this.shift() as A)
    return values
  }

  private grow(): this {
    const ring = this.ring as Array<A | undefined>
    const larger = new Array<A | undefined>(ring.length * 2)
    for (let i = 0; i < this.length; i++) larger[i] = ring[(this.head + i) & (ring.length - 1)]
    this.ring = larger
    this.head = 0
    return this
  }
}
