/**
 * A bus of events in the memory of an application: what is published under a topic reaches everyone who has subscribed to
 * a pattern of it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Channel from "../channel/Channel.ts"
import type { ChannelClosed } from "../channel/ChannelError.ts"
import { implementationOf } from "../channel/internal/channel.ts"
import { step } from "../channel/internal/step.ts"
import { EventError } from "./EventError.ts"
import { matches, patternWords, topicWords } from "./internal/topicPattern.ts"

/**
 * The schema of {@link Event}.
 *
 * @category schemas
 */
export const Event = Schema.Struct({ topic: Schema.String, payload: Schema.Json, dropped: Schema.Int })

/**
 * An event, as a subscriber receives it: `dropped` counts those which the subscription had no room for, between the event
 * received before this one and this one.
 *
 * @category models
 */
export type Event = typeof Event.Type

/**
 * A subscription, for as long as the scope is open in which it was made.
 *
 * @category models
 */
export interface Subscription {
  /** Waits for the next event; each goes to one of those who wait, first come, first served. */
  readonly receive: Effect.Effect<Event, ChannelClosed>
}

/**
 * A bus of events.
 *
 * @category models
 */
export interface Bus {
  /**
   * Gives an event to all subscriptions with a pattern of its topic, and answers how many they are. It never waits: a
   * subscription that is full drops its oldest event.
   */
  readonly publish: (topic: string, payload: Schema.Json) => Effect.Effect<number, EventError>

  /**
   * Subscribes to all topics of the patterns, from now on. It keeps up to `capacity` events that were not received yet,
   * 256 when absent.
   */
  readonly subscribe: (
    patterns: ReadonlyArray<string>,
    options?: { readonly capacity?: number | undefined }
  ) => Effect.Effect<Subscription, EventError, Scope.Scope>
}

interface Sent {
  readonly topic: string
  readonly payload: Schema.Json
  /** Counts the events of the subscription from 1. */
  readonly number: number
}

interface Subscriber {
  readonly patterns: ReadonlyArray<ReadonlyArray<string>>
  readonly events: Channel.Channel<Sent>
  sent: number
}

const makeBus = (): Bus => {
  const subscribers = new Set<Subscriber>()
  return {
    publish: (topic, payload) =>
      // In one step, so that all subscriptions have the events of all publishers in one order.
      step((): Exit.Exit<number, EventError> => {
        const words = topicWords(topic)
        if (words === undefined) return Exit.fail(new EventError({ reason: { _tag: "InvalidTopic", topic } }))
        let reached = 0
        for (const subscriber of subscribers) {
          if (!subscriber.patterns.some((pattern) => matches(pattern, words))) continue
          implementationOf(subscriber.events).sendNow({ topic, payload, number: ++subscriber.sent })
          reached++
        }
        return Exit.succeed(reached)
      }),
    subscribe: (texts, { capacity = 256 } = {}) =>
      Effect.gen(function* () {
        const patterns: Array<ReadonlyArray<string>> = []
        for (const pattern of texts) {
          const words = patternWords(pattern)
          if (words === undefined) return yield* new EventError({ reason: { _tag: "InvalidPattern", pattern } })
          patterns.push(words)
        }
        const events = yield* Effect.mapError(
          Channel.sliding<Sent>(capacity),
          () => new EventError({ reason: { _tag: "InvalidCapacity", capacity } })
        )
        const subscriber: Subscriber = { patterns, events, sent: 0 }
        yield* Effect.acquireRelease(
          Effect.sync(() => subscribers.add(subscriber)),
          () => {
            subscribers.delete(subscriber)
            return Channel.cancel(events)
          }
        )
        let received = 0
        const receive = Effect.map(Channel.receive(events), ({ number, payload, topic }): Event => {
          const dropped = number - received - 1
          received = number
          return { topic, payload, dropped }
        })
        return { receive }
      })
  }
}

/**
 * The bus of an application.
 *
 * **Details**
 *
 * Topics are words with dots between them, such as `orders.7.created`. In a pattern `*` is any one word and `#` any words,
 * also none: `orders.*.created` has `orders.7.created`, and `orders.#` has that one, `orders`, and all that begins with
 * `orders.`. A subscription with several patterns of a topic gets its event once. All
 * subscriptions have events in one order, that in which they were published.
 *
 * **Example** (Publishing and subscribing, also outside of processes)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { EventBus } from "troupe/command"
 *
 * const program = Effect.gen(function*() {
 *   const bus = yield* EventBus.EventBus
 *   const orders = yield* bus.subscribe(["orders.#"], { capacity: 1 })
 *   yield* bus.publish("orders.7.created", { article: "pen" })
 *   yield* bus.publish("orders.7.paid", { cents: 120 })
 *   yield* bus.publish("stock.7", null)
 *   return yield* orders.receive
 * }).pipe(Effect.scoped)
 *
 * await Effect.runPromise(Effect.provide(program, EventBus.layer))
 * // => { topic: "orders.7.paid", payload: { cents: 120 }, dropped: 1 }
 * ```
 *
 * @category services
 */
export class EventBus extends Context.Service<EventBus, Bus>()("troupe/command/EventBus") {}

/**
 * Provides a bus in memory. All layers that are built together share it.
 *
 * @category layers
 */
export const layer: Layer.Layer<EventBus> = Layer.sync(EventBus, makeBus)
