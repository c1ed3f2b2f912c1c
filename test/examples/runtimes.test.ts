/** The examples of the page on runtimes do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/runtimes.ts"

describe("docs/examples/concepts about runtimes", () => {
  it.live("runtimes", () =>
    Effect.gen(function* () {
      const { absent, one, replaced, thread } = yield* program
      assert.deepStrictEqual(one, ["process/shouters/1", "unix", "tcp", "HELLO"])
      assert.deepStrictEqual(thread, ["worker/shouters/1", "HELLO FROM A THREAD"])
      assert.strictEqual(absent, "NotFound")
      const [[first, second], [again, other]] = replaced as [[number, number], [number, number]]
      assert.notStrictEqual(again, first)
      assert.strictEqual(other, second)
    })
  )
})
