/** Many children: each can be found, none is left, and those that are gone leave nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
import { heapUsed } from "../support/heap.ts"
import { sized } from "../support/both.ts"
import { stage } from "../support/supervised.ts"

const Idle = Process.make("test:idle", { args: Schema.Unknown })
const IdleLive = Idle.toLayer((args) => (args === undefined ? Effect.never : Effect.void))

describe("a supervisor of many", () => {
  sized("S33 starts, finds and stops each of its children", { full: 10_000, explored: 5 }, (size) =>
    Effect.gen(function* () {
      for (const strategy of ["dynamic", "one_for_one"] as const) {
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy }))
        for (let id = 0; id < size; id++) {
          yield* Supervisor.startChild(tree, ChildSpec.make(Idle, undefined, { id: String(id) }))
        }
        assert.deepStrictEqual(yield* Supervisor.count(tree), {
          specs: size,
          active: size,
          supervisors: 0,
          workers: size
        })
        for (let id = 0; id < size; id++)
          assert.strictEqual((yield* Supervisor.find(tree, String(id))).state, "running")
        yield* Supervisor.stop(tree)
        assert.deepStrictEqual(yield* ProcessHost.list(), [])
      }
    }).pipe(Effect.provide([IdleLive, stage]))
  )

  it.live("S32 keeps nothing of temporary children that have ended", () =>
    Effect.gen(function* () {
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { strategy: "dynamic" }))
      const run = Effect.fnUntraced(function* (times: number) {
        for (let n = 0; n < times; n++) {
          const args = new Uint8Array(100_000).fill(n)
          yield* Supervisor.startChild(
            tree,
            ChildSpec.make(Idle, Array.from(args.subarray(0, 12_500)), { restart: "temporary" })
          )
        }
        while ((yield* Supervisor.count(tree)).specs > 0) yield* Effect.sleep(1)
      })
      yield* run(100)
      const before = yield* heapUsed
      yield* run(1000)
      assert.isBelow((yield* heapUsed) - before, 1024 * 1024)
    }).pipe(Effect.provide([IdleLive, stage]))
  )
})
