/**
 * Makes a failing schedule plainer: fewer departures from the plain order, as long as the fault stays the same. This is
 * delta debugging: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE TSE, 2002).
 */
import { exhaustive } from "./exhaustive.ts"
import type { Lane } from "./Lane.ts"
import { complete, type Run } from "./run.ts"
import type { Departure, Schedule } from "./schedule.ts"
import type { Choices } from "./Strategy.ts"
import { verdictOf } from "./verdict.ts"
import { type Mark, mark } from "./World.ts"

const MaxAttempts = 1000
const MaxSteps = 1_000_000

/** A schedule with so few departures is as plain as can be; for one with more, so many of the plainest are tried. */
const Plain = 1
const Plainest = 500

const following = (marks: ReadonlyArray<Mark>): Choices => {
  const left = new Set(marks)
  return {
    preempt: (fiber) => left.delete(mark(fiber, true)),
    pick: (world, count) => {
      for (let i = 1; i < count; i++) if (left.delete(mark((world.ready[i] as Lane).owner, false))) return i
      return 0
    },
    appeared: () => {}
  }
}

/** The first of the plainest schedules there are that shows the fault. */
const plainest = ({ subject, world }: Run, key: string): ReadonlyArray<Departure> | undefined => {
  const strategy = exhaustive(world.seed, 2)
  for (let i = 0, steps = 0; i < Plainest && steps < MaxSteps; i++) {
    const next = strategy.next()
    if (next === undefined) return undefined
    const run = complete(subject, next.choices, next.seed)
    steps += run.world.steps
    strategy.ended(run.world)
    if (verdictOf(run)?.key === key) return run.world.departures
  }
  return undefined
}

/** The plainest schedule that shows the fault `key`, as far as was tried, beginning with that of a run. */
export const shrink = (begun: Run, key: string): Schedule => {
  const { subject, world } = begun
  const { seed } = world
  let best: ReadonlyArray<Mark> = world.marks
  let departures = world.departures
  let attempts = 0
  let steps = 0
  const mayGoOn = (): boolean => attempts < MaxAttempts && steps < MaxSteps

  /** Takes over what the candidate came to, if it shows the same fault with fewer departures. */
  const accept = (candidate: ReadonlyArray<Mark>): boolean => {
    attempts++
    const run = complete(subject, following(candidate), seed)
    steps += run.world.steps
    if (run.world.marks.length >= best.length || verdictOf(run)?.key !== key) return false
    best = run.world.marks
    departures = run.world.departures
    return true
  }

  if (best.length > 0 && accept([])) return { seed, departures }
  let size = Math.ceil(best.length / 2)
  while (size >= 1 && mayGoOn()) {
    let shrunk = false
    // From the end: what comes late depends on what comes early, and not the other way round.
    for (let end = best.length; end > 0 && mayGoOn(); end -= size) {
      const from = Math.max(0, end - size)
      if (accept([...best.slice(0, from), ...best.slice(end)])) shrunk = true
    }
    if (size === 1 && !shrunk) break
    size = size === 1 ? 1 : Math.ceil(size / 2)
  }
  const found = departures.length > Plain ? plainest(begun, key) : undefined
  return { seed, departures: found !== undefined && found.length < departures.length ? found : departures }
}
