/**
 * Sending a message to a process, and calling it for an answer.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import { effectOf, Step } from "../channel/internal/step.ts"
import { waitIn } from "../channel/internal/wait.ts"
import { isInner } from "../dispatch/internal/inner.ts"
import type { Alias } from "./Alias.ts"
import { AliasImpl } from "./internal/alias.ts"
import { Call, millisecondsOf } from "./internal/call.ts"
import { deliver, isElsewhere, offer, receiverOf } from "./internal/delivery.ts"
import type { Cell } from "./internal/cell.ts"
import { targetOf } from "./internal/pid.ts"
import { MessageImpl } from "./internal/message.ts"
import { cellOf, hostOf, type ProcessHost } from "./internal/services.ts"
import type { Address } from "./Name.ts"
import { type CallError, CallingSelf, ProcessRestarting, type SendError } from "./ProcessError.ts"

/**
 * The argument that carries a payload: it may be left out where the topic has none.
 *
 * @category utility types
 */
export type PayloadArgument<R extends Rpc.Any> = [Rpc.Payload<R>] extends [void]
  ? [payload?: undefined]
  : [payload: Rpc.Payload<R>]

/**
 * Sends a message; once the effect has succeeded, the message is in the receiver's inbox, behind all that this sender
 * sent it before.
 *
 * **Details**
 *
 * - `to`: a pid, the name of a registered process (`Relay.named("relay")`), or an alias.
 * - `payload`: passed by reference within the application; it may be left out where the topic has none.
 *
 * Never waits, unless the receiver's inbox has a capacity and suspends senders, or the receiver is a process of another
 * node, which has to say that it accepted the message. An interrupted wait has sent nothing; to another node it may have.
 * Between one sender and one receiver messages arrive in the order in which they were sent. What was accepted is either
 * taken by the receiver or becomes a dead letter.
 *
 * **Errors**
 *
 * Each gives the message back as `request`, with its topic and payload.
 *
 * - `ProcessNotFound`: there is no process under the pid or name.
 * - `ProcessClosed`: the process is ending.
 * - `HostStopped`: its host is stopping or has stopped.
 * - `InboxFull`: its inbox is full and rejects.
 * - `InvalidMessage`: the topic or the payload came past the types and is not what the receiver takes; or it can't cross to
 *   the receiver's node, for one since the pid came without the schemas of its topics.
 * - `NoConnection`: the receiver's node is not connected, or was lost before it had answered.
 *
 * **Example** (Sending to a pid)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost } from "troupe"
 *
 * const Greet = Rpc.make("greet", { payload: { name: Schema.String } })
 * const Greeter = Process.make("app:greeter", { protocol: [Greet], success: Schema.String })
 * const GreeterLive = Greeter.toLayer(Effect.fn(function*() {
 *   const message = yield* Greeter.receive()
 *   return `Hello, ${message.payload.name}`
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Greeter)
 *   yield* Process.send(pid, "greet", { name: "Ada" })
 *   return yield* Effect.flatten(Process.await(pid))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [GreeterLive, ProcessHost.layer("app:processes")])) // => "Hello, Ada"
 * ```
 *
 * @category messages
 */
export const send = <Rpcs extends Rpc.Any, const Topic extends Rpc.Tag<Rpcs>>(
  to: Address<Rpcs> | Alias<Rpcs>,
  topic: Topic,
  ...args: PayloadArgument<Rpc.ExtractTag<Rpcs, Topic>>
): Effect.Effect<void, SendError, ProcessHost> => effectOf(new Sending(to, topic, args[0]))

class Sending extends Step {
  private readonly to: Address | Alias
  private readonly topic: string
  private readonly payload: unknown

  constructor(to: Address | Alias, topic: string, payload: unknown) {
    super()
    this.to = to
    this.topic = topic
    this.payload = payload
  }

  // Whoever waits for the message goes on right behind the step, which so has to be one.
  override now(fiber: Fiber.Fiber<unknown, unknown>): Exit.Exit<void, SendError> | undefined {
    const receiver = targetOf(this.to) as Cell | undefined
    const sender = cellOf(fiber)
    if (receiver === undefined || sender?.witness !== undefined) return undefined
    if (receiver.refusal() !== undefined || receiver.queueFor(this.topic).wouldWake) return undefined
    return offer(receiver, new MessageImpl(this.topic, this.payload, sender?.pid), sender?.whenSending())
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void, SendError> {
    const sender = cellOf(fiber)
    const message = new MessageImpl(this.topic, this.payload, sender?.pid)
    return sender?.witness === undefined || isInner(fiber)
      ? this.send(message, sender, fiber)
      : sender.witness.onSend(nameOf(this.to), message, () => this.send(message, sender, fiber))
  }

  private send(
    message: MessageImpl,
    sender: Cell | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<void, SendError> {
    const { to } = this
    if (to instanceof AliasImpl) return to.send(message)
    const receiver = receiverOf(hostOf(fiber, sender), to as Address, message)
    if (!isElsewhere(receiver)) return deliver(receiver, message, sender?.whenSending())
    return receiver._tag === "Far" ? receiver.send(message, fiber) : Exit.fail(receiver)
  }
}

const nameOf = (to: Address | Alias): string => (to instanceof AliasImpl ? "an alias" : String(to))

/**
 * Sends a message and waits for its answer, which comes exactly once: the callee's reply, its end, or the deadline.
 *
 * **Details**
 *
 * - `to`, `topic`, `payload`: as with `send`. The topic's `success` and `error` schemas type the answer.
 * - `options.timeout`: how long to wait, 5 seconds by default; `"Infinity"` waits as long as the callee lives.
 *
 * An interrupted call waits no longer; the callee may handle it all the same. An answer that comes too late is dropped.
 * At a full inbox that suspends senders the call waits for space first, and not beyond its deadline.
 *
 * **Errors**
 *
 * The topic's own error, when the callee replies with it; those of `send`; and, each with the `request` that was not
 * answered,
 *
 * - `CallingSelf`: a process called itself.
 * - `CallTimeout`: there was no answer in time.
 * - `CalleeExited`: the callee ended without an answer, with its exit.
 * - `ProcessRestarting`: the callee is down and will be restarted.
 * - `MessageDropped`: the callee's inbox was full, and its policy dropped the call.
 * - `InvalidMessage`, of the reason `InvalidAnswer`: the answer of a process of another node did not fit its topic's schema.
 *
 * **Example** (Asking for an answer)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 *
 * const Length = Rpc.make("length", { payload: Schema.String, success: Schema.Int })
 * const Measure = Process.make("app:measure", { protocol: [Length] })
 * const MeasureLive = Measure.toLayer(Effect.fn(function*() {
 *   const message = yield* Measure.receive()
 *   yield* Message.reply(message, message.payload.length)
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Measure)
 *   const length = yield* Process.call(pid, "length", "troupe", { timeout: "1 second" })
 *   yield* Process.await(pid)
 *   const refusal = yield* Effect.flip(Process.call(pid, "length", "again"))
 *   return [length, refusal._tag]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [MeasureLive, ProcessHost.layer("app:processes")]))
 * // => [6, "ProcessNotFound"]
 * ```
 *
 * @category messages
 */
export const call = <Rpcs extends Rpc.Any, const Topic extends Rpc.Tag<Rpcs>>(
  to: Address<Rpcs>,
  topic: Topic,
  ...args: CallArguments<Rpc.ExtractTag<Rpcs, Topic>>
): Effect.Effect<
  Rpc.Success<Rpc.ExtractTag<Rpcs, Topic>>,
  CallError | Rpc.Error<Rpc.ExtractTag<Rpcs, Topic>>,
  ProcessHost
> => effectOf(new Calling(to, topic, args[0], args[1]))

// One step, so that nothing falls between what is set up and what clears it away.
class Calling extends Step {
  private readonly to: Address
  private readonly topic: string
  private readonly payload: unknown
  private readonly options: CallOptions | undefined

  constructor(to: Address, topic: string, payload: unknown, options: CallOptions | undefined) {
    super()
    this.to = to
    this.topic = topic
    this.payload = payload
    this.options = options
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown> {
    const caller = cellOf(fiber)
    const host = hostOf(fiber, caller)
    const message = new MessageImpl(this.topic, this.payload, caller?.pid)
    if (caller?.witness !== undefined && !isInner(fiber)) {
      caller.witness.onUnplayable(`a call of "${this.topic}" to ${String(this.to)}`)
    }
    const callee = receiverOf(host, this.to, message)
    if (isElsewhere(callee)) {
      return callee._tag === "Far" ? callee.call(host, message, millisecondsOf(this.options), fiber) : Exit.fail(callee)
    }
    if (caller === callee) return Exit.fail(new CallingSelf({ target: callee.name, request: message.request }))
    if (callee.status === "restarting") {
      return Exit.fail(new ProcessRestarting({ target: callee.name, request: message.request }))
    }
    const call = new Call(message, callee, millisecondsOf(this.options), fiber.currentDispatcher)
    message.call = call
    const accepted = offer(callee, message)
    if (accepted !== undefined && Exit.isFailure(accepted)) return accepted
    if (accepted === undefined) call.parkIn(callee.queueFor(message.topic))
    call.begin(host)
    return waitIn(call)
  }
}

/**
 * The arguments of a call behind its topic.
 *
 * @category utility types
 */
export type CallArguments<R extends Rpc.Any> = [Rpc.Payload<R>] extends [void]
  ? [payload?: undefined, options?: CallOptions]
  : [payload: Rpc.Payload<R>, options?: CallOptions]

/**
 * How a call waits.
 *
 * @category models
 */
export interface CallOptions {
  /** How long to wait for the answer: 5 seconds when absent. */
  readonly timeout?: Duration.Input | undefined
}
