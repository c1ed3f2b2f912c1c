/** The examples of the page on invocations do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/invocation.ts"

describe("docs/examples/concepts about invocations", () => {
  it.live("invocation", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program, {
        invoking: [Uint8Array.of(1, 2), "Unreadable"],
        executing: ["one", "0"],
        failing: "try again later: 0 instances, and none is well",
        balancing: ["large", "large", "small", "large"],
        watching: { state: "SetAside", without: ["two", "two"], again: ["one", "two"] },
        stopping: ["two", "two", "two", "InvokerClosed"]
      })
    })
  )
})
