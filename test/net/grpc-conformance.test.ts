import { Effect } from "effect"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import type { GrpcWire } from "../../src/net/transport/node/internal/grpcWire.ts"
import { it } from "../../src/testing/vitest.ts"

it.conforms("grpc", {
  make: Grpc.make({ host: "127.0.0.1", port: 0, maxFrame: 256 * 1024 }),
  lose: (wire) => Effect.sync(() => (wire as GrpcWire).abort()),
  withMaxFrame: (transport, maxFrame) => {
    const { hostname, port } = new URL(transport.address)
    const other = Effect.orDie(Grpc.make({ host: hostname, port: Number(port), maxFrame }))
    return { ...transport, connect: Effect.flatMap(other, ({ connect }) => connect) }
  }
})
