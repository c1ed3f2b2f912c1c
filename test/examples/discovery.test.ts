/** The examples of the page on discovery do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/discovery.ts"

describe("docs/examples/concepts about discovery", () => {
  it.live("discovery", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program, {
        found: "1: hello",
        staying: ["1: hello", "2: hello"],
        describing: ["echo"],
        announcing: ["echo"],
        reporting: ["1", "2"],
        explaining: ["acme/Echo@1.2.0: Version", "nobody has announced it"],
        watching: ["Announced 1", "Gone 1"],
        remotely: "1: from afar",
        locally: ["my-stream has started", "UnknownType"],
        inOrder: [["new", "old"], ["other"]]
      })
    })
  )
})
