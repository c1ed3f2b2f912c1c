/**
 * Every transport that there is, for what has to hold over all of them.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import { MessageChannel, type MessagePort } from "node:worker_threads"
import { Memory } from "troupe/net"
import { type Transport, TypeId } from "../../src/net/Transport.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Tls from "../../src/net/transport/node/Tls.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"
import * as WorkerPort from "../../src/net/transport/node/WorkerPort.ts"
import { directory } from "../support/files.ts"
import { opensslAbsent } from "./absent.ts"
import { certificates } from "./certificates.ts"

/** Both ends of a channel as one transport: who listens has the one, who connects the other. */
export class Both implements Transport {
  readonly [TypeId]: typeof TypeId = TypeId
  readonly name = "worker"
  readonly address = "port"
  readonly connect: Transport["connect"]
  readonly listen: Transport["listen"]
  readonly far: MessagePort

  constructor(near: MessagePort, far: MessagePort, maxFrame: number, maxFrameFar = maxFrame) {
    const listener = WorkerPort.make(near, { maxFrame })
    this.far = far
    this.connect = WorkerPort.make(far, { maxFrame: maxFrameFar }).connect
    this.listen = (serve) => Effect.map(listener.listen(serve), ({ wires }) => ({ transport: this, wires }))
  }

  withMaxFrame(other: number): Transport {
    const { connect } = WorkerPort.make(this.far, { maxFrame: other })
    return { [TypeId]: TypeId, name: this.name, address: this.address, connect, listen: this.listen }
  }
}

export const channel = Effect.acquireRelease(
  Effect.sync(() => new MessageChannel()),
  ({ port1 }) => Effect.sync(() => port1.close())
)

const host = "127.0.0.1"

interface Maker {
  readonly name: string
  /** What it needs that this machine has not. */
  readonly absent?: string | undefined
  readonly make: Effect.Effect<Transport, unknown, Scope.Scope>
}

/** Each with an address of its own. */
export const transports: ReadonlyArray<Maker> = [
  { name: "memory", make: Effect.sync(() => Memory.make()) },
  { name: "unix", make: Effect.map(directory, (folder) => Unix.make({ path: join(folder, "socket") })) },
  { name: "tcp", make: Effect.sync(() => Tcp.make({ host, port: 0 })) },
  {
    name: "tls",
    absent: opensslAbsent,
    make: Effect.sync(() => {
      const { authority, server } = certificates
      return Tls.make({ host, port: 0, identity: server, authorities: [authority] })
    })
  },
  { name: "websocket", make: Effect.sync(() => WebSocket.make({ url: `ws://${host}:0/wire` })) },
  { name: "worker", make: Effect.map(channel, ({ port1, port2 }) => new Both(port1, port2, 1024 * 1024)) },
  { name: "grpc", make: Grpc.make({ host, port: 0 }) }
]

/** One of them that the conformance suite made. */
export const both = (transport: Transport): Both => {
  assert.instanceOf(transport, Both)
  return transport
}
