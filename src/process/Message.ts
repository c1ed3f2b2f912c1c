/**
 * What one process sends to another: a topic, its payload and the sender; and, when it is a call, a way to answer.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import { effectOf, Step } from "../channel/internal/step.ts"
import { MessageImpl } from "./internal/message.ts"
import { cellOf } from "./internal/services.ts"
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
 * **Example** (Handling each topic)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { type Message, Process, ProcessHost } from "troupe"
 *
 * const Add = Rpc.make("add", { payload: Schema.Number })
 * const Clear = Rpc.make("clear")
 * const next = (total: number, message: Message.Message<typeof Add | typeof Clear>): number =>
 *   message.topic === "add" ? total + message.payload : 0
 *
 * const Sum = Process.make("app:sum", { protocol: [Add, Clear] })
 * const SumLive = Sum.toLayer(Effect.fn(function*() {
 *   let total = 0
 *   for (let taken = 0; taken < 3; taken++) total = next(total, yield* Sum.receive())
 *   return total
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Sum)
 *   yield* Process.send(pid, "add", 1)
 *   yield* Process.send(pid, "clear")
 *   yield* Process.send(pid, "add", 2)
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [SumLive, ProcessHost.layer("app:processes")])) // => Exit.succeed(2)
 * ```
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
 * The caller goes on in the same step, after this process has gone on to its next operation. Nothing happens when the
 * message was sent and not called, and when the caller has given up (it timed out, was interrupted, or ended). Fails with `AlreadyReplied` when the call was answered before.
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
 * **Example** (Refusing a call)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 *
 * const Withdraw = Rpc.make("withdraw", { payload: Schema.Int, success: Schema.Int, error: Schema.String })
 * const Account = Process.make("app:account", { protocol: [Withdraw] })
 * const AccountLive = Account.toLayer(Effect.fn(function*() {
 *   const balance = 100
 *   const message = yield* Account.receive()
 *   if (message.payload > balance) yield* Message.replyFail(message, `there are ${balance} only`)
 *   else yield* Message.reply(message, balance - message.payload)
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Account)
 *   return yield* Effect.flip(Process.call(pid, "withdraw", 500))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [AccountLive, ProcessHost.layer("app:processes")]))
 * // => "there are 100 only"
 * ```
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
 * **Example** (Handing on an outcome)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 *
 * const ages = new Map([["Ada", 36]])
 * const ageOf = (name: string) => Effect.mapError(Effect.fromNullishOr(ages.get(name)), () => `who is ${name}?`)
 *
 * const Age = Rpc.make("age", { payload: Schema.String, success: Schema.Int, error: Schema.String })
 * const Register = Process.make("app:register", { protocol: [Age] })
 * const RegisterLive = Register.toLayer(() =>
 *   Effect.forever(Effect.gen(function*() {
 *     const message = yield* Register.receive()
 *     yield* Message.replyExit(message, yield* Effect.exit(ageOf(message.payload)))
 *   }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Register)
 *   return [yield* Process.call(pid, "age", "Ada"), yield* Effect.flip(Process.call(pid, "age", "Bob"))]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [RegisterLive, ProcessHost.layer("app:processes")]))
 * // => [36, "who is Bob?"]
 * ```
 *
 * @category replying
 */
export const replyExit = <R extends Rpc.Any>(
  message: Of<R>,
  exit: Exit.Exit<Rpc.Success<R>, Rpc.Error<R>>
): Effect.Effect<void, AlreadyReplied> => effectOf(new Replying(message, exit))

class Replying extends Step {
  private readonly message: unknown
  private readonly exit: Exit.Exit<unknown, unknown>

  constructor(message: unknown, exit: Exit.Exit<unknown, unknown>) {
    super()
    this.message = message
    this.exit = exit
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Exit.Exit<void, AlreadyReplied> {
    const { exit, message } = this
    if (!(message instanceof MessageImpl) || message.call === undefined) return Exit.void
    if (!message.call.reply(exit)) return Exit.fail(new AlreadyReplied({ topic: message.topic }))
    cellOf(fiber)?.inspection?.observe({ _tag: "Reply", message, exit })
    return Exit.void
  }
}
