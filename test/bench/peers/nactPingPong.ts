/** The peer nact, two actors: a message goes back and forth. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start, stop } from "nact"
import type { Arm } from "../harness/measure.ts"

/** So many round trips between two actors. */
export const nactPingPong = (roundTrips: number): Arm => ({
  name: "nact",
  run: Effect.promise(async () => {
    const system = start()
    let returned = 0
    let end: () => void = () => {}
    const ended = new Promise<void>((resolve) => (end = resolve))
    const ponger: Ref<number> = spawn(system, (_: void, ball: number) => dispatch(pinger, ball))
    const pinger: Ref<number> = spawn(system, (expected: number = 0, ball: number) => {
      if (ball === expected) returned++
      const next = expected + 1
      if (next < roundTrips) dispatch(ponger, next)
      else end()
      return next
    })
    const begun = performance.now()
    dispatch(ponger, 0)
    await ended
    const took = (performance.now() - begun) / 1000
    stop(system)
    return { measured: { "round trips": roundTrips / took }, proof: { returned } }
  })
})
