/**
 * What the two sides of a connection say to each other: a value that both of them have.
 */
import type * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Stream from "effect/Stream"
import type { Connection } from "./Connection.ts"

/**
 * The type-level and runtime key of `Protocol`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/net/Protocol"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * What each side of a connection handles: a client asks for the routes `Server`, and the server for the routes `Client`.
 *
 * @category models
 */
export interface Protocol<out Server extends Rpc.Any, out Client extends Rpc.Any> {
  readonly [TypeId]: TypeId
  /** Both sides name it when they meet; those of two protocols do not connect. */
  readonly name: string
  readonly server: ReadonlyArray<Server>
  readonly client: ReadonlyArray<Client>
}

/**
 * A protocol, whatever is said in it.
 *
 * @category models
 */
export type Any = Protocol<Rpc.Any, Rpc.Any>

/**
 * Makes the definition of what two sides say to each other.
 *
 * **Details**
 *
 * - `name`: tells protocols apart; by custom `namespace:name`.
 * - `options.server`: what the side that listens handles, as `Rpc`s: the tag is the route, the payload schema types what is
 *   sent, success and error type the reply; with `stream: true` the reply is a stream.
 * - `options.client`: what the side that connects handles: what is pushed to it, and what it is asked.
 *
 * **Example** (A chat)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Protocol } from "troupe/net"
 *
 * const Chat = Protocol.make("app:chat", {
 *   server: [Rpc.make("say", { payload: Schema.String, success: Schema.Int })],
 *   client: [Rpc.make("said", { payload: { by: Schema.String, text: Schema.String } })]
 * })
 * Chat.name // => "app:chat"
 * ```
 *
 * @category constructors
 */
export const make = <const Server extends Rpc.Any = never, const Client extends Rpc.Any = never>(
  name: string,
  options: { readonly server?: ReadonlyArray<Server>; readonly client?: ReadonlyArray<Client> }
): Protocol<Server, Client> => ({
  [TypeId]: TypeId,
  name,
  server: options.server ?? [],
  client: options.client ?? []
})

/**
 * What handles one route: its outcome is the reply.
 *
 * **Details**
 *
 * It gets the payload, and the connection that it came over, by which it can ask the other side in turn. A success is the
 * reply, a failure the route's typed error; of a tell both are dropped, and a failure is logged. A defect is logged, and
 * whoever asked gets `HandlerFailed`. It is interrupted when whoever asked waits no longer, or the link is lost.
 *
 * For a route with `stream: true` it answers with a stream, which runs as far ahead of the consumer as its window.
 *
 * @category models
 */
export type Handler<R extends Rpc.Any, Remote extends Rpc.Any, Env = unknown> = (
  payload: Rpc.Payload<R>,
  connection: Connection<Remote>
) => Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer A, infer E>
  ? Stream.Stream<A["Type"], E["Type"], Env>
  : Effect.Effect<Rpc.Success<R>, Rpc.Error<R>, Env>

/**
 * A handler for each route.
 *
 * @category models
 */
export type Handlers<Rpcs extends Rpc.Any, Remote extends Rpc.Any, Env = unknown> = {
  readonly [R in Rpcs as Rpc.Tag<R>]: Handler<R, Remote, Env>
}

/**
 * Options whose handlers have none for routes that there are not.
 *
 * @category utility types
 */
export type OnlyRoutes<Rpcs extends Rpc.Any, H> = [Exclude<keyof H, Rpc.Tag<Rpcs>>] extends [never]
  ? unknown
  : { readonly handlers: { readonly [K in Exclude<keyof H, Rpc.Tag<Rpcs>>]: never } }

/**
 * What handlers require.
 *
 * @category utility types
 */
export type Services<H> = ServicesOf<H[keyof H]>

type ServicesOf<F> = F extends (...args: ReadonlyArray<never>) => infer Outcome ? Requires<Outcome> : never

type Requires<Outcome> =
  Outcome extends Effect.Effect<infer _A, infer _E, infer R>
    ? R
    : Outcome extends Stream.Stream<infer _A, infer _E, infer R>
      ? R
      : never
