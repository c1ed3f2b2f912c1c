/** The examples of the page on nodes do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { program } from "../../docs/examples/concepts/nodes.ts"
import { directory } from "../support/files.ts"

describe("docs/examples/concepts about nodes", () => {
  it.live("nodes", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program(join(yield* directory, "exchange.sock")), {
        asked: [12.5, "there is no NONE"],
        followed: [12.5, 0, "exchange"],
        watched: ["NoConnection", "NoConnection"]
      })
    })
  )
})
