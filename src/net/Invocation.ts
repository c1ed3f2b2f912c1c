/**
 * Invocations: functions that instances execute, whichever of them can. The instances come and go; an invoker knows which of
 * them are well, shares the work out between them, and says of everything that failed whether it may have been done.
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Selectable } from "../channel/Selectable.ts"
import type * as Acceptor from "./Acceptor.ts"
import type { Identity } from "./Authentication.ts"
import type { Balance } from "./Balance.ts"
import type { Arguments, Heartbeat, Stats as ConnectionStats, StreamRoute } from "./Connection.ts"
import type { Instance } from "./Instance.ts"
import type { InstanceId } from "./InstanceId.ts"
import { invoking } from "./internal/invocation/invoking.ts"
import { protocolOf } from "./internal/invocation/routes.ts"
import { handling, judging } from "./internal/invocation/serving.ts"
import { accepting } from "./internal/session/accepting.ts"
import type { InvocationError } from "./InvocationError.ts"
import type * as Protocol from "./Protocol.ts"
import type { Peer, Transport } from "./Transport.ts"
import type { TransportError } from "./TransportError.ts"

/**
 * The type-level and runtime key of `Functions`.
 *
 * @category type ids
 */
export const FunctionsTypeId = "~troupe/net/Invocation/Functions"

/**
 * The type of {@link FunctionsTypeId}.
 *
 * @category type ids
 */
export type FunctionsTypeId = typeof FunctionsTypeId

/**
 * Functions that go together: what those who execute them and those who invoke them share.
 *
 * @category models
 */
export interface Functions<out F extends Rpc.Any> {
  readonly [FunctionsTypeId]: FunctionsTypeId
  /** Both sides name it when they meet. */
  readonly name: string
  readonly rpcs: ReadonlyArray<F>
}

/**
 * Defines functions.
 *
 * **Details**
 *
 * - `name`: tells sets of functions apart; by custom `namespace:name`.
 * - `rpcs`: the tag is the name of the function, the payload schema types its input, success and error what comes out. A
 *   function answers once: those with `stream: true` are for connections.
 *
 * **Example** (Functions on images)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Invocation } from "troupe/net"
 *
 * const Images = Invocation.functions("app:images", [
 *   Rpc.make("resize", { payload: { image: Schema.Uint8Array, width: Schema.Int }, success: Schema.Uint8Array })
 * ])
 * Images.name // => "app:images"
 * ```
 *
 * @category constructors
 */
export const functions = <const F extends Rpc.Any>(
  name: string,
  rpcs: ReadonlyArray<F> & ([StreamRoute<F>] extends [never] ? unknown : never)
): Functions<F> => ({ [FunctionsTypeId]: FunctionsTypeId, name, rpcs })

/**
 * What travels beside an input or an answer, for those between and around the functions: tenants, priorities, costs.
 *
 * @category models
 */
export interface Metadata {
  readonly [key: string]: string
}

/**
 * What a handler knows of one execution besides its input.
 *
 * @category models
 */
export interface Execution {
  /** The invocation: the same each time that it is sent, so that it can be known again. */
  readonly id: string
  /** Which time it is that the invocation is sent, from 1 on; the times before may have reached another instance. */
  readonly attempt: number
  readonly function: string
  readonly metadata: Metadata
  /** How long the caller still waits; the handler is interrupted then. */
  readonly timeLeft: Effect.Effect<Duration.Duration>
  readonly caller: Caller
  /** The instance that executes it. */
  readonly instance: InstanceId
  /** Adds to the metadata that go back with the success. */
  readonly respondWith: (metadata: Metadata) => Effect.Effect<void>
}

/**
 * Who invokes.
 *
 * @category models
 */
export interface Caller {
  /** Who was let in. */
  readonly identity: Identity | undefined
  /** Where it is. */
  readonly peer: Peer | undefined
}

/**
 * A handler for each function: its outcome is the answer.
 *
 * **Details**
 *
 * It is interrupted when whoever invoked it waits no longer, or the link is lost. One that dies is logged, and answers
 * `HandlerFailed`.
 *
 * @category models
 */
export type Handlers<F extends Rpc.Any, Env = unknown> = {
  readonly [R in F as Rpc.Tag<R>]: (
    input: Rpc.Payload<R>,
    execution: Execution
  ) => Effect.Effect<Rpc.Success<R>, Rpc.Error<R>, Env>
}

/**
 * Handlers that there are functions for, and no others.
 *
 * @category utility types
 */
export type OnlyFunctions<F extends Rpc.Any, H> = [Exclude<keyof H, Rpc.Tag<F>>] extends [never]
  ? unknown
  : { readonly [K in Exclude<keyof H, Rpc.Tag<F>>]: never }

/**
 * What is said to an instance that executes functions: each in an envelope of bytes, and how it is.
 *
 * @category utility types
 */
export type Routes<F extends Rpc.Any> =
  | Rpc.Rpc<Rpc.Tag<F>, typeof Schema.Uint8Array, typeof Schema.Uint8Array, Schema.Codec<unknown>>
  | Rpc.Rpc<"@health", typeof Schema.Void, typeof Schema.Void, typeof Schema.String>

/**
 * What invokers and instances of the functions say to each other, for whatever serves protocols.
 *
 * @see {@link handlers}
 *
 * @category serving
 */
export const protocol = <F extends Rpc.Any>(functions: Functions<F>): Protocol.Protocol<Routes<F>, never> =>
  // The routes have the names of the functions, which the compiler knows.
  protocolOf(functions) as Protocol.Protocol<Routes<F>, never>

/**
 * Makes handlers of the {@link protocol} of functions, for whatever serves protocols as an instance, as a `ProcessInstance` does.
 *
 * **Details**
 *
 * - `handlers`: what executes the functions.
 * - `options.health`: whether this instance can do what it is there for: fails with why not. It can when absent.
 *
 * **Example** (A program that is an instance)
 *
 * ```ts no-run
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Invocation } from "troupe/net"
 * import * as ProcessInstance from "troupe/net/process-instance"
 *
 * const Texts = Invocation.functions("app:texts", [
 *   Rpc.make("shout", { payload: Schema.String, success: Schema.String })
 * ])
 *
 * ProcessInstance.serve(Invocation.protocol(Texts), {
 *   handlers: Invocation.handlers(Texts, { shout: (text) => Effect.succeed(text.toUpperCase()) })
 * }).pipe(NodeRuntime.runMain)
 * ```
 *
 * @category serving
 */
export const handlers = <F extends Rpc.Any, const H extends Handlers<F>, R = never>(
  functions: Functions<F>,
  handlers: H & OnlyFunctions<F, H>,
  options?: { readonly health?: Effect.Effect<void, string, R> | undefined }
): Protocol.Handlers<Routes<F>, never, Protocol.Services<H> | R> =>
  handling(functions, handlers, options?.health) as Protocol.Handlers<Routes<F>, never, Protocol.Services<H> | R>

/**
 * How functions are served.
 *
 * @category models
 */
export interface ServeOptions<F extends Rpc.Any, H, R> extends Omit<
  Acceptor.Options<Routes<F>, never, H, R>,
  "authorize" | "instanceId"
> {
  /** The instance that this is. */
  readonly instanceId: InstanceId
  /** Whether a function may be invoked: fails with why not. Everything is allowed when absent. */
  readonly authorize?: ((name: Rpc.Tag<F>, caller: Caller) => Effect.Effect<void, string, R>) | undefined
  /** Whether this instance can do what it is there for: fails with why not. It can when absent. */
  readonly health?: Effect.Effect<void, string, R> | undefined
}

/**
 * Serves functions as an instance, until the scope closes.
 *
 * **Details**
 *
 * - `transport`: where it listens.
 * - `options.instanceId`: the instance that this is; whoever means another one is not let in.
 * - `options.handlers`: what executes the functions, each with the input and the execution.
 * - `options.authenticator`: who is let in: nobody when absent.
 * - `options.health`: asked by each invoker at its interval.
 *
 * Invocations are handled side by side. `stop`, or the end of the scope, tells all invokers, so that they go elsewhere at once,
 * has answered what was admitted, within the stop timeout, and closes.
 *
 * What a runtime has started serves by its own means: see {@link handlers}.
 *
 * **Errors**
 *
 * `TransportError`, when the transport can't listen.
 *
 * @category serving
 */
export const serve = <F extends Rpc.Any, const H extends Handlers<F>, R = never>(
  transport: Transport,
  functions: Functions<F>,
  options: ServeOptions<F, H, R> & Protocol.OnlyRoutes<F, H>
): Effect.Effect<Acceptor.Acceptor<never>, TransportError, Protocol.Services<H> | R | Scope.Scope> => {
  const { authorize, handlers, health, ...others } = options
  return accepting(transport, protocol(functions), {
    ...others,
    handlers: handling(functions, handlers, health),
    authorize: authorize === undefined ? undefined : judging(authorize)
  })
}

/**
 * The type-level and runtime key of `Invoker`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/net/Invocation"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * What invokes functions on those instances of a runtime that are well.
 *
 * @category models
 */
export interface Invoker<in F extends Rpc.Any> {
  readonly [TypeId]: { readonly _Functions: (_: F) => void }

  /**
   * Invokes a function on one of the instances, and waits for its answer.
   *
   * **Details**
   *
   * - `options.timeout`: 10 seconds when absent; it counts from now, whatever is waited for.
   * - `options.metadata`: what the handler finds in its execution.
   * - `options.idempotent`: that it does no harm when it is executed more than once.
   *
   * An invocation that certainly was not handled goes to another instance, as long as there is time. One that may have been
   * handled does so only when it is idempotent. Each instance gets it once at most. An interrupted invocation interrupts its
   * handler.
   *
   * **Errors**
   *
   * Those of the function, and `InvocationError`.
   */
  readonly invoke: <const Name extends Rpc.Tag<F>>(
    name: Name,
    ...args: Arguments<Rpc.ExtractTag<F, Name>, InvokeOptions>
  ) => Effect.Effect<Rpc.Success<Rpc.ExtractTag<F, Name>>, InvocationError | Rpc.Error<Rpc.ExtractTag<F, Name>>>

  /** As {@link invoke}, and answers with what came with the success. */
  readonly execute: <const Name extends Rpc.Tag<F>>(
    name: Name,
    ...args: Arguments<Rpc.ExtractTag<F, Name>, InvokeOptions>
  ) => Effect.Effect<
    Response<Rpc.Success<Rpc.ExtractTag<F, Name>>>,
    InvocationError | Rpc.Error<Rpc.ExtractTag<F, Name>>
  >

  /** Those that there are, in the order in which they came. */
  readonly instances: Effect.Effect<ReadonlyArray<Status>>
  /** What becomes of instances, from now on. */
  readonly changes: Effect.Effect<Selectable<Change>, never, Scope.Scope>
  /** How many invocations wait for an instance that has room. */
  readonly waiting: Effect.Effect<number>
  /**
   * Takes no more invocations, waits for those that there are within the stop timeout, fails the rest with `InvokerClosed`, and
   * closes all connections. The scope does the same when it closes.
   */
  readonly close: Effect.Effect<void>
}

/**
 * How a function is invoked.
 *
 * @category models
 */
export interface InvokeOptions {
  readonly timeout?: Duration.Input | undefined
  readonly metadata?: Metadata | undefined
  readonly idempotent?: boolean | undefined
}

/**
 * A success, with what came with it.
 *
 * @category models
 */
export interface Response<out A> {
  readonly value: A
  readonly metadata: Metadata
  /** The instance that has executed it. */
  readonly instance: InstanceId
  /** How often it was sent, or tried to be. */
  readonly attempts: number
}

/**
 * How an instance is, as its invoker sees it.
 *
 * @category models
 */
export type State =
  | { readonly _tag: "Available" }
  /** It has failed, and gets no invocations until a check of it succeeds. `attempt`: how often that was tried. */
  | { readonly _tag: "SetAside"; readonly why: string; readonly attempt: number }
  /** It stops: it answers what it has, and gets nothing more. */
  | { readonly _tag: "Draining" }
  /** It is none of the instances any more. */
  | { readonly _tag: "Gone"; readonly why: string }

/**
 * What has become of an instance.
 *
 * @category models
 */
export interface Change {
  readonly instance: Instance
  readonly state: State
}

/**
 * An instance, with what its invoker has counted.
 *
 * @category models
 */
export interface Status {
  readonly instance: Instance
  readonly state: State
  /** Failures in a row. */
  readonly failures: number
  /** Invocations that were given to it. */
  readonly invocations: {
    readonly begun: number
    readonly succeeded: number
    readonly failed: number
    readonly interrupted: number
    readonly underway: number
  }
  readonly checks: { readonly succeeded: number; readonly failed: number }
  /** How often it was set aside. */
  readonly setAside: number
  /** What it is connected over now; `undefined` when it is not. */
  readonly transport: string | undefined
  /** What has gone over the connection that there is. */
  readonly connection: ConnectionStats | undefined
}

/**
 * How much may be underway.
 *
 * @category models
 */
export interface Limits {
  /** How many invocations each instance has at once: 256 when absent. */
  readonly underway?: number | undefined
  /** How many wait when all instances have as many: 1024 when absent. */
  readonly queue?: number | undefined
}

/**
 * How an invoker finds out how its instances are.
 *
 * @category models
 */
export interface HealthOptions {
  /** How often an instance is checked that is connected: every 10 seconds when absent. */
  readonly interval?: Duration.Input | undefined
  /** How long a check may take: 3 seconds when absent. */
  readonly timeout?: Duration.Input | undefined
  /** After how many failures in a row an instance is set aside: 3 when absent. */
  readonly failures?: number | undefined
  /**
   * When an instance that is set aside is checked again: after a second when absent, each time twice as long, up to half a
   * minute, for ever. It is given up when the schedule ends.
   */
  readonly backoff?: Schedule.Schedule<unknown, string> | undefined
}

/**
 * How an invoker is made.
 *
 * @category models
 */
export interface Options {
  /** Which instance takes the next one: `Balance.roundRobin` when absent. */
  readonly balance?: Balance | undefined
  readonly limits?: Limits | undefined
  readonly health?: HealthOptions | undefined
  readonly heartbeat?: Heartbeat | undefined
  /** After how long without an invocation a connection is closed; looked at with each check. 5 minutes when absent. */
  readonly idle?: Duration.Input | undefined
  /** How long what is underway may take when it closes: 10 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Where instances come from: a runtime, or a discovery. Each value has all that there are.
 *
 * @category models
 */
export interface Source<out E> {
  readonly instances: Stream.Stream<ReadonlyArray<Instance>, E>
}

/**
 * Makes an invoker of functions on the instances that there are, whichever these are at the time; it is closed with the scope.
 *
 * **Details**
 *
 * - `source`: where the instances come from. When it fails, which is logged, or ends, those that there were remain.
 * - `options`: how the work is shared out, and how instances are watched.
 *
 * Each instance has one connection, which is made when it is first used, and closed when the instance leaves or nobody has used
 * it for the `idle` time. All its invocations go over that side by side.
 *
 * While an instance is connected it is checked. A check that fails, a link that is lost or can't be made, and an invocation that
 * had no answer in time while nothing else was answered, is a failure; so many in a row set it aside. Then it gets no
 * invocations, and is checked again and again until that succeeds.
 *
 * An invocation waits for the first instances, and while all have as much to do as they may. When none is well it fails.
 *
 * **Example** (Two instances)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema, Stream } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Authentication, InstanceId, Invocation, Memory, Strategy } from "troupe/net"
 *
 * const Texts = Invocation.functions("app:texts", [
 *   Rpc.make("shout", { payload: Schema.String, success: Schema.String, error: Schema.String })
 * ])
 *
 * const start = Effect.fnUntraced(function* (instance: string) {
 *   const id = yield* InstanceId.make({ runtime: "worker", namespace: "texts", instance })
 *   const { transport } = yield* Invocation.serve(Memory.make(), Texts, {
 *     instanceId: id,
 *     authenticator: Authentication.open,
 *     handlers: {
 *       shout: (text, { instance }) =>
 *         text === "" ? Effect.fail("nothing to shout") : Effect.succeed(`${instance.instance}: ${text.toUpperCase()}`)
 *     }
 *   })
 *   return { id, strategy: Strategy.of(transport), credentials: undefined, ended: Effect.never }
 * })
 *
 * const program = Effect.gen(function* () {
 *   const instances = Stream.make([yield* start("one"), yield* start("two")])
 *   const texts = yield* Invocation.make({ instances }, Texts)
 *   const shouts = yield* Effect.forEach(["a", "b", "c"], (text) => texts.invoke("shout", text, { timeout: "1 second" }))
 *   return [...shouts, yield* Effect.flip(texts.invoke("shout", ""))]
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => ["one: A", "two: B", "one: C", "nothing to shout"]
 * ```
 *
 * @category constructors
 */
export const make = <F extends Rpc.Any, E>(
  source: Source<E>,
  functions: Functions<F>,
  options?: Options
): Effect.Effect<Invoker<F>, never, Scope.Scope> => invoking(source, functions, options ?? {})

/**
 * An invoker as a service: made by {@link make} when the layer is built, and closed with it.
 *
 * **Details**
 *
 * - `service`: the key of the service.
 *
 * @category layers
 */
export const layer = <Self, F extends Rpc.Any, E>(
  service: Context.Key<Self, Invoker<F>>,
  source: Source<E>,
  functions: Functions<F>,
  options?: Options
): Layer.Layer<Self> => Layer.effect(service, make(source, functions, options))
