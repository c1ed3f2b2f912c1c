import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { faults, soak } from "./soak.ts"

it.live(
  "I5 I16 K32 clients that lose their links, and processes that are killed, leave nothing lost, doubled or behind",
  () =>
    Effect.gen(function* () {
      const outcome = yield* soak({ clients: 50, seconds: 3, seed: 1 }, () => Effect.void)
      assert.deepStrictEqual(faults(outcome), [], JSON.stringify(outcome))
      assert.isAbove(outcome.killed, 0)
    }),
  60_000
)
