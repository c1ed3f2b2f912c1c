/**
 * A child that is starting. What comes of it is seen to by its supervisor, whether or not somebody waits for it.
 */
import type * as Exit from "effect/Exit"
import type { Cell } from "../../process/internal/cell.ts"
import { type NotStarted, Start } from "../../process/internal/start.ts"
import type { Pid } from "../../process/Pid.ts"
import type { StartIgnored } from "../../process/StartError.ts"
import type { ChildStartFailed } from "../SupervisorError.ts"

/** Why a child did not come up. */
export type ChildNotStarted = ChildStartFailed | StartIgnored

type Conclude = (exit: Exit.Exit<void, NotStarted>) => Exit.Exit<Pid, ChildNotStarted>

export class ChildStart extends Start<Pid, ChildNotStarted> {
  protected readonly conclude: Conclude

  constructor(cell: Cell, conclude: Conclude) {
    super(cell)
    this.conclude = conclude
  }

  // A supervisor that ends stops its children, those that are starting as well.
  protected onInterrupted(): void {}
}
