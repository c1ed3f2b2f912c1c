/**
 * Who answers for a process: its supervisor, as the process sees it.
 */
import type * as Exit from "effect/Exit"
import type { DeadLetter, Reason } from "../DeadLetter.ts"
import type { Cell } from "./cell.ts"

export interface Keeper {
  /** The supervising process. */
  readonly parent: Cell
  /**
   * Whether the process, whose body has ended by itself, stays as it is addressed, with its queued messages, to begin
   * again. The keeper lets it begin again or go, later.
   */
  keeps(cell: Cell, exit: Exit.Exit<unknown, unknown>): boolean
  /** What a restart in place does to linked processes: they are told of the exit, or stay linked. */
  readonly links: "break" | "keep"
  /** How many messages are accepted while the process is down. */
  readonly stash: number
  /** Takes the messages that the process never took; `undefined` when they shall be dead letters. */
  readonly onUndelivered: ((reason: Reason, letters: ReadonlyArray<DeadLetter>) => void) | undefined
}
