/**
 * Routes that a process handles.
 */
import * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import {
  call as callProcess,
  type CallArguments,
  type CallOptions,
  type PayloadArgument,
  send as sendToProcess
} from "../process/Messaging.ts"
import type { Address } from "../process/Name.ts"
import {
  CalleeExited,
  type CallError,
  CallingSelf,
  CallTimeout,
  HostStopped,
  InboxFull,
  InvalidMessage,
  MessageDropped,
  ProcessClosed,
  ProcessNotFound,
  ProcessRestarting
} from "../process/ProcessError.ts"
import type { ProcessHost } from "../process/ProcessHost.ts"

/**
 * A handler that has a process answer: it calls the process, whose answer is the reply.
 *
 * **Details**
 *
 * - `to`: the pid of the process, or its name, which is looked up for each request.
 * - `topic`: one that has the payload, success and errors of the route.
 * - `options.timeout`: how long to wait for the answer, 5 seconds when absent.
 *
 * When there is no such process, or it does not answer, the log says so, and whoever asked gets `HandlerFailed`.
 *
 * **Example** (A counter behind a socket)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 * import { Authentication, Delegate, IpcClient, IpcServer, Memory, Protocol } from "troupe/net"
 *
 * const Add = Rpc.make("add", { payload: Schema.Int, success: Schema.Int })
 * const Counter = Process.make("app:counter", { protocol: [Add] })
 * const CounterLive = Counter.toLayer(Effect.fn(function*() {
 *   let sum = 0
 *   while (true) {
 *     const message = yield* Counter.receive()
 *     yield* Message.reply(message, (sum += message.payload))
 *   }
 * }))
 *
 * const Sums = Protocol.make("app:sums", { server: [Add] })
 *
 * const program = Effect.gen(function*() {
 *   const counter = yield* Process.spawn(Counter)
 *   const server = yield* IpcServer.make(Memory.make(), Sums, {
 *     authenticator: Authentication.open,
 *     handlers: { add: Delegate.call(counter, "add") }
 *   })
 *   const client = yield* IpcClient.make(server.transport, Sums)
 *   return [yield* client.request("add", 2), yield* client.request("add", 3)]
 * }).pipe(Effect.scoped, Effect.provide([CounterLive, ProcessHost.layer("app:processes")]))
 *
 * await Effect.runPromise(program) // => [2, 5]
 * ```
 *
 * @category constructors
 */
export const call =
  <Rpcs extends Rpc.Any, const Topic extends Rpc.Tag<Rpcs>>(to: Address<Rpcs>, topic: Topic, options?: CallOptions) =>
  (
    payload: Rpc.Payload<Rpc.ExtractTag<Rpcs, Topic>>
  ): Effect.Effect<Rpc.Success<Rpc.ExtractTag<Rpcs, Topic>>, Rpc.Error<Rpc.ExtractTag<Rpcs, Topic>>, ProcessHost> =>
    Effect.catch(
      callProcess(to, topic, ...([payload, options] as CallArguments<Rpc.ExtractTag<Rpcs, Topic>>)),
      (error) => (isCallError(error) ? Effect.die(error) : Effect.fail(error))
    )

/**
 * A handler that has a process do something, for a route that needs no reply: it sends the process a message.
 *
 * **Details**
 *
 * - `to`: the pid of the process, or its name, which is looked up each time.
 * - `topic`: one that has the payload of the route.
 *
 * When there is no such process the log says so; whoever asked, if somebody did and has not told, gets `HandlerFailed`.
 *
 * @category constructors
 */
export const send =
  <Rpcs extends Rpc.Any, const Topic extends Rpc.Tag<Rpcs>>(to: Address<Rpcs>, topic: Topic) =>
  (payload: Rpc.Payload<Rpc.ExtractTag<Rpcs, Topic>>): Effect.Effect<void, never, ProcessHost> =>
    Effect.orDie(sendToProcess(to, topic, ...([payload] as PayloadArgument<Rpc.ExtractTag<Rpcs, Topic>>)))

const callErrors = [
  ProcessNotFound,
  ProcessClosed,
  HostStopped,
  InboxFull,
  InvalidMessage,
  ProcessRestarting,
  CallingSelf,
  CallTimeout,
  CalleeExited,
  MessageDropped
]

const isCallError = (error: unknown): error is CallError => callErrors.some((one) => error instanceof one)
