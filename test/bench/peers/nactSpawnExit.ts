/** The peer nact, actors that begin and end one after the other. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start, stop } from "nact"
import type { Arm } from "../harness/measure.ts"

/** So many actors, each of which stops itself at its first message; the next one is started after that. */
export const nactSpawnExit = (count: number): Arm => ({
  name: "nact",
  run: Effect.promise(async () => {
    const system = start()
    let ended = 0
    let end: () => void = () => {}
    const all = new Promise<void>((resolve) => (end = resolve))
    const child = (_: void, _begin: "begin", { self }: { readonly self: Ref<"begin"> }): void => stop(self)
    const afterStop = (): void => {
      ended++
      if (ended < count) next()
      else end()
    }
    const next = (): void => dispatch(spawn(system, child, String(ended), { afterStop }), "begin")
    const begun = performance.now()
    next()
    await all
    const took = (performance.now() - begun) / 1000
    stop(system)
    return { measured: { processes: count / took }, proof: { ended } }
  })
})
