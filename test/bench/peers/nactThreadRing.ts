/** The peer nact, a ring of actors around which a message goes. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start, stop } from "nact"
import type { Arm } from "../harness/measure.ts"

/** So many actors, and hops of a message that counts them. */
export const nactThreadRing = (size: number, hops: number): Arm => ({
  name: "nact",
  run: Effect.promise(async () => {
    const system = start()
    let arrived: (hops: number) => void = () => {}
    const ended = new Promise<number>((resolve) => (arrived = resolve))
    const head: Ref<number> = spawn(
      system,
      (_: void, token: number) => (token < hops ? dispatch(next, token + 1) : arrived(token)),
      "0"
    )
    const member = (to: Ref<number>, name: string): Ref<number> =>
      spawn(system, (_: void, token: number) => dispatch(to, token + 1), name)
    let next = head
    for (let i = 1; i < size; i++) next = member(next, String(i))
    const begun = performance.now()
    dispatch(next, 1)
    const made = await ended
    const took = (performance.now() - begun) / 1000
    stop(system)
    return { measured: { hops: hops / took }, proof: { hops: made } }
  })
})
