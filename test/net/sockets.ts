/**
 * What the tests of the transports over sockets have in common.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Wire } from "../../src/net/Transport.ts"
import { SocketWire } from "../../src/net/transport/node/internal/SocketWire.ts"

/** Destroys the socket beneath a wire, as the end of its program does. */
export const lose = (wire: Wire) =>
  Effect.sync(() => {
    assert.instanceOf(wire, SocketWire)
    wire["socket"].destroy()
  })
