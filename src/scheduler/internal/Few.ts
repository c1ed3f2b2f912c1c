/**
 * A set that nearly always has one member, such as those who watch a process: it has no table before there are two.
 */
export class Few<A> implements Iterable<A> {
  /** The member that is in no table. */
  first: A | undefined = undefined
  /** Those who came while there was one. */
  others: Set<A> | undefined = undefined

  get size(): number {
    return (this.first === undefined ? 0 : 1) + (this.others?.size ?? 0)
  }

  add(one: A): void {
    if (this.first === one) return
    // Whoever comes later stands behind those who are there.
    if (this.first !== undefined || (this.others !== undefined && this.others.size > 0)) {
      ;(this.others ??= new Set()).add(one)
    } else {
      this.first = one
    }
  }

  delete(one: A): void {
    if (this.first === one) this.first = undefined
    else this.others?.delete(one)
  }

  /** In the order in which they came, those too who come meanwhile; who is deleted meanwhile does not. */
  [Symbol.iterator](): IterableIterator<A> {
    return new Members(this)
  }
}

// An iterator, and its own result: a generator would be the greater part of what it costs to go through one member.
class Members<A> implements IterableIterator<A> {
  done = false
  private readonly few: Few<A>
  private current: A | undefined = undefined
  private hasBegun = false
  private others: Iterator<A> | undefined = undefined

  constructor(few: Few<A>) {
    this.few = few
  }

  // A member, until it is done.
  get value(): A {
    return this.current as A
  }

  next(): this {
    const { first, others } = this.few
    if (!this.hasBegun) {
      this.hasBegun = true
      this.current = first
      if (first !== undefined) return this
    }
    const next = others === undefined ? undefined : (this.others ??= others.values()).next()
    this.done = next === undefined || next.done === true
    this.current = next?.value
    return this
  }

  [Symbol.iterator](): this {
    return this
  }
}
