/** The peer nact: actors of plain JavaScript. */
import { Effect } from "effect"
import { dispatch, query, type Ref, spawn, start, stop } from "nact"
import type { Load } from "../rows/call-reply.ts"
import type { Arm } from "../harness/measure.ts"

type Asked = { readonly n: number; readonly replyTo: Ref<number> } | { readonly sum: Ref<number> }

const timeout = 5000

/** An actor that answers each number with the next one, and knows the sum of all that it was asked. */
export const nact = ({ callers, calls }: Load): Arm => ({
  name: "nact",
  run: Effect.promise(async () => {
    const system = start()
    const adder = spawn(
      system,
      (sum: number = 0, asked: Asked) => {
        if ("sum" in asked) {
          dispatch(asked.sum, sum)
          return sum
        }
        dispatch(asked.replyTo, asked.n + 1)
        return sum + asked.n
      },
      "adder"
    )
    const inTurn = async (times: number): Promise<number> => {
      let answered = 0
      for (let n = 0; n < times; n++) {
        if ((await query(adder, (replyTo: Ref<number>): Asked => ({ n, replyTo }), timeout)) === n + 1) answered++
      }
      return answered
    }
    const begun = performance.now()
    const answers = await Promise.all(Array.from({ length: callers }, () => inTurn(calls / callers)))
    const took = (performance.now() - begun) / 1000
    const sum = await query(adder, (replyTo: Ref<number>): Asked => ({ sum: replyTo }), timeout)
    stop(system)
    return { measured: { calls: calls / took }, proof: { answered: answers.reduce((a, b) => a + b, 0), sum } }
  })
})
