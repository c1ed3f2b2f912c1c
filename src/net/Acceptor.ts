/**
 * Acceptors: the side that listens, of many connections at once.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import type { Authenticator } from "./Authentication.ts"
import type { Connection, Heartbeat, Limits } from "./Connection.ts"
import type { AuthenticationFailed, ConnectionClosed, Refused } from "./ConnectionError.ts"
import type { InstanceId } from "./InstanceId.ts"
import { accepting } from "./internal/session/accepting.ts"
import type { Handlers, OnlyRoutes, Protocol, Services } from "./Protocol.ts"
import type { Peer, Transport } from "./Transport.ts"
import type { TransportError } from "./TransportError.ts"

/**
 * One that listens, and has connections whose other sides handle the routes `Client`.
 *
 * @category models
 */
export interface Acceptor<Client extends Rpc.Any> {
  /** The transport with the address that was given to it, as by a system that chose a port: others connect to this one. */
  readonly transport: Transport
  /** Those that there are now, the oldest first. */
  readonly connections: Effect.Effect<ReadonlyArray<Connection<Client>>>
  /** Who comes, who goes and who is not let in, from now on. */
  readonly events: Effect.Effect<Selectable<Event<Client>>, never, Scope.Scope>
  readonly stats: Effect.Effect<Stats>
  /**
   * Lets nobody in any more, has what was admitted answered, and closes all connections; those that are not done within the
   * stop timeout are closed as they are. The scope does the same when it closes.
   */
  readonly stop: Effect.Effect<void>
}

/**
 * What happens at an acceptor.
 *
 * @category models
 */
export type Event<Client extends Rpc.Any> =
  | { readonly _tag: "Connected"; readonly connection: Connection<Client> }
  | { readonly _tag: "Disconnected"; readonly connection: Connection<Client>; readonly error: ConnectionClosed }
  | { readonly _tag: "Refused"; readonly peer: Peer; readonly error: AuthenticationFailed | Refused }

/**
 * What an acceptor has counted since it began.
 *
 * @category models
 */
export interface Stats {
  /** Connections that there are now. */
  readonly connections: number
  /** All that have been let in. */
  readonly accepted: number
  /** Those that have not: for who they are, and for other reasons; and by the transport, since there were too many. */
  readonly refused: { readonly unauthenticated: number; readonly other: number; readonly tooMany: number }
  /** What has gone over all of them, those that are gone as well. */
  readonly messagesOut: number
  readonly messagesIn: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly handled: { readonly succeeded: number; readonly failed: number; readonly running: number }
  readonly dropped: { readonly unknown: number; readonly late: number; readonly duplicates: number }
}

/**
 * How an acceptor is made.
 *
 * @category models
 */
export interface Options<Server extends Rpc.Any, Client extends Rpc.Any, H, R> {
  /** What handles the routes of this side. */
  readonly handlers: H
  /** Who is let in: nobody when absent. */
  readonly authenticator?: Authenticator | undefined
  /** Whether a route may be asked for over a connection: fails with why not. Everything is allowed when absent. */
  readonly authorize?:
    | ((route: Rpc.Tag<Server>, connection: Connection<Client>) => Effect.Effect<void, string, R>)
    | undefined
  /** The instance that this is; whoever means another one is not let in. */
  readonly instanceId?: InstanceId | undefined
  readonly heartbeat?: Heartbeat | undefined
  /** For each connection. */
  readonly limits?: Limits | undefined
  /** How long what was admitted may take when it stops: 10 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Listens on a transport until the scope closes, and handles what its connections ask.
 *
 * **Details**
 *
 * - `transport`: where it listens, and how many connections there may be.
 * - `protocol`: what both sides say.
 *
 * Requests of one connection are handled side by side, its tells one after the other. A request that may be retried is
 * handled once: its answer is kept until the other side has it, or has not come back for a minute. A connection that makes a
 * new link while its old one has not ended yet replaces that.
 *
 * **Errors**
 *
 * `TransportError`, when the transport can't listen.
 *
 * **Example** (Asking the other side in turn)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
 *
 * const Inn = Protocol.make("app:inn", {
 *   server: [Rpc.make("order", { payload: Schema.String, success: Schema.String })],
 *   client: [Rpc.make("age", { success: Schema.Int })]
 * })
 *
 * const program = Effect.gen(function*() {
 *   const acceptor = yield* Acceptor.make(Memory.make(), Inn, {
 *     authenticator: Authentication.open,
 *     handlers: {
 *       order: (drink, guest) =>
 *         Effect.orDie(Effect.map(guest.request("age"), (age) => age < 18 ? "a juice" : drink))
 *     }
 *   })
 *   const guest = yield* Connection.make(acceptor.transport, Inn, { handlers: { age: () => Effect.succeed(17) } })
 *   return yield* guest.request("order", "a beer")
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => "a juice"
 * ```
 *
 * @category constructors
 */
export const make = <
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Server, Client>,
  R = never
>(
  transport: Transport,
  protocol: Protocol<Server, Client>,
  options: Options<Server, Client, H, R> & OnlyRoutes<Server, H>
): Effect.Effect<Acceptor<Client>, TransportError, Services<H> | R | Scope.Scope> =>
  accepting(transport, protocol, options)
