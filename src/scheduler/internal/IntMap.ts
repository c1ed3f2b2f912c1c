/**
 * A map of whole numbers that come and go quickly, such as those of requests: open addressing with linear probing, and
 * deletion that shifts back (Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm R).
 *
 * The engine's own `Map` makes a new table now and then, however few entries there are, and the old one refers to it. Once an
 * old table has outlived the young generation, all that was ever in those that followed is kept until the next full
 * collection. This one keeps its table, and no entry that was deleted.
 */

// At this size there is room for the requests of most connections.
const FewSlots = 8

/** Tables of at most this many slots are kept when they run empty; larger ones are given back. */
const KeptSlots = 4096

const free = -1

// Of all that have no table: nothing is ever put into it.
const none: Array<never> = []

export class IntMap<A> {
  private keys: Array<number> = none
  private entries: Array<A | undefined> = none
  private mask = -1
  private shift = 0
  size = 0

  get(key: number): A | undefined {
    return this.size === 0 ? undefined : this.entries[this.slotOf(key)]
  }

  has(key: number): boolean {
    return this.size > 0 && this.keys[this.slotOf(key)] === key
  }

  /** `key`: a whole number from 0 on. */
  set(key: number, value: A): void {
    if (this.size * 2 > this.mask) this.grow()
    const slot = this.slotOf(key)
    if (this.keys[slot] === free) {
      this.keys[slot] = key
      this.size++
    }
    this.entries[slot] = value
  }

  /** Answers whether it was there. */
  delete(key: number): boolean {
    if (!this.has(key)) return false
    const { entries, keys, mask } = this
    let gap = this.slotOf(key)
    // Whatever would not be found any more moves into the gap.
    for (let slot = (gap + 1) & mask; keys[slot] !== free; slot = (slot + 1) & mask) {
      const home = this.homeOf(keys[slot] as number)
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue
      keys[gap] = keys[slot] as number
      entries[gap] = entries[slot]
      gap = slot
    }
    keys[gap] = free
    entries[gap] = undefined
    if (--this.size === 0 && mask >= KeptSlots) this.clear()
    return true
  }

  clear(): void {
    this.keys = none
    this.entries = none
    this.mask = -1
    this.size = 0
  }

  /** What there is now, by ascending key. */
  *[Symbol.iterator](): IterableIterator<[number, A]> {
    const keys = this.keys.filter((key) => key !== free).toSorted((left, right) => left - right)
    // What is deleted meanwhile does not come.
    for (const key of keys) if (this.has(key)) yield [key, this.get(key) as A]
  }

  /** Those of what there is now, likewise. */
  values(): Iterable<A> {
    return this.size === 0 ? none : this.each()
  }

  private *each(): IterableIterator<A> {
    for (const [, value] of this) yield value
  }

  // Where the key is, or is to be.
  private slotOf(key: number): number {
    const { keys, mask } = this
    let slot = this.homeOf(key)
    while (keys[slot] !== key && keys[slot] !== free) slot = (slot + 1) & mask
    return slot
  }

  // Far from those of its neighbours: of numbers that follow each other and stay, no long run of slots is taken, at which those
  // that come later would have to pass by (Fibonacci hashing: Knuth, 6.4).
  private homeOf(key: number): number {
    return Math.imul(key, 0x9e3779b1) >>> this.shift
  }

  private grow(): void {
    const { entries, keys } = this
    const slots = Math.max(FewSlots, (this.mask + 1) * 2)
    this.keys = new Array<number>(slots).fill(free)
    this.entries = new Array<A | undefined>(slots).fill(undefined)
    this.mask = slots - 1
    this.shift = Math.clz32(this.mask)
    this.size = 0
    for (let slot = 0; slot < keys.length; slot++) {
      if (keys[slot] !== free) this.set(keys[slot] as number, entries[slot] as A)
    }
  }
}
