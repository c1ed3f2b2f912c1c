/**
 * The state that a process shows, as an ordinary `Ref` whose changes can be watched.
 */
import * as MutableRef from "effect/MutableRef"
import * as Ref from "effect/Ref"
import type { Cell } from "./cell.ts"

class Shown {
  private readonly cell: Cell
  private value: unknown

  constructor(cell: Cell, value: unknown) {
    this.cell = cell
    this.value = value
  }

  get current(): unknown {
    return this.value
  }

  set current(value: unknown) {
    this.value = value
    const { inspection } = this.cell
    if (inspection === undefined) return
    // A reference that another one has replaced shows nothing any more.
    const shown: unknown = this.cell.shown?.ref
    if (shown === this) inspection.observe({ _tag: "State", state: value })
  }
}

// A `Ref` reads and writes nothing of its inner reference but `current`.
Object.setPrototypeOf(Shown.prototype, Object.getPrototypeOf(MutableRef.make(undefined)))

/** Has the process show a state, in place of what it showed before. */
export const show = (cell: Cell, initial: unknown): Ref.Ref<unknown> => {
  const ref: Ref.Ref<unknown> = Object.assign(Ref.makeUnsafe(initial), { ref: new Shown(cell, initial) })
  cell.shown = ref
  return ref
}
