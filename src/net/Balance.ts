/**
 * Which of several instances takes the next invocation.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Instance } from "./Instance.ts"

/**
 * One that could take the next invocation.
 *
 * @category models
 */
export interface Candidate {
  readonly instance: Instance
  /** Its place among all that there have been: it keeps it, and those that come later are behind it. */
  readonly position: number
  /** How many invocations are underway to it. */
  readonly underway: number
}

/**
 * Chooses one of those that could take the next invocation, in the order of their positions; it remembers what it has chosen.
 *
 * **Details**
 *
 * Who is set aside, draining, full or was tried already is no candidate, so that the candidates may be others each time.
 *
 * @category models
 */
export type Choose = <C extends Candidate>(candidates: NonEmptyReadonlyArray<C>) => C

/**
 * A way to balance: begins anew, without a memory of what was chosen, for each invoker.
 *
 * @category models
 */
export type Balance = () => Choose

// The first one behind the one that was chosen last, or the first of all.
const behind = <C extends Candidate>(candidates: NonEmptyReadonlyArray<C>, last: number): C =>
  candidates.find(({ position }) => position > last) ?? candidates[0]

/**
 * One after the other: of n instances, any n invocations in a row go to each of them once.
 *
 * **Example** (Three instances)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Balance, type Instance, InstanceId, Memory, Strategy } from "troupe/net"
 *
 * const candidate = (name: string, position: number) => ({
 *   instance: {
 *     id: new InstanceId.InstanceId({ runtime: "worker", namespace: "images", instance: name }),
 *     strategy: Strategy.of(Memory.make()),
 *     credentials: undefined,
 *     ended: Effect.never
 *   },
 *   position,
 *   underway: 0
 * })
 * const [one, two, three] = [candidate("1", 0), candidate("2", 1), candidate("3", 2)]
 *
 * const choose = Balance.roundRobin()
 * const chosen = [1, 2, 3, 4].map(() => choose([one, two, three]).instance.id.instance)
 * chosen // => ["1", "2", "3", "1"]
 * ```
 *
 * @category constructors
 */
export const roundRobin: Balance = () => {
  let last = -1
  return (candidates) => {
    const chosen = behind(candidates, last)
    last = chosen.position
    return chosen
  }
}

/**
 * In proportion to their weights, and evenly spread: of weights 5, 1 and 1, seven invocations in a row go as a a b a c a a.
 *
 * **Details**
 *
 * - `weightOf`: asked for each choice, so that it may change. One whose weight is not above 0, or no number, gets none while
 *   there is another.
 *
 * It is the smooth weighted round robin of nginx: nothing is left to chance, and over the sum of the weights each instance has
 * exactly its share.
 *
 * **Example** (A large and two small ones)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Balance, InstanceId, Memory, Strategy } from "troupe/net"
 *
 * const candidate = (name: string, position: number) => ({
 *   instance: {
 *     id: new InstanceId.InstanceId({ runtime: "worker", namespace: "images", instance: name }),
 *     strategy: Strategy.of(Memory.make()),
 *     credentials: undefined,
 *     ended: Effect.never
 *   },
 *   position,
 *   underway: 0
 * })
 * const all = [candidate("a", 0), candidate("b", 1), candidate("c", 2)] as const
 *
 * const choose = Balance.weighted(({ id }) => (id.instance === "a" ? 5 : 1))()
 * const chosen = [1, 2, 3, 4, 5, 6, 7].map(() => choose(all).instance.id.instance)
 * chosen.join(" ") // => "a a b a c a a"
 * ```
 *
 * @category constructors
 */
export const weighted =
  (weightOf: (instance: Instance) => number): Balance =>
  () => {
    // How much each one is owed.
    const owed = new WeakMap<Instance, number>()
    return (candidates) => {
      let total = 0
      let best = candidates[0]
      let most = -Infinity
      for (const candidate of candidates) {
        const { instance } = candidate
        const weight = weightOf(instance)
        if (!(weight > 0)) continue
        total += weight
        const now = (owed.get(instance) ?? 0) + weight
        owed.set(instance, now)
        if (now > most) {
          most = now
          best = candidate
        }
      }
      if (total > 0) owed.set(best.instance, most - total)
      return best
    }
  }

/**
 * The one with the fewest invocations underway; of those that have as few, one after the other.
 *
 * @category constructors
 */
export const leastOutstanding: Balance = () => {
  let last = -1
  return (candidates) => {
    const fewest = Math.min(...candidates.map(({ underway }) => underway))
    const [first, ...others] = candidates.filter(({ underway }) => underway === fewest)
    const chosen = first === undefined ? candidates[0] : behind([first, ...others], last)
    last = chosen.position
    return chosen
  }
}
