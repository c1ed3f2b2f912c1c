/**
 * Connections: what two programs, or two parts of one, say to each other over any transport.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Selectable } from "../channel/Selectable.ts"
import type { Credentials, Identity } from "./Authentication.ts"
import type { ConnectionClosed, ConnectionFailed, RequestError, TellError } from "./ConnectionError.ts"
import type { InstanceId } from "./InstanceId.ts"
import { connected, connecting } from "./internal/session/connecting.ts"
import type { Handlers, OnlyRoutes, Protocol, Services } from "./Protocol.ts"
import type { Strategy } from "./Strategy.ts"
import type { Peer, Transport } from "./Transport.ts"
import type { FrameTooLarge, WireClosed } from "./TransportError.ts"

/**
 * The type-level and runtime key of `Connection`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/net/Connection"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * One side of a connection, whose other side handles the routes `Remote`.
 *
 * **Details**
 *
 * Both sides are alike: each can ask, tell and push, and handles what it is asked. The side that has connected makes its
 * link again when it is lost; on the side that listens, a connection ends with its link.
 *
 * Between the two, tells arrive and are handled one after the other, in the order in which they were sent. Requests are
 * handled side by side, so that a slow one holds up no other.
 *
 * @category models
 */
export interface Connection<in Remote extends Rpc.Any = never> {
  readonly [TypeId]: { readonly _Remote: (_: Remote) => void }
  /** What tells it from all others, on both sides; a new link of the same connection keeps it. */
  readonly id: string
  /** The instance that it belongs to, if it belongs to one. */
  readonly instanceId: InstanceId | undefined
  /** Who is on the other side: on the side that listens, who was let in; on the other, who it is there itself. */
  readonly identity: Effect.Effect<Identity | undefined>
  /** Where the other side is, while there is a link. */
  readonly peer: Effect.Effect<Peer | undefined>

  /**
   * Asks the other side, and waits for its reply.
   *
   * `options.timeout`: 10 seconds when absent; it counts from now, the time that it takes to connect included. `options.retry`:
   * whether it is sent again when the link was lost before the reply came, as often as it takes until the deadline; the other
   * side handles it once. An interrupted request interrupts its handler.
   */
  readonly request: <const Route extends RequestRoute<Remote>>(
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, RequestOptions>
  ) => Effect.Effect<
    Rpc.Success<Rpc.ExtractTag<Remote, Route>>,
    RequestError | Rpc.Error<Rpc.ExtractTag<Remote, Route>>
  >

  /** Tells the other side something, and waits for no reply; only while the other side does not keep up. */
  readonly tell: <const Route extends Rpc.Tag<Remote>>(
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, undefined>
  ) => Effect.Effect<void, TellError>

  /** Asks the other side for a stream, which ends with whichever side ends it first, or the link. */
  readonly stream: <const Route extends StreamRoute<Remote>>(
    route: Route,
    ...args: Arguments<Rpc.ExtractTag<Remote, Route>, StreamOptions>
  ) => Stream.Stream<
    StreamValue<Rpc.ExtractTag<Remote, Route>>,
    RequestError | StreamFailure<Rpc.ExtractTag<Remote, Route>> | Rpc.Error<Rpc.ExtractTag<Remote, Route>>
  >

  /**
   * Sends bytes or a text beside all routes, which arrive as they are; waits while the other side does not take them. A text
   * that has half a character is `InvalidMessage`.
   */
  readonly send: (message: Uint8Array | string) => Effect.Effect<void, TellError>

  /** What the other side has sent beside all routes, in order: bytes as bytes, and text as text. */
  readonly messages: Selectable<Uint8Array | string, ConnectionClosed>

  /** Takes the next of {@link messages}; an interrupted wait has taken nothing. */
  readonly receive: Effect.Effect<Uint8Array | string, ConnectionClosed>

  /** Whether there is a link now. */
  readonly isConnected: Effect.Effect<boolean>
  /** What it is doing. */
  readonly state: Effect.Effect<State>
  /** What it is doing, from now on; it ends when the connection is closed. Who reads slowly sees the latest. */
  readonly changes: Stream.Stream<State>
  /** Waits until it is closed for good, and answers why. */
  readonly closed: Effect.Effect<ConnectionClosed>
  readonly stats: Effect.Effect<Stats>
  /** Closes it for good: it never connects again. Closing twice is closing once. */
  readonly close: Effect.Effect<void>
}

/**
 * What a connection is doing.
 *
 * @category models
 */
export type State =
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Connecting"; readonly attempt: number }
  | {
      readonly _tag: "Connected"
      readonly transport: string
      readonly peer: Peer
      readonly identity: Identity | undefined
    }
  /** It waits before it tries again. */
  | {
      readonly _tag: "Waiting"
      readonly attempt: number
      readonly delay: Duration.Duration
      readonly error: LinkError
    }
  | { readonly _tag: "Closed"; readonly error: ConnectionClosed }

/**
 * Why there is no link: none could be made, or the one that there was is lost.
 *
 * @category errors
 */
export type LinkError = ConnectionFailed | WireClosed | FrameTooLarge

/**
 * How a request is made.
 *
 * @category models
 */
export interface RequestOptions {
  readonly timeout?: Duration.Input | undefined
  readonly retry?: "once-handled" | undefined
}

/**
 * How a stream is asked for.
 *
 * @category models
 */
export interface StreamOptions {
  /** How many values may be underway before the other side waits: 16 when absent. */
  readonly window?: number | undefined
}

/**
 * What has gone over a connection, counted from its beginning, over all of its links.
 *
 * @category models
 */
export interface Stats {
  /** Messages of this side: requests, tells, replies, values of streams, and what was sent beside all routes. */
  readonly messagesOut: number
  readonly messagesIn: number
  /** Bytes of frames, with what the protocol adds. */
  readonly bytesOut: number
  readonly bytesIn: number
  /** Requests of this side. */
  readonly requests: {
    readonly sent: number
    readonly succeeded: number
    readonly failed: number
    readonly pending: number
  }
  /** Requests of the other side. */
  readonly handled: { readonly succeeded: number; readonly failed: number; readonly running: number }
  /** Frames that were not understood, or came for what is over. */
  readonly dropped: { readonly unknown: number; readonly late: number; readonly duplicates: number }
  /** How many links there were after the first. */
  readonly reconnects: number
  /** How long requests took that were answered, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
}

/**
 * The routes that are answered once.
 *
 * @category utility types
 */
export type RequestRoute<Rpcs extends Rpc.Any> = Exclude<Rpc.Tag<Rpcs>, StreamRoute<Rpcs>>

/**
 * The routes that are answered with a stream.
 *
 * @category utility types
 */
export type StreamRoute<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any
  ? Rpc.SuccessSchema<Rpcs> extends RpcSchema.Stream<infer _A, infer _E>
    ? Rpc.Tag<Rpcs>
    : never
  : never

/**
 * The arguments of a route behind its name.
 *
 * @category utility types
 */
export type Arguments<R extends Rpc.Any, Options> = [Rpc.Payload<R>] extends [void]
  ? [payload?: undefined, options?: Options]
  : [payload: Rpc.Payload<R>, options?: Options]

/**
 * What a stream of the route has.
 *
 * @category utility types
 */
export type StreamValue<R extends Rpc.Any> =
  Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer A, infer _E> ? A["Type"] : never

/**
 * How a stream of the route may fail.
 *
 * @category utility types
 */
export type StreamFailure<R extends Rpc.Any> =
  Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer _A, infer E> ? E["Type"] : never

/**
 * How the two sides see to it that the other one is alive.
 *
 * @category models
 */
export interface Heartbeat {
  /** How often this side says something: 10 seconds when absent. */
  readonly interval?: Duration.Input | undefined
  /** After how many intervals in which nothing came the link counts as lost: 3 when absent. */
  readonly misses?: number | undefined
}

/**
 * How much one side takes from the other. How large a frame may be, and how many connections there may be, is up to the
 * transport.
 *
 * @category models
 */
export interface Limits {
  /** How many requests may be pending, in each direction for itself: 1024 when absent. */
  readonly pending?: number | undefined
  /** How many requests the other side may make in a second, and at once; any number when absent. */
  readonly rate?: number | undefined
}

/**
 * How a connection is made.
 *
 * @category models
 */
export interface Options {
  /** The instance that is meant: the other side must be that one. */
  readonly instanceId?: InstanceId | undefined
  /** What this side has to show for itself; nothing when absent. */
  readonly credentials?: Credentials | undefined
  readonly heartbeat?: Heartbeat | undefined
  /**
   * When a link that is lost, or could not be made, is made again: after 3 seconds when absent, each time half as long again,
   * up to a minute, a fifth more or less, for ever. The schedule begins anew with each link that there was.
   */
  readonly reconnect?: Schedule.Schedule<unknown, LinkError> | "never" | undefined
  readonly limits?: Limits | undefined
}

/**
 * The options, with what handles the routes of this side where it has any.
 *
 * @category utility types
 */
export type OptionArguments<Client extends Rpc.Any, H> = [Client] extends [never]
  ? [options?: Options]
  : [options: Options & { readonly handlers: H } & OnlyRoutes<Client, H>]

/**
 * Makes the connecting side of a connection, which links itself to the other side when it is first used, and again whenever
 * the link is lost; it is closed with the scope.
 *
 * **Details**
 *
 * - `target`: the transport, with its address; or a strategy, whose transports are tried in order.
 * - `protocol`: what both sides say.
 * - `options.handlers`: what handles the routes of this side, where the protocol has any.
 *
 * Requests wait for a link until their deadline, also while it is being made again. What waits for no answer waits for a link
 * that is being made, and fails while the next attempt is waited for.
 *
 * Whoever is not let in (`AuthenticationFailed`, another protocol or instance) is not let in the next time: the connection is
 * closed then.
 *
 * **Example** (A request)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
 *
 * const Measure = Protocol.make("app:measure", {
 *   server: [Rpc.make("length", { payload: Schema.String, success: Schema.Int })]
 * })
 *
 * const program = Effect.gen(function*() {
 *   const transport = Memory.make()
 *   yield* Acceptor.make(transport, Measure, {
 *     authenticator: Authentication.open,
 *     handlers: { length: (text) => Effect.succeed(text.length) }
 *   })
 *   const connection = yield* Connection.make(transport, Measure)
 *   return yield* connection.request("length", "troupe", { timeout: "1 second" })
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => 6
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
): Effect.Effect<Connection<Server>, never, Services<H> | Scope.Scope> => connecting(target, protocol, options ?? {})

/**
 * As {@link make}, and waits for the first link; fails when it can't be made.
 *
 * **Errors**
 *
 * `ConnectionFailed`: nobody listens, or lets this side in; it has each attempt that was made. Nothing is tried again then.
 *
 * **Example** (Nobody there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Connection, Memory, Protocol } from "troupe/net"
 *
 * const program = Connection.connect(Memory.make(), Protocol.make("app:nothing", {})).pipe(
 *   Effect.catchTag("ConnectionFailed", ({ attempts }) => Effect.succeed(attempts.map(({ error }) => error._tag)))
 * )
 *
 * await Effect.runPromise(Effect.scoped(program)) // => ["TransportError"]
 * ```
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
): Effect.Effect<Connection<Server>, ConnectionFailed, Services<H> | Scope.Scope> =>
  connected(target, protocol, options ?? {})
