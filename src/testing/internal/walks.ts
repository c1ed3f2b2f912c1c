/**
 * The two random strategies without ranks: a plain random walk, and one that favours whoever has most work left.
 */
import type { Lane } from "./Lane.ts"
import { mix, Prng } from "./prng.ts"
import type { Strategy } from "./Strategy.ts"
import type { Tracked } from "./Tracked.ts"

const ignore = (): void => {}

/** Any ready lane with the same chance, and a yield before each operation with a fixed one. */
export const randomWalk = (seed: number, preemption: number): Strategy => {
  let runs = 0
  return {
    next: () => {
      const own = mix(seed, runs++)
      const prng = new Prng(own)
      return {
        seed: own,
        choices: {
          preempt: () => prng.next() < preemption,
          pick: (_, count) => prng.below(count),
          appeared: ignore
        }
      }
    },
    ended: ignore
  }
}

const UnknownWork = 8

/**
 * Each fiber moves with a chance in proportion to the work that it has left, estimated from the runs before: so every
 * interleaving has about the same chance, while a plain random walk hardly ever lets a long fiber lag behind a short one.
 * This is the uniform random walk of Zhao, Wolff, Mathur and Roychoudhury, "Selectively Uniform Concurrency Testing"
 * (ASPLOS 2025).
 */
export const uniformWalk = (seed: number): Strategy => {
  let runs = 0
  // The operations of the fibers of the runs so far, by number: their sum, and how many runs had such a fiber.
  const sums: Array<number> = []
  const counts: Array<number> = []
  const left = (fiber: Tracked | undefined): number => {
    const number = fiber?.number ?? 0
    const expected = (sums[number] ?? UnknownWork) / (counts[number] ?? 1)
    return Math.max(1, expected - (fiber?.operations ?? 0))
  }
  return {
    next: () => {
      const own = mix(seed, runs++)
      const prng = new Prng(own)
      return {
        seed: own,
        choices: {
          preempt: (fiber, world) => {
            let others = 0
            for (const lane of world.ready) others += left(lane.owner)
            // Whoever started or resumed this fiber in the present step goes on when it yields.
            for (const other of world.entered) if (other !== fiber && other.alive) others += left(other)
            return others > 0 && prng.next() * (others + left(fiber)) < others
          },
          pick: (world, count) => {
            let total = 0
            for (let i = 0; i < count; i++) total += left((world.ready[i] as Lane).owner)
            let drawn = prng.next() * total
            for (let i = 0; i < count; i++) {
              drawn -= left((world.ready[i] as Lane).owner)
              if (drawn < 0) return i
            }
            return count - 1
          },
          appeared: ignore
        }
      }
    },
    ended: (world) => {
      for (const { number, operations } of world.fibers) {
        sums[number] = (sums[number] ?? 0) + operations
        counts[number] = (counts[number] ?? 0) + 1
      }
    }
  }
}
