/**
 * Probabilistic concurrency testing: whoever has the highest rank runs, ranks are drawn at random, and at `depth - 1`
 * random operations the running fiber sinks below all others. A bug that needs `depth` orderings is found with a
 * probability of at least 1 / (n · k^(depth - 1)) a run, for n fibers and k operations. After Burckhardt, Kothari,
 * Musuvathi and Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010).
 */
import type { Lane } from "./Lane.ts"
import { mix, Prng } from "./prng.ts"
import type { Strategy } from "./Strategy.ts"

// Who ran so often in a row while others were ready waits in a loop for one of them, and sinks too.
const Patience = 64

const rank = (lane: Lane): number => lane.owner?.priority ?? 0.5

export const pct = (seed: number, depth: number): Strategy => {
  let runs = 0
  let longest = 32
  return {
    next: () => {
      const own = mix(seed, runs++)
      const prng = new Prng(own)
      const changes = new Set<number>()
      for (let i = 1; i < depth; i++) changes.add(prng.below(longest))
      let operations = 0
      let lowest = 0
      let inRow = 0
      let last: Lane | undefined
      return {
        seed: own,
        choices: {
          appeared: (fiber) => (fiber.priority = prng.next()),
          preempt: (fiber, world) => {
            if (changes.has(operations++)) fiber.priority = --lowest
            return (
              world.ready.some((lane) => lane.owner !== fiber && rank(lane) > fiber.priority) ||
              // Whoever started or resumed this fiber in the present step goes on when it yields.
              world.entered.some((other) => other.priority > fiber.priority && other.alive)
            )
          },
          pick: (world, count) => {
            let best = 0
            for (let i = 1; i < count; i++) {
              if (rank(world.ready[i] as Lane) > rank(world.ready[best] as Lane)) best = i
            }
            const lane = world.ready[best] as Lane
            inRow = lane === last ? inRow + 1 : 0
            last = lane
            if (inRow > Patience && lane.owner !== undefined) lane.owner.priority = --lowest
            return best
          }
        }
      }
    },
    ended: (world) => {
      longest = Math.max(longest, world.operations)
    }
  }
}
