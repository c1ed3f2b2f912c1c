/**
 * Which processes are supervisors.
 */
import type { Cell } from "../../process/internal/cell.ts"
import type { SupervisorImpl } from "./SupervisorImpl.ts"

const supervisors = new WeakMap<Cell, SupervisorImpl>()

export const register = (cell: Cell, supervisor: SupervisorImpl): void => {
  supervisors.set(cell, supervisor)
}

export const supervisorOf = (cell: Cell): SupervisorImpl | undefined => supervisors.get(cell)
