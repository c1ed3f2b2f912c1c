/** The peer Effect RPC by itself, over the sockets of `@effect/platform-node`. */
import { NodeSocket, NodeSocketServer } from "@effect/platform-node"
import { Effect, Layer, Schema, Scope } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { SocketServer } from "effect/socket"
import { type Calls, clientOf } from "./effectful.ts"
import type { Address, Serve, Tally } from "./peer.ts"

const Api = RpcGroup.make(
  Rpc.make("request", { payload: { n: Schema.Int }, success: Schema.Int }),
  Rpc.make("tell", { payload: { n: Schema.Int } }),
  Rpc.make("settled", { payload: { n: Schema.Int } })
)

const handlers = (tally: Tally) =>
  Api.toLayer({
    request: ({ n }) => Effect.sync(() => tally.requested(n)),
    tell: ({ n }) => Effect.sync(() => tally.told(n)),
    settled: ({ n }) => Effect.callback((resume) => tally.settled(n, () => resume(Effect.void)))
  })

const options = (address: Address) =>
  address.kind === "unix" ? { path: address.path } : { host: "127.0.0.1", port: address.port }

type Serialization = Layer.Layer<RpcSerialization.RpcSerialization>

const serve =
  (serialization: Serialization): Serve =>
  (address, tally) => {
    const socketServer = NodeSocketServer.layer(options(address))
    const server = RpcServer.layer(Api, { disableTracing: true }).pipe(
      Layer.provide(handlers(tally)),
      Layer.provide(RpcServer.layerProtocolSocketServer),
      Layer.provide(serialization),
      Layer.provideMerge(socketServer)
    )
    return Effect.runPromise(
      Effect.gen(function* (): Effect.fn.Return<Address, unknown, Scope.Scope> {
        const services = yield* Layer.build(server)
        const { address: at } = yield* Effect.provide(SocketServer.SocketServer, services)
        return at._tag === "UnixPathAddress" ? address : { kind: "tcp", port: at.port }
      }).pipe(Scope.provide(Scope.makeUnsafe()))
    )
  }

const connect = (serialization: Serialization) => (address: Address) =>
  Effect.gen(function* (): Effect.fn.Return<Calls, unknown, Scope.Scope> {
    const protocol = RpcClient.layerProtocolSocket().pipe(
      Layer.provide([NodeSocket.layerNet(options(address)), serialization])
    )
    const services = yield* Layer.build(protocol)
    const client = yield* RpcClient.make(Api, { disableTracing: true }).pipe(Effect.provide(services))
    const calls: Calls = {
      request: (n) => client.request({ n }),
      tell: (n) => client.tell({ n }, { discard: true }),
      settled: (n) => client.settled({ n })
    }
    return calls
  })

const peer = (serialization: Serialization) => ({
  serve: serve(serialization),
  connect: clientOf(connect(serialization), Effect.runPromise)
})

export const rpcNdjson = peer(RpcSerialization.layerNdjson)
export const rpcBinary = peer(RpcSerialization.layerSchemaBinary())
