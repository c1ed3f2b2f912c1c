/** The peer Effect RPC by itself, over the sockets of `@effect/platform-node`: a stream from the server. */
import { NodeSocket, NodeSocketServer } from "@effect/platform-node"
import { Effect, Layer, Schema, Scope, Stream } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { SocketServer } from "effect/socket"
import type { Address } from "../net/peer.ts"
import { type Connect, type Consumer, type Ledger, make, type Serve, together } from "./peer.ts"

const Api = RpcGroup.make(
  Rpc.make("produce", {
    payload: { size: Schema.Int, count: Schema.Int },
    success: Schema.Uint8Array,
    stream: true
  })
)

// Several in one chunk, which is acknowledged before the next one is sent.
const handlers = (ledger: Ledger) =>
  Api.toLayer({
    produce: ({ count, size }) =>
      Stream.range(0, count - 1).pipe(
        Stream.rechunk(together(size)),
        Stream.map((n) => {
          ledger.onProduced()
          return make(n, size)
        })
      )
  })

const options = (address: Address) =>
  address.kind === "unix" ? { path: address.path } : { host: "127.0.0.1", port: address.port }

type Serialization = Layer.Layer<RpcSerialization.RpcSerialization>

const serve =
  (serialization: Serialization): Serve =>
  (address, ledger) => {
    const server = RpcServer.layer(Api, { disableTracing: true }).pipe(
      Layer.provide(handlers(ledger)),
      Layer.provide(RpcServer.layerProtocolSocketServer),
      Layer.provide(serialization),
      Layer.provideMerge(NodeSocketServer.layer(options(address)))
    )
    return Effect.runPromise(
      Effect.gen(function* (): Effect.fn.Return<Address, unknown, Scope.Scope> {
        const services = yield* Layer.build(server)
        const { address: at } = yield* Effect.provide(SocketServer.SocketServer, services)
        return at._tag === "UnixPathAddress" ? address : { kind: "tcp", port: at.port }
      }).pipe(Scope.provide(Scope.makeUnsafe()))
    )
  }

const connect =
  (serialization: Serialization): Connect =>
  (address) =>
    Effect.runPromise(
      Effect.gen(function* (): Effect.fn.Return<Consumer, unknown, Scope.Scope> {
        const protocol = RpcClient.layerProtocolSocket().pipe(
          Layer.provide([NodeSocket.layerNet(options(address)), serialization])
        )
        const services = yield* Layer.build(protocol)
        const client = yield* RpcClient.make(Api, { disableTracing: true }).pipe(Effect.provide(services))
        return {
          consume: ({ count, size }, check) =>
            Effect.runPromise(
              Stream.runForEach(client.produce({ count, size }), (payload) => Effect.sync(() => check.take(payload)))
            )
        }
      }).pipe(Scope.provide(Scope.makeUnsafe()))
    )

const peer = (serialization: Serialization) => ({ serve: serve(serialization), connect: connect(serialization) })

export const rpcNdjson = peer(RpcSerialization.layerNdjson)
export const rpcBinary = peer(RpcSerialization.layerSchemaBinary())
