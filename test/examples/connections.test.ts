/** The examples of the page on connections do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/connections.ts"

describe("docs/examples/concepts about connections", () => {
  it.live("connections", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program, {
        ordering: [2, "OutOfStock"],
        retrying: 2,
        viewing: ["tea", "coffee", "cups"],
        watching: [3.2, 3.1],
        chatting: ["hello", Uint8Array.of(1, 2, 3)],
        following: { first: "Connected", last: "Closed", by: "loss", reconnects: 0 },
        losing: [2, "make a new connection"],
        newsroom: [1, "Rain, later more rain"]
      })
    })
  )
})
