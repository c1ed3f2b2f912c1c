/** The peer nact, a tree of actors whose leaves send their numbers up. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start, stop } from "nact"
import type { Arm } from "../harness/measure.ts"

type Told = "begin" | number

/** What an actor has heard of its children. */
interface Heard {
  readonly answers: number
  readonly sum: number
}

/** A tree of so many leaves, and children to a node; an actor stops when it has told its parent. */
export const nactSkynet = (leaves: number, fanOut: number): Arm => ({
  name: "nact",
  run: Effect.promise(async () => {
    const system = start()
    let end: (sum: number) => void = () => {}
    const ended = new Promise<number>((resolve) => (end = resolve))
    const root = spawn(system, (_: void, told: Told) => end(Number(told)), "root")
    const node = (parent: Ref<Told>, name: string, first: number, size: number): void => {
      const report = (self: Ref<Told>, sum: number): void => {
        dispatch(parent, sum)
        stop(self)
      }
      const hear = (heard: Heard | undefined, told: Told, { self }: { readonly self: Ref<Told> }): Heard => {
        const { answers, sum } = heard ?? { answers: 0, sum: 0 }
        if (told === "begin") {
          const part = size / fanOut
          if (size === 1) report(self, first)
          else for (let i = 0; i < fanOut; i++) node(self, String(i), first + i * part, part)
          return { answers, sum }
        }
        const next = { answers: answers + 1, sum: sum + told }
        if (next.answers === fanOut) report(self, next.sum)
        return next
      }
      dispatch(spawn(parent, hear, name), "begin")
    }
    const begun = performance.now()
    node(root, "0", 0, leaves)
    const sum = await ended
    const took = (performance.now() - begun) / 1000
    stop(system)
    return { measured: { time: took }, proof: { sum } }
  })
})
