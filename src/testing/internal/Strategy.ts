/**
 * How the explorer decides: who of those that are ready runs next, and before which operation a fiber yields.
 */
import type { Schedule } from "./schedule.ts"
import type { Tracked } from "./Tracked.ts"
import type { World } from "./World.ts"

/** Decides for one run. */
export interface Choices {
  /** Whether the fiber yields before its next operation. */
  preempt(fiber: Tracked, world: World): boolean
  /** Which of the first `count` ready lanes of the world runs next; asked only where there are two or more. */
  pick(world: World, count: number): number
  /** A fiber has appeared. */
  appeared(fiber: Tracked): void
}

/** Decides for the runs of one exploration. */
export interface Strategy {
  /** The choices for the next run and the seed of its randomness; `undefined` when every run was made. */
  next(): { readonly choices: Choices; readonly seed: number } | undefined
  /** The run that was begun last has ended. */
  ended(world: World): void
}

const nothing = (): void => {}

/** Follows a schedule; where it says nothing, the order is the plain one. */
export const follow = ({ departures }: Schedule): Choices => {
  let position = 0
  let point = -1
  const option = (count: number): number => {
    point++
    const departure = departures[position]
    if (departure === undefined || departure.at !== point) return 0
    position++
    return Math.min(departure.option, count - 1)
  }
  return {
    preempt: () => option(2) === 1,
    pick: (_, count) => option(count),
    appeared: nothing
  }
}

/** One run: the given one. */
export const replay = (schedule: Schedule): Strategy => {
  let runs = 0
  return {
    next: () => (runs++ === 0 ? { choices: follow(schedule), seed: schedule.seed } : undefined),
    ended: nothing
  }
}
