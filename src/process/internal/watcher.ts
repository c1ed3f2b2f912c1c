/**
 * Who learns of the end of a process, once: a monitor, a wait, a call.
 */
import type * as Exit from "effect/Exit"
import type { Cell } from "./cell.ts"

export interface Watcher {
  onExit(cell: Cell, exit: Exit.Exit<unknown, unknown>): void
  /** The body has ended, and another one takes over what is queued. */
  onRestart?(cell: Cell, exit: Exit.Exit<unknown, unknown>): void
}

/** What a process keeps that watches another. */
export interface Watch {
  callOff(): void
}
