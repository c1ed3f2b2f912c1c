/** Benchmarks of the Savina suite in nact. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start, stop } from "nact"
import type { Arm, Run } from "../harness/measure.ts"
import { next } from "../harness/random.ts"

type Settle = (proof: Run["proof"]) => void

/** An arm that sets its actors up, and times what they do from then on until they have settled what they did. */
const nact = (metric: string, count: number, setUp: (system: ReturnType<typeof start>, settle: Settle) => () => void) =>
  ({
    name: "nact",
    run: Effect.promise(async () => {
      const system = start()
      let begun = 0
      const proof = await new Promise<Run["proof"]>((settle) => {
        const begin = setUp(system, settle)
        begun = performance.now()
        begin()
      })
      const took = (performance.now() - begun) / 1000
      stop(system)
      return { measured: { [metric]: count / took }, proof }
    })
  }) satisfies Arm

interface Ball {
  readonly topic: "start" | "ping" | "pong"
  readonly from: number
}

/** Actors that ping others at random, and answer their pings. */
export const nactBig = (members: number, each: number): Arm =>
  nact("pings", members * each, (system, settle) => {
    let done = 0
    const returned = { returned: 0, sum: 0 }
    const sink = spawn(
      system,
      (_: undefined, { count, sum }: { readonly count: number; readonly sum: number }) => {
        returned.returned += count
        returned.sum += sum
        if (++done === members) settle(returned)
      },
      "sink"
    )
    const refs: Array<Ref<Ball>> = []
    const member = (number: number) => {
      let random = number
      let count = 0
      let sum = 0
      return (_: undefined, { from, topic }: Ball) => {
        if (topic === "ping") {
          dispatch(refs[from]!, { topic: "pong", from: number })
          return
        }
        if (topic === "pong") {
          count++
          sum += from
        }
        if (count === each) {
          dispatch(sink, { count, sum })
          return
        }
        random = next(random)
        dispatch(refs[(number + 1 + (random % (members - 1))) % members]!, { topic: "ping", from: number })
      }
    }
    for (let number = 0; number < members; number++) refs.push(spawn(system, member(number), `member-${number}`))
    return () => {
      for (const ref of refs) dispatch(ref, { topic: "start", from: 0 })
    }
  })
