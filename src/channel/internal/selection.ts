/**
 * How a select decides: it looks at its arms in one step and takes from the first that is ready; if none is, it waits in
 * all of them and takes nothing, until it is woken to look again, or a receiver accepts what it offers.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Arm, Waiting } from "./arm.ts"
import { step } from "./step.ts"

/** A case of a select: an arm, and what is made of what it yields. */
export interface Entry {
  readonly arm: Arm
  readonly finish: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

/**
 * Decides between the entries, beginning to look at `first`; with `otherwise`, which is taken when none is ready, it
 * never waits.
 */
export const select = (
  entries: ReadonlyArray<Entry>,
  first: () => number,
  otherwise: Effect.Effect<unknown> | undefined
): Effect.Effect<unknown, unknown, unknown> => {
  // The cases in the order in which it is their turn.
  const inTurn = (): ReadonlyArray<Entry> => {
    const start = first()
    return start === 0 ? entries : [...entries.slice(start), ...entries.slice(0, start)]
  }
  const look = (): Effect.Effect<unknown, unknown, unknown> | undefined => {
    for (const { arm, finish } of inTurn()) {
      const effect = otherwise === undefined ? arm.poll() : arm.pollLast()
      if (effect !== undefined)
        return Exit.isExit(effect) ? finish(effect) : Effect.flatMap(effect, (a) => finish(Exit.succeed(a)))
    }
    return otherwise
  }
  const foreign = entries.flatMap(({ arm }) => (arm.wait === undefined ? [] : [arm.wait]))
  // One arm serves all cases in which a waiter can be parked; each of the others has one of its own. What comes out of
  // the race is what to do next: its arms take nothing.
  const wait = (): Effect.Effect<unknown, unknown, unknown> =>
    foreign.length === 0
      ? parked(inTurn, selected, (outcome) => outcome)
      : Effect.flatten(
          Effect.raceAll([
            parked(inTurn, Effect.succeed(selected), Effect.succeed),
            ...foreign.map((one) => Effect.as(one, selected))
          ])
        )
  const selected: Effect.Effect<unknown, unknown, unknown> = step(() => look() ?? wait())
  return selected
}

const parked = <A>(
  inTurn: () => ReadonlyArray<Entry>,
  again: Effect.Effect<A, unknown, unknown>,
  decided: (outcome: Effect.Effect<unknown, unknown, unknown>) => Effect.Effect<A, unknown, unknown>
): Effect.Effect<A, unknown, unknown> =>
  Effect.callback<A, unknown, unknown>((resume, interrupted) => {
    // Readiness is checked in the step that parks; between the look and now the fiber may have yielded.
    for (const { arm } of inTurn()) if (arm.isReady()) return resume(again)
    let settled = false
    const leave: Array<() => void> = []
    const stop = () => {
      settled = true
      for (const unpark of leave) unpark()
    }
    const select: Waiting = {
      wake: () => {
        if (settled) return
        stop()
        resume(again)
      },
      isLive: () => !settled && !interrupted.aborted,
      settle: () => {
        settled = true
      }
    }
    for (const { arm, finish } of inTurn()) {
      leave.push(
        arm.park(select, (exit) => {
          stop()
          resume(decided(finish(exit)))
        })
      )
      // It may have been woken at once.
      if (settled) return stop()
    }
    return Effect.sync(stop)
  })
