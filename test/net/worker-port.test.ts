import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { MessageChannel } from "node:worker_threads"
import { it } from "troupe/testing/vitest"
import { type Transport, TypeId, type Wire } from "../../src/net/Transport.ts"
import { PortWire } from "../../src/net/transport/node/internal/PortWire.ts"
import * as WorkerPort from "../../src/net/transport/node/WorkerPort.ts"

const maxFrame = 64 * 1024

/** Both ends of a channel as one transport: who listens has the one, who connects the other. */
const both = (near: Transport, far: Transport): Transport => ({
  [TypeId]: TypeId,
  name: near.name,
  address: near.address,
  connect: far.connect,
  listen: (serve) => Effect.map(near.listen(serve), ({ wires }) => ({ transport: both(near, far), wires }))
})

const channel = Effect.acquireRelease(
  Effect.sync(() => new MessageChannel()),
  ({ port1 }) => Effect.sync(() => port1.close())
)

const portOf = (wire: Wire) => {
  assert.instanceOf(wire, PortWire)
  return wire["port"]
}

it.conforms("worker port", {
  make: Effect.map(channel, ({ port1, port2 }) =>
    both(WorkerPort.make(port1, { maxFrame }), WorkerPort.make(port2, { maxFrame }))
  ),
  lose: (wire) => Effect.sync(() => portOf(wire).close())
})
