/**
 * Every interleaving with at most so many preemptions: first all without any, then all with one, and so on, each depth
 * first. Most bugs need one or two: Musuvathi and Qadeer, "Iterative Context Bounding for Systematic Testing of
 * Multithreaded Programs" (PLDI 2007).
 */
import type { Departure } from "./schedule.ts"
import { type Choices, follow, type Strategy } from "./Strategy.ts"

const Preemption = -1

/** A run that was made: the runs that depart from it after its last departure are still to be made. */
interface Node {
  readonly departures: ReadonlyArray<Departure>
  /** What there was to choose at each point: `Preemption`, or the number of lanes. */
  readonly points: ReadonlyArray<number>
  /** Whether its children depart by a preemption, or by picking another lane. */
  readonly preempting: boolean
  at: number
  option: number
}

export interface Exhaustive extends Strategy {
  /** Whether every run was made. */
  readonly complete: () => boolean
}

const nextChild = (node: Node): ReadonlyArray<Departure> | undefined => {
  const first = (node.departures.at(-1)?.at ?? -1) + 1
  for (; node.at >= first; node.at--, node.option = 1) {
    const kind = node.points[node.at] as number
    const options = node.preempting ? (kind === Preemption ? 2 : 1) : kind
    if (node.option < options) return [...node.departures, { at: node.at, option: node.option++ }]
  }
  return undefined
}

export const exhaustive = (seed: number, preemptions: number): Exhaustive => {
  /** The nodes by how many preemptions their children have. */
  const stacks: Array<Array<Node>> = Array.from({ length: preemptions + 1 }, () => [])
  let level = 0
  let points: Array<number> = []
  let next: ReadonlyArray<Departure> | undefined = []

  const find = (): ReadonlyArray<Departure> | undefined => {
    for (; level <= preemptions; level++) {
      const stack = stacks[level] as Array<Node>
      for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
        const child = nextChild(node)
        if (child !== undefined) return child
        stack.pop()
      }
    }
    return undefined
  }

  const recording = (departures: ReadonlyArray<Departure>): Choices => {
    const inner = follow({ seed, departures })
    const seen: Array<number> = []
    points = seen
    return {
      preempt: (fiber, world) => {
        seen.push(Preemption)
        return inner.preempt(fiber, world)
      },
      pick: (world, count) => {
        seen.push(count)
        return inner.pick(world, count)
      },
      appeared: () => {}
    }
  }

  return {
    next: () => (next === undefined ? undefined : { choices: recording(next), seed }),
    ended: ({ departures }) => {
      const node = { departures: [...departures], points, at: points.length - 1, option: 1 }
      stacks[level]?.push({ ...node, preempting: false })
      stacks[level + 1]?.push({ ...node, preempting: true })
      next = find()
    },
    complete: () => next === undefined
  }
}
