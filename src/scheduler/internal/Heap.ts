/**
 * A binary heap: the value that comes before all others is at hand. One that comes last of all is pushed in constant time,
 * any other one, and each that is taken, in logarithmic time.
 */
export class Heap<A> {
  // The values at 2i + 1 and 2i + 2 do not come before the one at i.
  private values: Array<A> = []
  private readonly precedes: (left: A, right: A) => boolean

  constructor(precedes: (left: A, right: A) => boolean) {
    this.precedes = precedes
  }

  get length(): number {
    return this.values.length
  }

  get first(): A | undefined {
    return this.values[0]
  }

  push(value: A): void {
    const { values } = this
    let at = values.length
    values.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const other = values[parent] as A
      if (!this.precedes(value, other)) break
      values[at] = other
      at = parent
    }
    values[at] = value
  }

  shift(): A | undefined {
    const { values } = this
    const first = values[0]
    const last = values.pop()
    if (values.length > 0) this.sink(last as A)
    return first
  }

  /** Keeps the values that match, and no others. */
  retain(matches: (value: A) => boolean): void {
    const values = this.values.filter(matches)
    this.values = []
    for (const value of values) this.push(value)
  }

  // Puts the value to its place, from the top down.
  private sink(value: A): void {
    const { values } = this
    let at = 0
    while (true) {
      let child = 2 * at + 1
      if (child >= values.length) break
      if (child + 1 < values.length && this.precedes(values[child + 1] as A, values[child] as A)) child++
      if (!this.precedes(values[child] as A, value)) break
      values[at] = values[child] as A
      at = child
    }
    values[at] = value
  }
}
