/**
 * What one process sends to another: a topic, its payload and the sender; and, when it is a call, a way to answer.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import { MessageImpl } from "./internal/message.ts"
import type { Pid } from "./Pid.ts"
import { AlreadyReplied } from "./ProcessError.ts"

/**
 * The type-level and runtime key of `Message`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/process/Message"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A message of the topic that one `Rpc` defines.
 *
 * @category models
 */
export interface Of<R extends Rpc.Any> {
  readonly [TypeId]: { readonly _Rpc: (_: never) => R }
  /** The tag of the `Rpc`. */
  readonly topic: Rpc.Tag<R>
  /** The payload, as its schema's decoded type. Inside a host it is the very value that was sent. */
  readonly payload: Rpc.Payload<R>
  /** The process that sent it; `undefined` when it was sent from outside of any process. */
  readonly sender: Pid | undefined
}

/**
 * A message of any of the topics `Rpcs`: a union that `topic` narrows.
 *
 * @category models
 */
export type Message<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any ? Of<Rpcs> : never

/**
 * Whether a value is a `Message`.
 *
 * @category guards
 */
export const isMessage = (u: unknown): u is Message<Rpc.Any> => u instanceof MessageImpl

/**
 * Answers a call with a success: the caller gets it exactly once.
 *
 * **Details**
 *
 * Nothing happens when the message was sent and not called, and when the caller has given up (it timed out, was
 * interrupted, or ended). Fails with `AlreadyReplied` when the call was answered before.
 *
 * **Example** (Answering)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 *
 * const Double = Rpc.make("double", { payload: Schema.Int, success: Schema.Int })
 * const Doubler = Process.make("app:doubler", { protocol: [Double] })
 * const DoublerLive = Doubler.toLayer(Effect.fn(function*() {
 *   while (true) {
 *     const message = yield* Doubler.receive()
 *     yield* Message.reply(message, message.payload * 2)
 *   }
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Doubler)
 *   return yield* Process.call(pid, "double", 21)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [DoublerLive, ProcessHost.layer("app:processes")])) // => 42
 * ```
 *
 * @category replying
 */
export const reply = <R extends Rpc.Any>(message: Of<R>, value: Rpc.Success<R>): Effect.Effect<void, AlreadyReplied> =>
  replyExit(message, Exit.succeed(value))

/**
 * Answers a call with a typed error: the call fails with it, exactly once.
 *
 * **Details**
 *
 * As {@link reply}.
 *
 * @category replying
 */
export const replyFail = <R extends Rpc.Any>(
  message: Of<R>,
  error: Rpc.Error<R>
): Effect.Effect<void, AlreadyReplied> => replyExit(message, Exit.fail(error))

/**
 * Answers a call with an `Exit`, so that an effect's whole outcome can be handed on: the call ends with it, exactly
 * once.
 *
 * **Details**
 *
 * As {@link reply}.
 *
 * @category replying
 */
export const replyExit = <R extends Rpc.Any>(
  message: Of<R>,
  exit: Exit.Exit<Rpc.Success<R>, Rpc.Error<R>>
): Effect.Effect<void, AlreadyReplied> =>
  Effect.suspend(() => {
    const slot = message instanceof MessageImpl ? message.slot : undefined
    return slot === undefined || slot.settle(exit)
      ? Effect.void
      : Effect.fail(new AlreadyReplied({ topic: String(message.topic) }))
  })
