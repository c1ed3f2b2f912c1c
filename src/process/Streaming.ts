/**
 * Calling a process for a stream of answers.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import * as Stream from "effect/Stream"
import { isElsewhere, receiverOf } from "./internal/delivery.ts"
import { millisecondsOf } from "./internal/call.ts"
import { MessageImpl } from "./internal/message.ts"
import { produceIn } from "./internal/produce.ts"
import { cellOf, type ProcessHost, withHost } from "./internal/services.ts"
import { call, type CallArguments } from "./Messaging.ts"
import type { Address } from "./Name.ts"
import type { Pid } from "./Pid.ts"
import type { CallError } from "./ProcessError.ts"

/**
 * The topics whose calls are answered with a stream: those of `Rpc`s made with `stream: true`.
 *
 * @category utility types
 */
export type StreamTopic<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any
  ? Rpc.SuccessSchema<Rpcs> extends RpcSchema.Stream<infer _A, infer _E>
    ? Rpc.Tag<Rpcs>
    : never
  : never

/**
 * Calls a process for a stream: it is produced in the callee and consumed here, and ends with whichever ends first.
 *
 * **Details**
 *
 * - `to`, `topic`, `payload`: as with `call`, for a topic made with `stream: true`.
 * - `options.timeout`: how long to wait until the callee has answered with the stream, 5 seconds by default; its values
 *   may take as long as they like.
 *
 * Each run of the stream is a call of its own. The callee runs it in a fiber of its own scope, so that its other messages
 * go on; it is ahead of the consumer by some 16 values, and waits then. A consumer that is interrupted, or takes no more,
 * interrupts the producer and waits until its finalizers have run.
 *
 * A process of another node is ahead by some 64 values; its producer is interrupted as well, and not waited for.
 *
 * **Errors**
 *
 * Those of `call`, the topic's own, with which the stream may end, and `CalleeExited` when the callee ends before the
 * stream: after the values that it had produced by then. A defect of the stream ends the callee.
 *
 * **Example** (Following a counter)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema, Stream } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Server } from "troupe"
 *
 * const Counter = Server.make("app:counter", {
 *   protocol: [Rpc.make("count", { payload: Schema.Int, success: Schema.Int, stream: true })]
 * })
 * const CounterLive = Counter.toLayer(() =>
 *   Effect.succeed(Counter.of({ handlers: { count: (from) => Stream.iterate(from, (n) => n + 1) } }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const counter = yield* Process.start(Counter)
 *   return yield* Process.stream(counter, "count", 5).pipe(Stream.take(3), Stream.runCollect)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CounterLive, ProcessHost.layer("app:processes")])) // => [5, 6, 7]
 * ```
 *
 * @category messages
 */
export const stream = <Rpcs extends Rpc.Any, const Topic extends StreamTopic<Rpcs>>(
  to: Address<Rpcs>,
  topic: Topic,
  ...[payload, options]: CallArguments<Rpc.ExtractTag<Rpcs, Topic>>
): Stream.Stream<
  Rpc.SuccessChunk<Rpc.ExtractTag<Rpcs, Topic>>,
  CallError | Rpc.ErrorExit<Rpc.ExtractTag<Rpcs, Topic>>,
  ProcessHost
> => {
  const answered = withHost(
    (host, fiber): Effect.Effect<Stream.Stream<unknown, unknown>, unknown, Scope.Scope | ProcessHost> => {
      const message = new MessageImpl(topic, payload, cellOf(fiber)?.pid)
      const callee = receiverOf(host, to, message)
      if (isElsewhere(callee)) {
        return callee._tag === "Far" ? callee.stream(message, millisecondsOf(options)) : Exit.fail(callee)
      }
      // The very process that answers has to produce, whoever has its name by then.
      const pid = callee.pid as Pid as Pid<Rpc.Rpc<string>>
      return Effect.flatMap(call(pid, topic as string, payload as undefined, options), (values) =>
        produceIn(callee, message.request, values as unknown as Stream.Stream<unknown, unknown>)
      )
    }
  )
  return Stream.unwrap(answered) as Stream.Stream<unknown, unknown, ProcessHost> as Stream.Stream<
    never,
    CallError,
    ProcessHost
  >
}
