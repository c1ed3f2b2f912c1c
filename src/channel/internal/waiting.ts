/**
 * How a select waits: in all of its arms, taking nothing, until it is woken to look again, or a receiver accepts what it
 * offers.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Arm, Waiting } from "./arm.ts"

/** A case of a select: an arm, and what is made of what it yields. */
export interface Entry {
  readonly arm: Arm
  readonly finish: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

/**
 * Waits in all arms, beginning with the first, and takes nothing: goes on with `again` when it is worth to look again, or
 * with what a receiver has decided.
 *
 * One arm serves all cases in which a waiter can be parked; each of the others has one of its own. What comes out of their
 * race is what to do next.
 */
export const wait = (
  entries: ReadonlyArray<Entry>,
  waited: boolean,
  again: Effect.Effect<unknown, unknown, unknown>
): Effect.Effect<unknown, unknown, unknown> => {
  const foreign = entries.flatMap(({ arm }) => (arm.wait === undefined ? [] : [arm.wait]))
  if (foreign.length === 0)
    return Effect.suspend(() => parked(entries, waited, again, (outcome) => outcome, new Decision()))
  return Effect.suspend(() => {
    const decision = new Decision()
    const lookAgain = Effect.suspend(() => (decision.take() ? Effect.succeed(again) : Effect.never))
    return Effect.flatten(
      Effect.raceAll([
        parked(entries, waited, Effect.succeed(again), Effect.succeed, decision),
        ...foreign.map((one) => Effect.andThen(one, lookAgain))
      ])
    )
  })
}

// What the arms of one wait share: whoever takes it says how the wait ends, and nobody else does.
class Decision {
  taken = false

  take(): boolean {
    if (this.taken) return false
    this.taken = true
    return true
  }
}

const parked = <A>(
  entries: ReadonlyArray<Entry>,
  waited: boolean,
  again: Effect.Effect<A, unknown, unknown>,
  decided: (outcome: Effect.Effect<unknown, unknown, unknown>) => Effect.Effect<A, unknown, unknown>,
  decision: Decision
): Effect.Effect<A, unknown, unknown> =>
  Effect.callback<A, unknown, unknown>((resume, interrupted) => {
    // Readiness is checked in the step that parks; between the look and now the fiber may have yielded.
    for (const { arm } of entries) if (arm.isReady()) return decision.take() ? resume(again) : undefined
    const leave: Array<() => void> = []
    let hasWaited = waited
    const stop = () => {
      for (const unpark of leave.splice(0)) unpark()
    }
    const select: Waiting = {
      // What wakes it may be nothing that it selects: then it waits on, without a step of the fiber, on whose stack each
      // further wait would stay until the last one is over.
      wake: () => {
        if (decision.taken) return
        stop()
        hasWaited = true
        if (!entries.some(({ arm }) => arm.isReady())) return parkAll()
        decision.take()
        resume(again)
      },
      isLive: () => !decision.taken && !interrupted.aborted,
      settle: () => {
        decision.take()
      },
      get waited() {
        return hasWaited
      }
    }
    const parkAll = () => {
      for (const { arm, finish } of entries) {
        const decide = (exit: Exit.Exit<unknown, unknown>) => {
          stop()
          resume(decided(finish(exit)))
        }
        const refused = arm.park(select, decide, (unpark) => leave.push(unpark))
        if (refused !== undefined && decision.take()) decide(refused)
        // It may have been woken at once.
        if (decision.taken) return stop()
      }
    }
    parkAll()
    return Effect.sync(stop)
  })
