/**
 * What a server does with what reaches it: a handler for each topic, and what it does with events, other messages and
 * silence.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Stream from "effect/Stream"
import type * as Message from "../process/Message.ts"
import type { Pid } from "../process/Pid.ts"
import type { ProcessEvent } from "../process/ProcessEvent.ts"
import * as internal from "./internal/later.ts"

/**
 * What a handler answers with that does not answer the call yet: somebody calls `Message.reply` with its message
 * afterwards, once.
 *
 * **Example** (Answering when there is something to answer)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost, Server } from "troupe"
 *
 * const Report = Rpc.make("report", { success: Schema.String })
 * const Reporter = Server.make("app:reporter", { protocol: [Report] })
 * const ReporterLive = Reporter.toLayer(Effect.fn(function*() {
 *   return Reporter.of({
 *     handlers: {
 *       report: Effect.fn(function*(_, message) {
 *         yield* Process.fork(Effect.delay(Effect.orDie(Message.reply(message, "all is well")), "10 millis"))
 *         return Server.later
 *       })
 *     }
 *   })
 * }))
 *
 * const program = Effect.flatMap(Process.start(Reporter), (pid) => Process.call(pid, "report"))
 * await Effect.runPromise(Effect.provide(program, [ReporterLive, ProcessHost.layer("app:processes")]))
 * // => "all is well"
 * ```
 *
 * @category replying
 */
export const later: Later = internal.later

/**
 * That a call is answered afterwards; see {@link later}.
 *
 * @category replying
 */
export interface Later {
  readonly _tag: "Later"
}

/**
 * What handles the messages of one topic: its outcome is the reply to a call.
 *
 * **Details**
 *
 * It gets the payload, and the message with topic and sender. A success is the reply, unless it is `Server.later`; a
 * failure is the topic's typed error, with which the call fails. Where nobody called, a success is dropped, and a failure
 * is logged as a warning; the server lives. A defect, or an interruption of its own, ends the server with it, and callers
 * get `CalleeExited`.
 *
 * For a topic with `stream: true` it answers with a stream, for `Process.stream`. The stream runs in a fiber of its own in
 * the scope of the server, while the server handles other messages; of a plain send nobody runs it.
 *
 * @category models
 */
export type Handler<R extends Rpc.Any, Env = unknown> = (
  payload: Rpc.Payload<R>,
  message: Message.Of<R>
) => Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer A, infer E>
  ? Stream.Stream<A["Type"], E["Type"], Env>
  : Effect.Effect<Rpc.Success<R> | Later, Rpc.Error<R>, Env>

/**
 * A handler for each topic.
 *
 * @category models
 */
export type Handlers<Rpcs extends Rpc.Any, Env = unknown> = {
  readonly [R in Rpcs as Rpc.Tag<R>]: Handler<R, Env>
}

/**
 * A message of a topic that is not in the protocol.
 *
 * @category models
 */
export interface Info {
  readonly topic: string
  readonly payload: unknown
  /** The process that sent it; `undefined` when it was sent from outside of any process. */
  readonly sender: Pid | undefined
}

/**
 * How many messages a server handles at once.
 *
 * **Details**
 *
 * A number, or `"unbounded"`: each message is handled in a fiber of its own, and so many at once. `by`: messages with the
 * same key are handled one after the other, in the order of arrival, and those with different keys at once; where the inbox
 * is bounded, as many again as it may hold can wait for their keys beside it. Handlers that run when the server ends are
 * interrupted, unless it ends in order.
 *
 * @category models
 */
export type Concurrency<Rpcs extends Rpc.Any> =
  | number
  | "unbounded"
  | { readonly by: (message: Message.Message<Rpcs>) => unknown }

/**
 * What a server does: its handlers require `Env`.
 *
 * @category models
 */
export interface Behaviour<Rpcs extends Rpc.Any, Env = unknown> {
  /** What handles each topic: one message after the other, in the order of arrival, unless `concurrency` says otherwise. */
  readonly handlers: Handlers<Rpcs, Env>
  /**
   * What handles what the server is told, before the messages that wait: the ends of those that it watches, its inbox
   * growing, and being asked to end. Without it a `Cancel` ends the server in order, with a success, when it has handled
   * what it is at; the other events are ignored. With it, it decides about `Cancel` too: `Process.exit(Exit.void)` ends
   * the server. A failure ends the server with it.
   */
  readonly events?: ((event: ProcessEvent) => Effect.Effect<unknown, unknown, Env>) | undefined
  /**
   * What handles messages of topics that are not in the protocol, of which only a server with `otherTopics: "accepted"`
   * gets any. Without it they are logged as a warning and dropped. A failure ends the server with it.
   */
  readonly info?: ((message: Info) => Effect.Effect<unknown, unknown, Env>) | undefined
  /**
   * What runs when no message came for a time, once for each such time: the next message begins another one. It runs in
   * turn with the handlers. A failure ends the server with it.
   */
  readonly idle?: Idle<Env> | undefined
  /** How many messages it handles at once: one when absent. */
  readonly concurrency?: Concurrency<Rpcs> | undefined
}

/**
 * What a server does when no message came for a time.
 *
 * @category models
 */
export interface Idle<Env = unknown> {
  readonly after: Duration.Input
  readonly run: Effect.Effect<unknown, unknown, Env>
}

/**
 * What a behaviour requires: all that its handlers do.
 *
 * @category utility types
 */
export type Services<B> =
  | (B extends { readonly handlers: infer H } ? ServicesOf<H[keyof H]> : never)
  | (B extends { readonly events: infer F } ? ServicesOf<F> : never)
  | (B extends { readonly info: infer F } ? ServicesOf<F> : never)
  | (B extends { readonly idle: { readonly run: infer E } } ? Requires<E> : never)

type ServicesOf<F> = F extends (...args: ReadonlyArray<never>) => infer Outcome ? Requires<Outcome> : never

type Requires<Outcome> =
  Outcome extends Effect.Effect<infer _A, infer _E, infer R>
    ? R
    : Outcome extends Stream.Stream<infer _A, infer _E, infer R>
      ? R
      : never
