import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Running } from "../../src/command/internal/running.ts"
import { lossesOf } from "../support/interruptions.ts"

const errors = { gone: "gone", calledOff: "called off" } as const

describe("work that is waited for later", () => {
  it.live("an interrupted wait leaves it as it is, at whichever operation: the outcome is given to the next", () =>
    Effect.gen(function* () {
      const running = new Running<string, never>()
      const process = { id: "{app:processes|0x00001}", scope: yield* Effect.scope }
      let id = yield* running.start(process, process.scope, Effect.succeed("done"))
      const losses = yield* lossesOf(
        Effect.suspend(() => running.await(process, id, errors)),
        (exit) =>
          Effect.gen(function* () {
            const again = yield* Effect.exit(running.await(process, id, errors))
            assert.strictEqual(running.size, 0)
            id = yield* running.start(process, process.scope, Effect.succeed("done"))
            const [given, refused] = Exit.isSuccess(exit) ? [exit, again] : [again, undefined]
            if (refused !== undefined) assert.deepStrictEqual(refused, Exit.fail("gone"))
            return !Exit.isSuccess(given)
          })
      )
      assert.deepStrictEqual(losses, [])
    })
  )

  it.live("of two that wait for it, one is given the outcome, and the other is told", () =>
    Effect.gen(function* () {
      const running = new Running<string, never>()
      const process = { id: "{app:processes|0x00001}", scope: yield* Effect.scope }
      const id = yield* running.start(process, process.scope, Effect.as(Effect.yieldNow, "done"))
      const both = yield* Effect.all(
        [1, 2].map(() => Effect.exit(running.await(process, id, errors))),
        {
          concurrency: "unbounded"
        }
      )
      assert.deepStrictEqual(both.map((exit) => (Exit.isSuccess(exit) ? exit.value : "told")).toSorted(), [
        "done",
        "told"
      ])
      assert.strictEqual(running.size, 0)
    })
  )
})
