/**
 * Many calls at once: requests that are sent under labels, and whose responses are received as they come.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import { step } from "../channel/internal/step.ts"
import * as Selectable from "../channel/Selectable.ts"
import { isElsewhere, receiverOf } from "../process/internal/delivery.ts"
import { MessageImpl } from "../process/internal/message.ts"
import { cellOf, type ProcessHost, withHost } from "../process/internal/services.ts"
import type { PayloadArgument } from "../process/Messaging.ts"
import type { Address } from "../process/Name.ts"
import type { CalleeExited, MessageDropped, ProcessRestarting, SendError } from "../process/ProcessError.ts"
import * as internal from "./internal/requests.ts"
import { DuplicateLabel, NoRequest, ResponseTimeout } from "./RequestError.ts"

/**
 * The response to a request of the topic that one `Rpc` defines.
 *
 * @category models
 */
export interface ResponseOf<R extends Rpc.Any, Label> {
  readonly label: Label
  readonly topic: Rpc.Tag<R>
  /** The outcome of a call: the reply, the topic's error, or why there is none. */
  readonly exit: Exit.Exit<Rpc.Success<R>, Rpc.Error<R> | RequestFailure>
}

/**
 * A response to a request of any of the topics `Rpcs`: a union that `topic` narrows.
 *
 * @category models
 */
export type Response<Rpcs extends Rpc.Any, Label> = Rpcs extends Rpc.Any ? ResponseOf<Rpcs, Label> : never

/**
 * Why a request has no answer of its receiver.
 *
 * @category errors
 */
export type RequestFailure = SendError | CalleeExited | ProcessRestarting | MessageDropped

/**
 * Requests of the topics `Rpcs`, under labels: a source of their responses, in the order in which they come.
 *
 * **Details**
 *
 * As a source in a select it waits while there is nothing, also when no request is left.
 *
 * @category models
 */
export interface Requests<in out Rpcs extends Rpc.Any, out Label = string> extends Selectable.Selectable<
  Response<Rpcs, Label>
> {
  /** How many responses are still to be received: those that have come, and those that have not. */
  readonly pending: number
  readonly "~troupe/server/Request": (_: Rpcs) => Rpcs
}

/**
 * Makes a collection of requests; when its scope closes, all of them are abandoned.
 *
 * **Example** (Asking several at once)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Request, Server } from "troupe"
 *
 * const Price = Rpc.make("price", { payload: Schema.String, success: Schema.Int })
 * const Shop = Server.make("app:shop", { args: Schema.Int, protocol: [Price] })
 * const ShopLive = Shop.toLayer((price) =>
 *   Effect.succeed(Shop.of({ handlers: { price: () => Effect.succeed(price) } }))
 * )
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const requests = yield* Request.make<typeof Price>()
 *   yield* Request.send(requests, yield* Process.start(Shop, 12), "price", "tea", { label: "corner shop" })
 *   yield* Request.send(requests, yield* Process.start(Shop, 9), "price", "tea", { label: "market" })
 *   const prices: Array<number> = []
 *   while (requests.pending > 0) {
 *     const { exit } = yield* Request.receive(requests, { timeout: "1 second" })
 *     if (Exit.isSuccess(exit)) prices.push(exit.value)
 *   }
 *   return Math.min(...prices)
 * }))
 *
 * await Effect.runPromise(Effect.provide(program, [ShopLive, ProcessHost.layer("app:processes")])) // => 9
 * ```
 *
 * @category constructors
 */
export const make = <Rpcs extends Rpc.Any, Label = string>(): Effect.Effect<
  Requests<Rpcs, Label>,
  never,
  Scope.Scope
> =>
  Effect.acquireRelease(
    step((fiber) => Exit.succeed(new internal.Requests(fiber.currentDispatcher))),
    (requests) => Effect.sync(() => requests.abandonAll())
  ) as Effect.Effect<unknown, never, Scope.Scope> as Effect.Effect<Requests<Rpcs, Label>, never, Scope.Scope>

/**
 * Sends a request, and never waits: its message is behind all that this sender sent the receiver before.
 *
 * **Details**
 *
 * - `to`, `topic`, `payload`: as with `Process.call`.
 * - `options.label`: tells the response from others; labels compare by value. It is free again when the response was
 *   received, or the request abandoned.
 *
 * A request that can't be delivered is answered as well: the response has the error, and its label. Where the receiver's
 * inbox is full and suspends senders, the request waits in line, and its sender goes on. A request has no deadline of its
 * own: give one when receiving. Fails with `DuplicateLabel` when a request has the label.
 *
 * **Example** (A receiver that is gone)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Name, ProcessHost, Request } from "troupe"
 *
 * const Ping = Rpc.make("ping")
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const requests = yield* Request.make<typeof Ping, number>()
 *   yield* Request.send(requests, Name.make<typeof Ping>("nobody"), "ping", undefined, { label: 7 })
 *   const { exit, label } = yield* Request.receive(requests)
 *   return [label, (yield* Effect.flip(exit))._tag]
 * }))
 *
 * await Effect.runPromise(Effect.provide(program, ProcessHost.layer("app:processes"))) // => [7, "ProcessNotFound"]
 * ```
 *
 * @category requests
 */
export const send = <Rpcs extends Rpc.Any, Label, const Topic extends Rpc.Tag<Rpcs>>(
  requests: Requests<Rpcs, Label>,
  to: Address<Rpc.ExtractTag<Rpcs, Topic>>,
  topic: Topic,
  payload: PayloadArgument<Rpc.ExtractTag<Rpcs, Topic>>[0],
  options: { readonly label: NoInfer<Label> }
): Effect.Effect<void, DuplicateLabel, ProcessHost> =>
  withHost((host, fiber) => {
    const self = implementation(requests)
    const { label } = options
    if (self.has(label)) return Exit.fail(new DuplicateLabel({ label, target: String(to), topic }))
    const message = new MessageImpl(topic, payload, cellOf(fiber)?.pid)
    const receiver = receiverOf(host, to, message)
    if (!isElsewhere(receiver)) self.send(label, message, receiver, host)
    else if (receiver._tag === "Far") self.ask(label, message, receiver)
    else self.refuse(label, message, receiver)
    return Exit.void
  })

/**
 * How long to wait for a response.
 *
 * @category models
 */
export interface ReceiveOptions {
  /** How long to wait, from now on. */
  readonly timeout?: Duration.Input | undefined
  /** Until when to wait: an instant of Effect's `Clock`, in milliseconds. */
  readonly until?: number | undefined
}

/**
 * Receives the next response, waiting until one comes; responses come in the order in which they were given.
 *
 * **Details**
 *
 * As long as it takes when no option is given; with both, until the earlier one. A request that was not answered in time
 * stays valid, and can be received later. An interrupted wait receives nothing.
 *
 * **Errors**
 *
 * - `NoRequest`: no request is left.
 * - `ResponseTimeout`: none was answered in time.
 *
 * **Example** (One deadline for all)
 *
 * ```ts import.meta.vitest
 * import { Clock, Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Request, Server } from "troupe"
 *
 * const Work = Rpc.make("work", { payload: Schema.Finite, success: Schema.Finite })
 * const Worker = Server.make("app:worker", { protocol: [Work] })
 * const WorkerLive = Worker.toLayer(() =>
 *   Effect.succeed(Worker.of({
 *     concurrency: "unbounded",
 *     handlers: { work: (millis) => Effect.as(Effect.sleep(millis), millis) }
 *   }))
 * )
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const worker = yield* Process.start(Worker)
 *   const requests = yield* Request.make<typeof Work>()
 *   yield* Request.send(requests, worker, "work", 60_000, { label: "slow" })
 *   yield* Request.send(requests, worker, "work", 1, { label: "quick" })
 *   const until = (yield* Clock.currentTimeMillis) + 100
 *   const first = yield* Request.receive(requests, { until })
 *   const refusal = yield* Effect.flip(Request.receive(requests, { until }))
 *   return [first.label, refusal._tag]
 * }))
 *
 * await Effect.runPromise(Effect.provide(program, [WorkerLive, ProcessHost.layer("app:processes")]))
 * // => ["quick", "ResponseTimeout"]
 * ```
 *
 * @category requests
 */
export const receive = <Rpcs extends Rpc.Any, Label>(
  requests: Requests<Rpcs, Label>,
  options?: ReceiveOptions
): Effect.Effect<Response<Rpcs, Label>, NoRequest | ResponseTimeout> =>
  withClock((clock): Effect.Effect<Response<Rpcs, Label>, NoRequest | ResponseTimeout> => {
    if (requests.pending === 0) return Exit.fail(new NoRequest())
    const { timeout, until = Infinity } = options ?? {}
    return timeout === undefined && until === Infinity
      ? Selectable.take(requests)
      : receiveBy(requests, Math.min(until, clock.currentTimeMillisUnsafe() + millis(timeout)))
  })

/**
 * Forgets a request: its response, if it came or comes, is dropped. Answers whether there was one under the label.
 *
 * **Details**
 *
 * The receiver may handle the request all the same.
 *
 * @category requests
 */
export const abandon = <Rpcs extends Rpc.Any, Label>(
  requests: Requests<Rpcs, Label>,
  label: Label
): Effect.Effect<boolean> => Effect.sync(() => implementation(requests).abandon(label))

const withClock = <A, E>(f: (clock: Clock.Clock) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  step((fiber) => f(fiber.getRef(Clock.Clock)))

const millis = (timeout: Duration.Input = Duration.infinity): number =>
  Duration.toMillis(Duration.fromInputUnsafe(timeout))

// A response is taken in the step that delivers it, and what waits with a time limit takes nothing, so that an interrupted
// wait has received nothing. What has come is received, even if the time is over.
const receiveBy = <Rpcs extends Rpc.Any, Label>(
  requests: Requests<Rpcs, Label>,
  deadline: number
): Effect.Effect<Response<Rpcs, Label>, ResponseTimeout> =>
  withClock((clock) => {
    const left = deadline - clock.currentTimeMillisUnsafe()
    const response = requests.pollUnsafe()
    if (response !== undefined) return response
    return left > 0
      ? Effect.andThen(Effect.timeoutOption(Selectable.parked([requests]), left), receiveBy(requests, deadline))
      : Exit.fail(new ResponseTimeout({ pending: requests.pending }))
  })

const implementation = <Rpcs extends Rpc.Any, Label>(requests: Requests<Rpcs, Label>): internal.Requests =>
  requests as unknown as internal.Requests
