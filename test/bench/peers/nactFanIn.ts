/** The peer nact, actors that send to one. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start, stop } from "nact"
import type { Arm } from "../harness/measure.ts"
import type { FanIn } from "../rows/fan-in.ts"

/** So many actors, each of which sends its numbers as soon as it is told whom to. */
export const nactFanIn = ({ each, senders }: FanIn): Arm => ({
  name: "nact",
  run: Effect.promise(async () => {
    const messages = senders * each
    const system = start()
    let received = 0
    let end: (sum: number) => void = () => {}
    const ended = new Promise<number>((resolve) => (end = resolve))
    const send = (_: void, to: Ref<number>): void => {
      for (let i = 0; i < each; i++) dispatch(to, i)
    }
    const begun = performance.now()
    const receiver = spawn(system, (sum: number = 0, value: number) => {
      const next = sum + value
      if (++received === messages) end(next)
      return next
    })
    for (let i = 0; i < senders; i++) dispatch(spawn(system, send, String(i)), receiver)
    const sum = await ended
    const took = (performance.now() - begun) / 1000
    stop(system)
    return { measured: { messages: messages / took }, proof: { received, sum } }
  })
})
