/**
 * The process that a pid leads to, for what is asked of it from outside.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Pid } from "../Pid.ts"
import { type NoConnection, ProcessNotFound } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import { cellAt } from "./delivery.ts"
import { type End, Far } from "./remote.ts"
import { cellOf, type ProcessHost, withHost } from "./services.ts"

/**
 * As {@link withTarget}, for what can be asked of a process of another node as well: to end, as `how` says.
 */
export const withTargetAnywhere = <A, E, R>(
  pid: Pid,
  how: End,
  f: (cell: Cell, from: Pid | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A | void, E | ProcessNotFound | NoConnection, R | ProcessHost> =>
  withHost((host, fiber): Effect.Effect<A | void, E | ProcessNotFound | NoConnection, R> => {
    const from = cellOf(fiber)?.pid
    const cell = cellAt(host, pid)
    if (cell !== undefined && cell.status !== "ended") return f(cell, from)
    const far = cell === undefined ? Far.at(host.node, pid) : undefined
    return far?.end(how, from, fiber) ?? Exit.fail(new ProcessNotFound({ target: String(pid) }))
  })

/** The process under the pid, and who asks; an `Exit` that `f` answers with is the outcome in the same step. */
export const withTarget = <A, E, R>(
  pid: Pid,
  f: (cell: Cell, from: Pid | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | ProcessNotFound, R | ProcessHost> =>
  withHost((host, fiber): Effect.Effect<A, E | ProcessNotFound, R> => {
    const cell = cellAt(host, pid)
    return cell === undefined || cell.status === "ended"
      ? Exit.fail(new ProcessNotFound({ target: String(pid) }))
      : f(cell, cellOf(fiber)?.pid)
  })
