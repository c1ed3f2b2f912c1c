/** The peer nact, very many actors that wait; each gets a message, and stops. */
import { Effect } from "effect"
import { dispatch, type Ref, spawn, start as startSystem, stop } from "nact"
import { type Arm, heapUsed } from "../harness/measure.ts"

/** So many actors of one system. */
export const nactMillion = (count: number): Arm => ({
  name: "nact",
  run: Effect.gen(function* () {
    const system = startSystem()
    const actors: Array<Ref<"tick">> = []
    let sent = 0
    let received = 0
    let live = 0
    let end: () => void = () => {}
    const ended = new Promise<void>((resolve) => (end = resolve))
    const parked = (_: void, _tick: "tick", { self }: { readonly self: Ref<"tick"> }): void => {
      received++
      stop(self)
    }
    const afterStop = (): void => {
      if (--live === 0) end()
    }
    const before = yield* heapUsed
    const begun = performance.now()
    for (; live < count; live++) actors.push(spawn(system, parked, String(live), { afterStop }))
    const started = performance.now()
    const memory = (yield* heapUsed) - before
    const sending = performance.now()
    for (; sent < count; sent++) dispatch(actors[sent]!, "tick")
    const all = performance.now()
    yield* Effect.promise(() => ended)
    const over = performance.now()
    stop(system)
    const measured = {
      memory: memory / count,
      start: (started - begun) / 1000,
      send: (all - sending) / 1000,
      end: (over - all) / 1000,
      "send and end": (over - sending) / 1000
    }
    return { measured, proof: { sent, received, live } }
  })
})
