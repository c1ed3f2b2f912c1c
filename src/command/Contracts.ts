/**
 * Contracts: calling a service by what it promises and not by who it is. A contract is a set of topics; the layer binds it
 * to the name under which the service is registered.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import * as Handles from "../dispatch/Handles.ts"
import type { Yielder } from "../dispatch/Yielded.ts"
import type { Protocol } from "../process/Definition.ts"
import type * as Messaging from "../process/Messaging.ts"
import type { Address } from "../process/Name.ts"
import * as Process from "../process/Yielding.ts"
import {
  CallFailure,
  ContractCallCancelled,
  ContractCallNotFound,
  ContractClosed,
  ContractNotBound,
  DuplicateBinding,
  InvalidAnswer,
  InvalidContractCall,
  ServiceDown,
  TopicFailed
} from "./ContractError.ts"
import { asCaller } from "./internal/caller.ts"
import { callOf, namesOf, type Open, opened, present, topicOf } from "./internal/contracts.ts"
import { decode, encode } from "./internal/json.ts"
import { Running } from "./internal/running.ts"

export * from "./ContractError.ts"

/**
 * The schema of {@link Handle}.
 *
 * @category schemas
 */
export const Handle = Schema.Int.pipe(Schema.brand("troupe/command/Contracts/Handle"))

/**
 * An open contract of the process that opened it, by its number.
 *
 * @category models
 */
export type Handle = typeof Handle.Type

/**
 * The schema of {@link Call}.
 *
 * @category schemas
 */
export const Call = Schema.Int.pipe(Schema.brand("troupe/command/Contracts/Call"))

/**
 * A call in flight, of the process that made it, by its number.
 *
 * @category models
 */
export type Call = typeof Call.Type

const Calling = {
  handle: Handle,
  topic: Schema.String,
  payload: Schema.Json,
  timeout: Schema.optional(Schema.Duration)
}

/**
 * The commands of the module `contract`.
 *
 * @category commands
 */
export const commands = Command.module("contract", {
  open: Command.make(190, {
    payload: { contract: Schema.String },
    success: Handle,
    error: Schema.Union([ContractNotBound, ServiceDown])
  }),
  call: Command.make(191, { payload: Calling, success: Schema.Json, error: CallFailure }),
  start: Command.make(192, {
    payload: Calling,
    success: Call,
    error: Schema.Union([ContractClosed, InvalidContractCall])
  }),
  await: Command.make(193, {
    payload: { call: Call },
    success: Schema.Json,
    error: Schema.Union([CallFailure, ContractCallCancelled, ContractCallNotFound])
  }),
  cancel: Command.make(194, { payload: { call: Call } }),
  close: Command.make(195, { payload: { handle: Handle } })
})

/**
 * A contract: a name, and the topics that a service answers which keeps it.
 *
 * @category models
 */
export interface Contract<in out Rpcs extends Rpc.Any> {
  readonly name: string
  /** To be part of the protocol of each service that keeps the contract. */
  readonly protocol: ReadonlyArray<Rpcs>
}

/**
 * Defines a contract: a value that those who keep it and those who call by it share.
 *
 * @category constructors
 */
export const make = <const Rpcs extends Rpc.Any>(name: string, protocol: Protocol<Rpcs>): Contract<Rpcs> => ({
  name,
  protocol
})

/**
 * A contract and who keeps it.
 *
 * @category models
 */
export interface Binding {
  readonly contract: string
  readonly protocol: ReadonlyArray<Rpc.Any>
  readonly service: Address
}

/**
 * Binds a contract to a service, for {@link layer}: the name under which it is registered, or a pid.
 *
 * **Details**
 *
 * Whoever has the name when a call is made gets it, so that a service may be started anew, or moved, under an open contract.
 *
 * @category constructors
 */
export const bind = <Rpcs extends Rpc.Any>(contract: Contract<Rpcs>, service: Address<Rpcs>): Binding => ({
  contract: contract.name,
  protocol: contract.protocol,
  service: service as Address<never> as Address
})

/**
 * Handles the module; the bindings are the contracts that may be opened.
 *
 * **Errors**
 *
 * - `DuplicateBinding`: a contract is bound twice.
 *
 * **Example** (Calling whoever keeps a contract)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Server } from "troupe"
 * import { Contracts } from "troupe/command"
 *
 * const Price = Rpc.make("price", { payload: Schema.String, success: Schema.Int, error: Schema.Literal("sold out") })
 * const Pricing = Contracts.make("pricing", [Price])
 *
 * const Shop = Server.make("app:shop", { protocol: Pricing.protocol })
 * const ShopLive = Shop.toLayer(() =>
 *   Effect.succeed(Shop.of({
 *     handlers: { price: (what) => what === "tea" ? Effect.succeed(3) : Effect.fail("sold out") }
 *   }))
 * )
 *
 * const Buyer = Process.make("app:buyer")
 * const BuyerLive = Buyer.toLayer(Effect.fn(function*() {
 *   const pricing = yield* Contracts.open(Pricing)
 *   const tea = yield* Contracts.call(pricing, "price", "tea")
 *   return [tea, yield* Effect.flip(Contracts.call(pricing, "price", "coffee"))]
 * })).pipe(Layer.provide(Contracts.layer([Contracts.bind(Pricing, Shop.named("shop"))])))
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.start(Shop, undefined, { name: "shop" })
 *   return yield* Process.await(yield* Process.spawn(Buyer))
 * })
 * await Effect.runPromise(Effect.provide(program, [ShopLive, BuyerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([3, "sold out"])
 * ```
 *
 * @category layers
 */
export const layer = (
  bindings: ReadonlyArray<Binding>
): Layer.Layer<
  Dispatcher.Handles<"contract"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | DuplicateBinding
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const bound = new Map<string, Binding>()
      for (const binding of bindings) {
        if (bound.has(binding.contract)) return yield* new DuplicateBinding({ contract: binding.contract })
        bound.set(binding.contract, binding)
      }
      const contracts = Handles.make<Open>()
      const running = new Running<Schema.Json, CallFailure>()

      const prepare = ({ handle, payload, timeout, topic }: Rpc.Payload<typeof commands.call>, process: Yielder) =>
        Effect.gen(function* () {
          const closed = new ContractClosed({ handle, process: process.id })
          const open = contracts.find(process, handle)
          if (open === undefined) return yield* closed
          const work = yield* callOf(open, topic, payload, timeout)
          return Effect.raceFirst(Effect.andThen(Deferred.await(open.closed), closed), work)
        })

      return commands.of({
        open: ({ contract }, { process }) => {
          const binding = bound.get(contract)
          return binding === undefined
            ? new ContractNotBound({ contract, known: [...bound.keys()] })
            : Effect.andThen(
                asCaller(present(binding)),
                Effect.map(contracts.open(process, opened(binding)), (id) => Handle.make(id))
              )
        },
        call: (calling, { process }) => Effect.flatten(prepare(calling, process)),
        start: (calling, { process }) =>
          Effect.flatMap(prepare(calling, process), (work) =>
            Effect.map(running.start(process, process.scope, work), (id) => Call.make(id))
          ),
        await: ({ call }, { process }) => {
          const about = { call, process: process.id }
          return running.await(process, call, {
            gone: new ContractCallNotFound(about),
            calledOff: new ContractCallCancelled(about)
          })
        },
        cancel: ({ call }, { process }) => Effect.asVoid(running.cancel(process, call)),
        close: ({ handle }, { process }) => Effect.asVoid(contracts.close(process, handle))
      })
    })
  )

/**
 * An open contract, with what it promises.
 *
 * @category models
 */
export interface Opened<in out Rpcs extends Rpc.Any> {
  readonly handle: Handle
  readonly contract: Contract<Rpcs>
}

/**
 * A call in flight, with what it is answered with.
 *
 * @category models
 */
export interface Pending<out R extends Rpc.Any> {
  readonly call: Call
  readonly contract: string
  readonly rpc: R
}

/**
 * Opens a contract, until it is closed or the process ends.
 *
 * **Errors**
 *
 * - `ContractNotBound`: nothing is bound to it; what is bound is listed.
 * - `ServiceDown`: there is no process under the service's name.
 *
 * @category yielding
 */
export const open = <Rpcs extends Rpc.Any>(contract: Contract<Rpcs>) =>
  Effect.map(Process.yield(commands.open, { contract: contract.name }), (handle): Opened<Rpcs> => ({
    handle,
    contract
  }))

interface Wanted {
  readonly rpc: Rpc.AnyWithProps
  readonly payload: Rpc.Payload<typeof commands.call>
}

const wanted = (
  { contract, handle }: Opened<Rpc.Any>,
  topic: string,
  payload: unknown,
  options: Messaging.CallOptions | undefined
): Effect.Effect<Wanted, InvalidContractCall> =>
  Effect.suspend(() => {
    const invalid = (detail: string) => new InvalidContractCall({ contract: contract.name, topic, detail })
    const rpc = topicOf(contract.protocol, topic)
    if (rpc === undefined) return Effect.fail(invalid(`the contract has ${namesOf(contract.protocol)}.`))
    const timeout = options?.timeout === undefined ? undefined : Duration.fromInputUnsafe(options.timeout)
    return Effect.mapBoth(encode(rpc.payloadSchema, payload), {
      onFailure: (detail) => invalid(`its payload does not fit its schema: ${detail}`),
      onSuccess: (payload) => ({ rpc, payload: { handle, topic, payload, timeout } })
    })
  })

const reading =
  <R extends Rpc.Any>(contract: string, rpc: Rpc.AnyWithProps) =>
  <E, S>(
    answer: Effect.Effect<Schema.Json, E | TopicFailed, S>
  ): Effect.Effect<Rpc.Success<R>, Exclude<E, TopicFailed> | InvalidAnswer | Rpc.Error<R>, S> => {
    const wrong = (detail: string) => new InvalidAnswer({ contract, topic: rpc._tag, detail })
    const failed = (error: E | TopicFailed): Effect.Effect<never, unknown> =>
      error instanceof TopicFailed
        ? Effect.flatMap(Effect.mapError(decode(rpc.errorSchema, error.error), wrong), Effect.fail)
        : Effect.fail(error)
    return Effect.matchEffect(answer, {
      onFailure: failed,
      onSuccess: (json) => Effect.mapError(decode(rpc.successSchema, json), wrong)
    }) as Effect.Effect<Rpc.Success<R>, Exclude<E, TopicFailed> | InvalidAnswer | Rpc.Error<R>, S>
  }

/**
 * Calls the service behind a contract, and waits for its answer: 5 seconds unless `timeout` says otherwise.
 *
 * **Errors**
 *
 * The topic's own, and
 *
 * - `ContractClosed`: it was closed, before or meanwhile.
 * - `ServiceDown`: the service is not there, is ending or restarting, or ended without an answer.
 * - `ServiceOverloaded`: its inbox is full.
 * - `ContractTimeout`: there was no answer in time.
 * - `InvalidContractCall`, `InvalidAnswer`: what went in or came out does not fit.
 *
 * @category yielding
 */
export const call = <Rpcs extends Rpc.Any, const T extends Rpc.Tag<Rpcs>>(
  opened: Opened<Rpcs>,
  topic: T,
  ...[payload, options]: Messaging.CallArguments<Rpc.ExtractTag<Rpcs, T>>
) =>
  Effect.flatMap(wanted(opened as never, topic, payload, options), ({ payload, rpc }) =>
    reading<Rpc.ExtractTag<Rpcs, T>>(opened.contract.name, rpc)(Process.yield(commands.call, payload))
  )

/**
 * Calls the service behind a contract and goes on; {@link await} has the answer. The call ends with the process.
 *
 * @category yielding
 */
export const start = <Rpcs extends Rpc.Any, const T extends Rpc.Tag<Rpcs>>(
  opened: Opened<Rpcs>,
  topic: T,
  ...[payload, options]: Messaging.CallArguments<Rpc.ExtractTag<Rpcs, T>>
) =>
  Effect.flatMap(wanted(opened as never, topic, payload, options), ({ payload, rpc }) =>
    Effect.map(
      Process.yield(commands.start, payload),
      (call) => ({ call, contract: opened.contract.name, rpc }) as unknown as Pending<Rpc.ExtractTag<Rpcs, T>>
    )
  )

const await_ = <R extends Rpc.Any>({ call, contract, rpc }: Pending<R>) =>
  reading<R>(contract, rpc as unknown as Rpc.AnyWithProps)(Process.yield(commands.await, { call }))

export {
  /**
   * Waits for the answer to a call that this process started; the answer is given once.
   *
   * **Details**
   *
   * An interrupted wait leaves the call as it is, and its answer can be waited for again.
   *
   * **Errors**
   *
   * Those of {@link call}, and
   *
   * - `ContractCallCancelled`: it was cancelled meanwhile.
   * - `ContractCallNotFound`: it was cancelled before, its answer was given, or another process made it.
   *
   * @category yielding
   */
  await_ as await
}

/**
 * Waits no longer for a call that this process started, and forgets it; the service may handle it all the same.
 *
 * @category yielding
 */
export const cancel = <R extends Rpc.Any>({ call }: Pending<R>) => Process.yield(commands.cancel, { call })

/**
 * Closes a contract; calls that are not answered yet fail with `ContractClosed`. One that is closed stays so.
 *
 * @category yielding
 */
export const close = <Rpcs extends Rpc.Any>({ handle }: Opened<Rpcs>) => Process.yield(commands.close, { handle })
