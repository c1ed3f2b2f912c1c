/**
 * The way into a process for what looks into it.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Pid } from "../Pid.ts"
import type { ProcessNotFound } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import { Inspection } from "./inspection.ts"
import type { ProcessHost } from "./services.ts"
import { withTarget } from "./target.ts"

/** What looks into the process under the pid: made when it is first needed. */
export const inspected = <A>(
  pid: Pid,
  f: (inspection: Inspection, cell: Cell) => Exit.Exit<A>
): Effect.Effect<A, ProcessNotFound, ProcessHost> =>
  withTarget(pid, (cell) => {
    const inspection = (cell.inspection ??= new Inspection(cell))
    const exit = f(inspection, cell)
    inspection.leaveIfUnused()
    return exit
  })
