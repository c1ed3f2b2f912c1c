/**
 * What a process takes as the answer of a command: a recording has it as that answer, and not as something that came by
 * itself.
 */
import type * as Exit from "effect/Exit"
import { type Selectable, TypeId } from "../../channel/Selectable.ts"
import type { Cell } from "../../process/internal/cell.ts"

export const answering = <A, E>(cell: Cell, source: Selectable<A, E>): Selectable<A, E> => ({
  [TypeId]: TypeId,
  isReadyUnsafe: () => source.isReadyUnsafe(),
  pollUnsafe: (): Exit.Exit<A, E> | undefined => {
    cell.isAnswering = true
    const exit = source.pollUnsafe()
    cell.isAnswering = false
    return exit
  },
  parkUnsafe: (waiter) => source.parkUnsafe(waiter),
  unparkUnsafe: (waiter) => source.unparkUnsafe(waiter)
})
