/**
 * How a select waits: in all of its arms, taking nothing, until it is woken to look again, or a receiver accepts what it
 * offers.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Arm, Waiting } from "./arm.ts"
import { step } from "./step.ts"
import { Wait, waitIn } from "./wait.ts"

/** A case of a select: an arm, and what is made of what it yields. */
export interface Entry {
  readonly arm: Arm
  readonly finish: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

/**
 * To be answered by a step. Waits in all arms, beginning with the first, and takes nothing: goes on with `again` when it is worth to look again, or
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
  const decision = new Decision()
  if (foreign.length === 0) return new ParkedSelect(entries, waited, again, asItIs, decision).begin()
  const lookAgain = Effect.suspend(() => (decision.take() ? Effect.succeed(again) : Effect.never))
  const parked = step(() => new ParkedSelect(entries, waited, Effect.succeed(again), Effect.succeed, decision).begin())
  return Effect.flatten(Effect.raceAll([parked, ...foreign.map((one) => Effect.andThen(one, lookAgain))]))
}

const asItIs = <A>(outcome: A): A => outcome

// What the arms of one wait share: whoever takes it says how the wait ends, and nobody else does.
class Decision {
  taken = false

  take(): boolean {
    if (this.taken) return false
    this.taken = true
    return true
  }
}

class ParkedSelect<A> extends Wait implements Waiting {
  waited: boolean
  private readonly entries: ReadonlyArray<Entry>
  private readonly again: Effect.Effect<A, unknown, unknown>
  private readonly decided: (outcome: Effect.Effect<unknown, unknown, unknown>) => Effect.Effect<A, unknown, unknown>
  private readonly decision: Decision
  private stops: Array<() => void> = []
  private isInterrupted = false
  // How it goes on, where that is known before it waits.
  private outcome: Effect.Effect<A, unknown, unknown> | undefined = undefined

  constructor(
    entries: ReadonlyArray<Entry>,
    waited: boolean,
    again: Effect.Effect<A, unknown, unknown>,
    decided: (outcome: Effect.Effect<unknown, unknown, unknown>) => Effect.Effect<A, unknown, unknown>,
    decision: Decision
  ) {
    super()
    this.entries = entries
    this.waited = waited
    this.again = again
    this.decided = decided
    this.decision = decision
  }

  /** To be answered by a step. Readiness is checked in the step that parks: it may not be the one that has looked. */
  begin(): Effect.Effect<A, unknown, unknown> {
    if (this.isReady) return this.decision.take() ? this.again : waitIn(this)
    this.park()
    return this.outcome ?? waitIn(this)
  }

  // What wakes it may be nothing that it selects: then it waits on, without a step of the fiber, on whose stack each
  // further wait would stay until the last one is over.
  wake(): void {
    if (this.decision.taken) return
    this.unpark()
    this.waited = true
    if (!this.isReady) return this.park()
    this.decision.take()
    this.goOn(this.again)
  }

  isLive(): boolean {
    return !this.decision.taken && !this.isInterrupted
  }

  settle(): void {
    this.decision.take()
  }

  protected onInterrupted(): void {
    this.isInterrupted = true
    this.unpark()
  }

  private get isReady(): boolean {
    return this.entries.some(({ arm }) => arm.isReady())
  }

  private park(): void {
    for (const { arm, finish } of this.entries) {
      const decide = (exit: Exit.Exit<unknown, unknown>) => {
        this.unpark()
        this.goOn(this.decided(finish(exit)))
      }
      const refused = arm.park(this, decide, (unpark) => this.stops.push(unpark))
      if (refused !== undefined && this.decision.take()) decide(refused)
      // It may have been woken at once.
      if (this.decision.taken) return this.unpark()
    }
  }

  private unpark(): void {
    for (const unpark of this.stops.splice(0)) unpark()
  }

  private goOn(effect: Effect.Effect<A, unknown, unknown>): void {
    this.outcome = effect
    this.resume(effect)
  }
}
