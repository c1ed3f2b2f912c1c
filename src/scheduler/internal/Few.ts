/**
 * A set that nearly always has one member, such as those who watch a process: it has no table before there are two.
 */
export class Few<A> {
  private first: A | undefined = undefined
  private others: Set<A> | undefined = undefined

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

  /** In the order in which they came; who is deleted meanwhile does not come. */
  *[Symbol.iterator](): IterableIterator<A> {
    if (this.first !== undefined) yield this.first
    if (this.others !== undefined) yield* this.others
  }
}
