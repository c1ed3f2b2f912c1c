/** The examples of the page on transports do what it says. */
import { layer as NodeFileSystemLive } from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/transports.ts"

describe("docs/examples/concepts about transports", () => {
  it.live("transports", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program, {
        over: ["memory: HELLO", "unix: HELLO", "tcp: HELLO"],
        refused: "NotListening",
        closed: "the other side",
        schedules: 200
      })
    }).pipe(Effect.provide(NodeFileSystemLive))
  )
})
