/**
 * Clients of servers that push: connections that keep what they have subscribed to.
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import type { Identity } from "./Authentication.ts"
import type { Arguments, Connection, LinkError, OptionArguments, RequestOptions, RequestRoute } from "./Connection.ts"
import type { ConnectionClosed, ConnectionFailed, RequestError } from "./ConnectionError.ts"
import { called, calling } from "./internal/ipc/calling.ts"
import type { Handlers, Protocol, Services } from "./Protocol.ts"
import type { Strategy } from "./Strategy.ts"
import type { Peer, Transport } from "./Transport.ts"

/**
 * A connection to a server of clients, whose routes are `Remote`. Its `id` is that which the server knows it by, and its
 * `identity` who it is there.
 *
 * @category models
 */
export interface IpcClient<in Remote extends Rpc.Any = never> extends Connection<Remote> {
  /**
   * Asks the server for something that lasts as long as the link, as being in a group, and again over each new link until the
   * scope closes; answers what the server answers the first time.
   *
   * **Details**
   *
   * Over a new link the subscriptions are asked for in the order in which they were made, and nothing else is sent before
   * all of them are answered; so a request never comes before what it builds on. While there is no link it waits for one.
   *
   * When the scope closes it is asked for no more; to tell the server is up to whoever has subscribed.
   *
   * - `options.timeout`: how long the first answer may take, and each later one: 10 seconds when absent.
   *
   * **Errors**
   *
   * Those of a request, the first time. If it is not granted again over a later link it ends: the events have an
   * `Unsubscribed` with the error, and the log a warning.
   */
  readonly subscribe: <const Route extends RequestRoute<Remote>>(
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, SubscribeOptions>
  ) => Effect.Effect<
    Rpc.Success<Rpc.ExtractTag<Remote, Route>>,
    RequestError | Rpc.Error<Rpc.ExtractTag<Remote, Route>>,
    Scope.Scope
  >
  /**
   * Asks the server how it is: a success is the answer of its program, and not of the system below it. `options` are those of
   * a request, and so are the errors.
   */
  readonly healthCheck: (options?: RequestOptions) => Effect.Effect<Health, RequestError>
  /** What happens to it: it begins with `Connected` if it is that now. */
  readonly events: Effect.Effect<Selectable<Event>, never, Scope.Scope>
}

/**
 * How something is subscribed to.
 *
 * @category models
 */
export interface SubscribeOptions {
  readonly timeout?: Duration.Input | undefined
}

/**
 * How a server is.
 *
 * @category models
 */
export interface Health {
  /** How long question and answer took. */
  readonly roundTrip: Duration.Duration
  /** For how long the server has been there. */
  readonly uptime: Duration.Duration
  /** How many clients it has. */
  readonly clients: number
}

/**
 * What happens to a client: each of its links, with its end, and subscriptions that were not granted again.
 *
 * @category models
 */
export type Event =
  | {
      readonly _tag: "Connected"
      readonly transport: string
      readonly peer: Peer
      readonly identity: Identity | undefined
    }
  | {
      readonly _tag: "Disconnected"
      readonly error: LinkError | ConnectionClosed
      /** What the server has said when it disconnected this client. */
      readonly dismissal: Dismissal | undefined
    }
  | { readonly _tag: "Unsubscribed"; readonly route: string; readonly error: unknown }

/**
 * Why a server has disconnected a client: it did not keep up with what was pushed to it, or the server's program had it
 * disconnected.
 *
 * @category models
 */
export interface Dismissal {
  readonly reason: "TooSlow" | "Dismissed"
  readonly detail: string
}

/**
 * Makes a client, which connects when it is first used, and again whenever the link is lost; it is closed with the scope.
 *
 * **Details**
 *
 * - `target`: the transport with its address, or a strategy.
 * - `protocol`: what both sides say.
 * - `options`: as of a connection. `handlers` has what handles what is pushed; `reconnect` waits 3 seconds when absent, each
 *   time half as long again up to a minute, a fifth more or less, for ever; `heartbeat` says something every 10 seconds.
 *
 * What is pushed is handled one after the other, in the order in which it was pushed. A handler that takes its time has the
 * server keep what comes behind it, until that is too much for the server, which disconnects the client then. A handler may
 * ask the server in turn.
 *
 * **Example** (Events and health)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Selectable } from "troupe"
 * import { Authentication, IpcClient, IpcServer, Memory, Protocol } from "troupe/net"
 *
 * const Idle = Protocol.make("app:idle", {})
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* IpcServer.make(Memory.make(), Idle, { authenticator: Authentication.open, handlers: {} })
 *   const client = yield* IpcClient.make(server.transport, Idle)
 *   const events = yield* client.events
 *   const { clients } = yield* client.healthCheck({ timeout: "3 seconds" })
 *   yield* client.close
 *   return [clients, (yield* Selectable.take(events))._tag, (yield* Selectable.take(events))._tag]
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => [1, "Connected", "Disconnected"]
 * ```
 *
 * @category constructors
 */
export const make = <
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Client, Server> = Handlers<Client, Server, never>
>(
  target: Transport | Strategy,
  protocol: Protocol<Server, Client>,
  ...[options]: OptionArguments<Client, H>
): Effect.Effect<IpcClient<Server>, never, Services<H> | Scope.Scope> => calling(target, protocol, options ?? {})

/**
 * As {@link make}, and waits until it is connected; fails when it can't be, and tries nothing again then.
 *
 * **Errors**
 *
 * `ConnectionFailed`: nobody listens, or lets this side in; it has each attempt that was made.
 *
 * @category constructors
 */
export const connect = <
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Client, Server> = Handlers<Client, Server, never>
>(
  target: Transport | Strategy,
  protocol: Protocol<Server, Client>,
  ...[options]: OptionArguments<Client, H>
): Effect.Effect<IpcClient<Server>, ConnectionFailed, Services<H> | Scope.Scope> =>
  called(target, protocol, options ?? {})

/**
 * A client as a service: made by {@link make} when the layer is built, and closed with it.
 *
 * **Details**
 *
 * - `service`: the key of the service.
 *
 * **Example** (A client that others find in their context)
 *
 * ```ts import.meta.vitest
 * import { Context, Effect, Layer, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Authentication, IpcClient, IpcServer, Memory, Protocol } from "troupe/net"
 *
 * const Double = Rpc.make("double", { payload: Schema.Int, success: Schema.Int })
 * const Sums = Protocol.make("app:sums", { server: [Double] })
 * const transport = Memory.make()
 *
 * class SumsServer extends Context.Service<SumsServer, IpcServer.IpcServer>()("app:sums-server") {}
 * class SumsClient extends Context.Service<SumsClient, IpcClient.IpcClient<typeof Double>>()("app:sums-client") {}
 *
 * const SumsServerLive = IpcServer.layer(SumsServer, transport, Sums, {
 *   authenticator: Authentication.open,
 *   handlers: { double: (n) => Effect.succeed(n * 2) }
 * })
 * const SumsClientLive = IpcClient.layer(SumsClient, transport, Sums).pipe(Layer.provide(SumsServerLive))
 *
 * const program = SumsClient.use((sums) => sums.request("double", 21))
 *
 * await Effect.runPromise(Effect.provide(program, SumsClientLive)) // => 42
 * ```
 *
 * @category layers
 */
export const layer = <
  Self,
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Client, Server> = Handlers<Client, Server, never>
>(
  service: Context.Key<Self, IpcClient<Server>>,
  target: Transport | Strategy,
  protocol: Protocol<Server, Client>,
  ...args: OptionArguments<Client, H>
): Layer.Layer<Self, never, Exclude<Services<H>, Scope.Scope>> =>
  Layer.effect(service, make<Server, Client, H>(target, protocol, ...args))
