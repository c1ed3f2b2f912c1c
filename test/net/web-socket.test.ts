import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { it } from "troupe/testing/vitest"
import type { Wire } from "../../src/net/Transport.ts"
import { WebSocketWire } from "../../src/net/transport/node/internal/WebSocketWire.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"

const url = "ws://127.0.0.1:0/wire"
const maxFrame = 64 * 1024

const socketOf = (wire: Wire) => {
  assert.instanceOf(wire, WebSocketWire)
  return wire["webSocket"]
}

it.conforms("websocket", {
  make: Effect.sync(() => WebSocket.make({ url, maxFrame })),
  lose: (wire) => Effect.sync(() => socketOf(wire).terminate()),
  withMaxFrame: ({ address }, maxFrame) => WebSocket.make({ url: address, maxFrame })
})
