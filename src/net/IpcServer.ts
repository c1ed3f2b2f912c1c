/**
 * Servers of clients: they answer, push to one, to a group or to all, and know who is there.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import type * as Acceptor from "./Acceptor.ts"
import type { Arguments, Connection } from "./Connection.ts"
import type {
  AuthenticationFailed,
  ConnectionClosed,
  InvalidMessage,
  Refused,
  UnknownRoute
} from "./ConnectionError.ts"
import { serving } from "./internal/ipc/serving.ts"
import type { ClientUnreachable } from "./IpcError.ts"
import type { Handler, OnlyRoutes, Protocol, Services } from "./Protocol.ts"
import type { Peer, Transport } from "./Transport.ts"
import type { FrameTooLarge, TransportError } from "./TransportError.ts"

/**
 * One that listens, and whose clients handle the routes `Remote`.
 *
 * **Details**
 *
 * A push never waits. It goes to the client at once, or into its backlog: what is pushed and told to one client arrives in
 * the order in which it was pushed and told. A client that does not keep up holds up nobody: when its backlog is full it is
 * disconnected, as `TooSlow`, and what waited for it is dropped and counted. It may connect again, and is told why.
 *
 * A push that was accepted arrives unless the link is lost, or the client disconnected, before the client has it. Who needs
 * to know that something has arrived asks for an answer instead, by the client's `request`.
 *
 * @category models
 */
export interface IpcServer<in Remote extends Rpc.Any = never> {
  /** The transport with the address that was given to it, as by a system that chose a port: clients connect to this one. */
  readonly transport: Transport
  /** Those that there are now, the oldest first. */
  readonly clients: Effect.Effect<ReadonlyArray<Client<Remote>>>
  /** The client of an id; `undefined` when it is not connected. */
  readonly client: (id: string) => Effect.Effect<Client<Remote> | undefined>
  /** The groups that somebody is in. */
  readonly groups: Effect.Effect<ReadonlyArray<string>>
  /** Who is in a group, in the order in which they have joined. */
  readonly members: (group: string) => Effect.Effect<ReadonlyArray<Client<Remote>>>
  /** Pushes to the client of an id. */
  readonly push: <const Route extends Rpc.Tag<Remote>>(
    id: string,
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, undefined>
  ) => Effect.Effect<void, PushError | ClientUnreachable>
  /** Pushes to all who are in a group now; answers for how many of them it was accepted. */
  readonly pushToGroup: <const Route extends Rpc.Tag<Remote>>(
    group: string,
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, undefined>
  ) => Effect.Effect<number, PushError>
  /** Pushes to all who are there now; answers for how many of them it was accepted. */
  readonly pushToAll: <const Route extends Rpc.Tag<Remote>>(
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, undefined>
  ) => Effect.Effect<number, PushError>
  /** Who comes, who goes and who is not let in, from now on. */
  readonly events: Effect.Effect<Selectable<Event<Remote>>, never, Scope.Scope>
  readonly stats: Effect.Effect<Stats>
  /**
   * Lets nobody in any more, has what was admitted answered and what was pushed sent, and closes all connections; those that
   * are not done within the stop timeout are closed as they are. The scope does the same when it closes.
   */
  readonly stop: Effect.Effect<void>
}

/**
 * A client, as its server has it: a connection, whose `id` and `identity` say who it is.
 *
 * **Details**
 *
 * It is there as long as its link. One that makes a new link comes as another client with the same `id`, and is in no group.
 *
 * @category models
 */
export interface Client<in Remote extends Rpc.Any = never> extends Connection<Remote> {
  /** The server that it is a client of. */
  readonly server: IpcServer<Remote>
  /** Pushes to it. */
  readonly push: <const Route extends Rpc.Tag<Remote>>(
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, undefined>
  ) => Effect.Effect<void, PushError | ClientUnreachable>
  /** The groups that it is in, in the order in which it has joined them. */
  readonly groups: Effect.Effect<ReadonlyArray<string>>
  /** Has it join a group, which it leaves when it is disconnected; answers whether it was not in it, and is connected. */
  readonly join: (group: string) => Effect.Effect<boolean>
  /** Has it leave a group; answers whether it was in it. */
  readonly leave: (group: string) => Effect.Effect<boolean>
  /** Disconnects it, and tells it why. It connects again, as it does after each link that is lost. */
  readonly disconnect: (why: string) => Effect.Effect<void>
}

/**
 * Why nothing is pushed.
 *
 * @category errors
 */
export type PushError = UnknownRoute | InvalidMessage | FrameTooLarge

/**
 * What happens at a server.
 *
 * @category models
 */
export type Event<Remote extends Rpc.Any = never> =
  | { readonly _tag: "Connected"; readonly client: Client<Remote> }
  | {
      readonly _tag: "Disconnected"
      readonly client: Client<Remote>
      readonly reason: DisconnectReason
      readonly error: ConnectionClosed
    }
  | { readonly _tag: "Refused"; readonly peer: Peer; readonly error: AuthenticationFailed | Refused }

/**
 * Why a client is gone: it has closed its connection; its link was lost, or replaced by a new one; it did not keep up with
 * what it was sent; `disconnect` was called; or the server stopped.
 *
 * @category models
 */
export type DisconnectReason = "Left" | "Lost" | "TooSlow" | "Dismissed" | "Stopped"

/**
 * What a server has counted since it began.
 *
 * @category models
 */
export interface Stats extends Acceptor.Stats {
  /** Groups that there are now. */
  readonly groups: number
  /** Pushes, one for each client: handed to its link, never sent since it was gone before, and in a backlog now. */
  readonly pushes: { readonly sent: number; readonly dropped: number; readonly waiting: number }
  /** Clients that were disconnected since they did not keep up with what was pushed to them. */
  readonly tooSlow: number
}

/**
 * How much may wait for one client, besides the 256 messages that may be underway to it: one that has more waiting is
 * disconnected.
 *
 * @category models
 */
export interface Backlog {
  /** 4096 when absent. */
  readonly messages?: number | undefined
  /** 64 MiB when absent. */
  readonly bytes?: number | undefined
}

/**
 * How a server is made: as an acceptor, but that handlers are given the client.
 *
 * @category models
 */
export interface Options<Server extends Rpc.Any, Remote extends Rpc.Any, H, R> extends Omit<
  Acceptor.Options<Server, Remote, H, R>,
  "authorize"
> {
  /** Whether a client may ask for a route: fails with why not. Everything is allowed when absent. */
  readonly authorize?: ((route: Rpc.Tag<Server>, client: Client<Remote>) => Effect.Effect<void, string, R>) | undefined
  readonly backlog?: Backlog | undefined
}

/**
 * A handler for each route, as of a protocol; each is given the client who asks.
 *
 * @category models
 */
export type Handlers<Server extends Rpc.Any, Remote extends Rpc.Any> = {
  readonly [R in Server as Rpc.Tag<R>]: (
    payload: Rpc.Payload<R>,
    client: Client<Remote>
  ) => ReturnType<Handler<R, Remote>>
}

/**
 * Listens on a transport until the scope closes, and answers clients.
 *
 * **Details**
 *
 * - `transport`: where it listens: a unix socket, or any other transport. The permissions of a socket file, and how many
 *   clients there may be, are up to it.
 * - `protocol`: what both sides say. Routes that begin with `@` are the system's own.
 * - `options.handlers`: what handles the routes of the server, each with the payload and the client.
 * - `options.authenticator`: who is let in; nobody when absent.
 * - `options.heartbeat`: every 10 seconds, three misses, when absent; both sides have their own.
 *
 * Handlers run as those of an acceptor do.
 *
 * **Errors**
 *
 * `TransportError`, when the transport can't listen.
 *
 * **Example** (A room)
 *
 * ```ts import.meta.vitest
 * import { Deferred, Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Authentication, IpcClient, IpcServer, Memory, Protocol } from "troupe/net"
 *
 * const Room = Protocol.make("app:room", {
 *   server: [Rpc.make("enter", { payload: Schema.String }), Rpc.make("say", { payload: Schema.String, success: Schema.Int })],
 *   client: [Rpc.make("said", { payload: Schema.String })]
 * })
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* IpcServer.make(Memory.make(), Room, {
 *     authenticator: Authentication.open,
 *     handlers: {
 *       enter: (room, client) => Effect.asVoid(client.join(room)),
 *       say: (text, client) => Effect.orDie(client.server.pushToGroup("blue", "said", text))
 *     }
 *   })
 *   const heard = yield* Deferred.make<string>()
 *   const client = yield* IpcClient.make(server.transport, Room, {
 *     handlers: { said: (text) => Effect.asVoid(Deferred.succeed(heard, text)) }
 *   })
 *   yield* client.subscribe("enter", "blue")
 *   return [yield* client.request("say", "hello"), yield* Deferred.await(heard)]
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => [1, "hello"]
 * ```
 *
 * @category constructors
 */
export const make = <
  Server extends Rpc.Any,
  Remote extends Rpc.Any,
  const H extends Handlers<Server, Remote>,
  R = never
>(
  transport: Transport,
  protocol: Protocol<Server, Remote>,
  options: Options<Server, Remote, H, R> & OnlyRoutes<Server, H>
): Effect.Effect<IpcServer<Remote>, TransportError, Services<H> | R | Scope.Scope> =>
  serving(transport, protocol, options)

/**
 * A server as a service: it listens when the layer is built, and stops with it.
 *
 * **Details**
 *
 * - `service`: the key of the service.
 *
 * **Errors**
 *
 * `TransportError`, when the transport can't listen.
 *
 * **Example** (A part of the program that pushes)
 *
 * ```ts import.meta.vitest
 * import { Context, Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Authentication, IpcServer, Memory, Protocol } from "troupe/net"
 *
 * const Tick = Rpc.make("tick", { payload: Schema.Int })
 * const Ticks = Protocol.make("app:ticks", { client: [Tick] })
 *
 * class TickServer extends Context.Service<TickServer, IpcServer.IpcServer<typeof Tick>>()("app:tick-server") {}
 *
 * const TickServerLive = IpcServer.layer(TickServer, Memory.make(), Ticks, {
 *   authenticator: Authentication.open,
 *   handlers: {}
 * })
 *
 * const program = TickServer.use((server) => server.pushToAll("tick", 1))
 *
 * await Effect.runPromise(Effect.provide(program, TickServerLive)) // => 0
 * ```
 *
 * @category layers
 */
export const layer = <
  Self,
  Server extends Rpc.Any,
  Remote extends Rpc.Any,
  const H extends Handlers<Server, Remote>,
  R = never
>(
  service: Context.Key<Self, IpcServer<Remote>>,
  transport: Transport,
  protocol: Protocol<Server, Remote>,
  options: Options<Server, Remote, H, R> & OnlyRoutes<Server, H>
): Layer.Layer<Self, TransportError, Exclude<Services<H> | R, Scope.Scope>> =>
  Layer.effect(service, make(transport, protocol, options))
