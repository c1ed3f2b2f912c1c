/**
 * Calls that wait for themselves: a process calls another, which waits in turn, by way of others maybe, for the first.
 */
import type { Call } from "./call.ts"
import type { Cell } from "./cell.ts"

/**
 * The names of the processes around which the call waits for itself, from its caller on and back to it; `undefined` when it
 * does not.
 *
 * It is looked for when a call has timed out, from who waits now: nothing is kept for it. Where each call on the way round has
 * been taken, processes handle calls side by side, and what is slow is something else.
 */
export const cycleOf = (call: Call): ReadonlyArray<string> | undefined => {
  const { callee, caller } = call
  if (caller === undefined) return undefined
  const round = wayFrom(callee, caller)
  if (round === undefined || [call, ...round].every(({ isTaken }) => isTaken)) return undefined
  return [caller, callee, ...round.map((next) => next.callee)].map(({ name }) => name)
}

/** The calls by which one process waits for another. */
const wayFrom = (from: Cell, to: Cell): ReadonlyArray<Call> | undefined => {
  // Of each process that waits for `to`, the call that leads there.
  const leads = new Map<Cell, Call>()
  const ends = [to]
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    for (const call of end.calls?.all ?? []) {
      const { caller } = call
      if (caller === undefined || leads.has(caller)) continue
      leads.set(caller, call)
      ends.push(caller)
    }
  }
  const way: Array<Call> = []
  for (let at = from; at !== to || way.length === 0;) {
    const call = leads.get(at)
    if (call === undefined) return undefined
    way.push(call)
    at = call.callee
  }
  return way
}
