import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import { connectWith } from "../../src/net/transport/internal/early.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { bytes, served, texts } from "./sockets.ts"
import { transports } from "./transports.ts"

/** The first so many frames. */
const firstOf = (wire: Wire, count: number) =>
  Effect.gen(function* () {
    const came: Array<string> = []
    while (came.length < count) came.push(...(yield* texts(wire)))
    return came
  })

const unix = Effect.map(directory, (folder) => Unix.make({ path: join(folder, "early.sock"), maxFrame: 8 }))

describe("a frame that goes out with the first words", () => {
  for (const { absent, make, name } of transports) {
    // The ends of a worker's port are two objects, of which this one listens alone.
    if (name === "worker") continue
    it.live.skipIf(absent !== undefined)(
      `${name}: comes first, and once${absent === undefined ? "" : `, which needs ${absent}`}`,
      () =>
        Effect.gen(function* () {
          const { next, transport } = yield* served(yield* Effect.orDie(make))
          const wire = yield* connectWith(transport, bytes("first"))
          yield* wire.send(bytes("second"))
          const other = yield* next
          assert.deepStrictEqual(yield* firstOf(other, 2), ["first", "second"])
          yield* other.send(bytes("answer"))
          assert.deepStrictEqual(yield* texts(wire), ["answer"])
        })
    )
  }

  it.live("is refused where it is longer than a frame may be, and nobody is connected to", () =>
    Effect.gen(function* () {
      const { count, transport } = yield* served(yield* unix)
      const error = yield* Effect.flip(connectWith(transport, bytes("nine long")))
      assert(error._tag === "FrameTooLarge")
      assert.deepStrictEqual([error.direction, error.bytes, error.limit], ["out", 9, 8])
      assert.strictEqual(yield* count, 0)
    })
  )

  it.live("goes by the connect of whoever wraps the transport", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(yield* unix)
      const wires: Array<Wire> = []
      const wrapped: Transport = {
        ...transport,
        connect: Effect.tap(transport.connect, (wire) => Effect.sync(() => void wires.push(wire)))
      }
      const wire = yield* connectWith(wrapped, bytes("first"))
      assert.deepStrictEqual(wires, [wire])
      assert.deepStrictEqual(yield* texts(yield* next), ["first"])
    })
  )
})
