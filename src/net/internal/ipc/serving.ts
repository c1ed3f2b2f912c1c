/**
 * Makes servers of clients, on an acceptor.
 */
import * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type { IpcServer, Options } from "../../IpcServer.ts"
import type { Protocol } from "../../Protocol.ts"
import type { Transport } from "../../Transport.ts"
import type { TransportError } from "../../TransportError.ts"
import { accepting } from "../session/accepting.ts"
import { routesOf } from "../session/codec.ts"
import { timing } from "../session/connecting.ts"
import type { Served } from "../session/Handling.ts"
import { extended, Health } from "./routes.ts"
import { ServerImpl } from "./ServerImpl.ts"

type Settings = Options<Rpc.Any, Rpc.Any, Readonly<Record<string, Handle>>, never>

type Handle = (payload: unknown, client: unknown) => ReturnType<Served["handle"]>

// How much may wait for a client when nothing else is asked for; in bytes as much as NATS has.
const Messages = 4096
const Bytes = 64 * 1024 * 1024

// As those of an acceptor, to which a client is its connection.
const acceptorOptions = (impl: ServerImpl, options: Settings) => {
  const { authorize, backlog: _, handlers, ...others } = options
  const served: Record<string, Served["handle"]> = {}
  for (const [name, handle] of Object.entries(handlers)) {
    served[name] = (payload, connection) => handle(payload, impl.clientOf(connection).client)
  }
  served[Health._tag] = () => impl.health
  if (authorize === undefined) return { ...others, handlers: served }
  const ofServer: NonNullable<Settings["authorize"]> = (route, connection) =>
    route === Health._tag ? Effect.void : authorize(route, impl.clientOf(connection).client)
  return { ...others, handlers: served, authorize: ofServer }
}

/** Listens, and answers when it does. */
export const serving = (
  transport: Transport,
  protocol: Protocol<Rpc.Any, Rpc.Any>,
  options: unknown
): Effect.Effect<IpcServer<Rpc.Any>, TransportError, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = options as Settings
    const context = yield* Effect.context()
    const both = extended(protocol)
    const impl = new ServerImpl({
      transport,
      routes: routesOf(protocol.client),
      backlog: { messages: settings.backlog?.messages ?? Messages, bytes: settings.backlog?.bytes ?? Bytes },
      clock: (yield* timing).deadlines.clock,
      fork: (effect) => void Effect.runForkWith(context)(effect)
    })
    impl.begin(yield* accepting(transport, both, acceptorOptions(impl, settings), impl.onEvent))
    // Before the acceptor stops by itself, so that it is known why its connections end.
    yield* Effect.addFinalizer(() => impl.server.stop)
    return impl.server
  })
