/**
 * Events: what one process sends under a topic reaches all that have subscribed to a pattern of it.
 *
 * A subscription belongs to the process that subscribed, and ends with it. It keeps a limited number of events; when there
 * are more, the oldest are dropped, and the subscriber is told how many.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import * as Process from "../process/Yielding.ts"
import * as Bus from "./EventBus.ts"
import { EventError } from "./EventError.ts"
import * as Handles from "../dispatch/Handles.ts"

export * from "./EventError.ts"

/**
 * The schema of {@link Subscription}.
 *
 * @category schemas
 */
export const Subscription = Schema.Int.pipe(Schema.brand("troupe/command/Event/Subscription"))

/**
 * A subscription of the process that subscribed, which ends with it.
 *
 * @category models
 */
export type Subscription = typeof Subscription.Type

const error = EventError
const subscription = Subscription

/**
 * The commands of the module `event`.
 *
 * @category commands
 */
export const commands = Command.module("event", {
  subscribe: Command.make(90, {
    payload: {
      patterns: Schema.Array(Schema.String),
      capacity: Schema.optionalKey(Schema.Int)
    },
    success: Subscription,
    error
  }),
  send: Command.make(91, { payload: { topic: Schema.String, payload: Schema.Json }, success: Schema.Int, error }),
  receive: Command.make(92, { payload: { subscription }, success: Bus.Event, error }),
  unsubscribe: Command.make(93, { payload: { subscription }, error })
})

const notOpen = (subscription: number) => new EventError({ reason: { _tag: "NotOpen", subscription } })

/**
 * Handles the module with the `EventBus` of the application.
 *
 * @category layers
 */
export const layer: Layer.Layer<
  Dispatcher.Handles<"event"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError,
  Bus.EventBus
> = Dispatcher.layer(
  commands,
  Effect.map(Bus.EventBus, (bus) => {
    const subscriptions = Handles.make<Bus.Subscription>()
    return commands.of({
      subscribe: ({ patterns, ...options }, { process }) =>
        Effect.map(subscriptions.open(process, bus.subscribe(patterns, options)), (id) => Subscription.make(id)),
      send: ({ payload, topic }) => bus.publish(topic, payload),
      receive: ({ subscription }, { process }) => {
        const found = subscriptions.find(process, subscription)
        if (found === undefined) return Effect.fail(notOpen(subscription))
        return Effect.mapError(found.receive, () => notOpen(subscription))
      },
      unsubscribe: ({ subscription }, { process }) =>
        Effect.flatMap(subscriptions.close(process, subscription), (closed) =>
          closed ? Effect.void : Effect.fail(notOpen(subscription))
        )
    })
  })
)

/**
 * Subscribes this process to all topics of the patterns, from now on.
 *
 * **Details**
 *
 * - `patterns`: words with dots between them, where `*` is any one word and `#` any words, also none.
 * - `options.capacity`: how many events are kept that were not received yet: 256 when absent. When there are more, the
 *   oldest is dropped.
 *
 * **Errors**
 *
 * `EventError`, with the reason `InvalidPattern` or `InvalidCapacity`.
 *
 * **Example** (Whoever is interested)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Event, EventBus } from "troupe/command"
 *
 * const Clerk = Process.make("app:clerk")
 * const ClerkLive = Clerk.toLayer(Effect.fn(function*() {
 *   const created = yield* Event.subscribe(["orders.*.created"])
 *   yield* Event.send("orders.7.paid", { cents: 120 })
 *   const reached = yield* Event.send("orders.8.created", { article: "pen" })
 *   const { payload, topic } = yield* Event.receive(created)
 *   return [reached, topic, payload]
 * })).pipe(Layer.provide(Event.layer), Layer.provide(EventBus.layer))
 *
 * const program = Effect.flatMap(Process.spawn(Clerk), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClerkLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([1, "orders.8.created", { article: "pen" }])
 * ```
 *
 * @category yielding
 */
export const subscribe = (patterns: ReadonlyArray<string>, options?: { readonly capacity?: number | undefined }) =>
  Process.yield(commands.subscribe, {
    patterns,
    ...(options?.capacity === undefined ? {} : { capacity: options.capacity })
  })

/**
 * Sends an event to all who have subscribed to a pattern of its topic, the sender among them; answers how many
 * subscriptions got it. It does not wait until they receive it.
 *
 * **Errors**
 *
 * `EventError`, with the reason `InvalidTopic`.
 *
 * @category yielding
 */
export const send = (topic: string, payload: Schema.Json) => Process.yield(commands.send, { topic, payload })

/**
 * Waits for the next event of a subscription, which tells how many were dropped before it.
 *
 * **Errors**
 *
 * `EventError`, with the reason `NotOpen`.
 *
 * @category yielding
 */
export const receive = (subscription: Subscription) => Process.yield(commands.receive, { subscription })

/**
 * Ends a subscription; what it kept is dropped, and who waits for an event fails with `NotOpen`.
 *
 * @category yielding
 */
export const unsubscribe = (subscription: Subscription) => Process.yield(commands.unsubscribe, { subscription })
