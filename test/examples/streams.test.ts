/** The examples of the page on streams do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/streams.ts"

describe("docs/examples/concepts about streams", () => {
  it.live("streams", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program, {
        receiving: ["1: message 1, true", "2: message 2, true"],
        consuming: [
          ["text", "message 1"],
          ["text", "message 2"],
          ["text", "message 3"]
        ],
        goingOn: ["message 41", "message 42"],
        measuring: true
      })
    })
  )
})
