import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Logger, Schema } from "effect"
import { Process } from "troupe"
import * as Event from "../../src/command/Event.ts"
import * as EventBus from "../../src/command/EventBus.ts"
import { throughJson } from "../support/codecs.ts"
import { host, inProcess, settle } from "../support/processes.ts"
import { withProcess } from "../support/withProcess.ts"

const live = Layer.mergeAll(Event.layer.pipe(Layer.provideMerge(EventBus.layer)), host, Logger.layer([]))

const reason = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, Event.EventError, String(error))
    return error.reason
  })

/** Whether a topic is one of a pattern, told by a regular expression. */
const expected = (pattern: string, topic: string): boolean => {
  const parts = pattern
    .split(".")
    .map((word) => (word === "#" ? "(\\.[^.]+)*" : word === "*" ? "\\.[^.]+" : `\\.${word}`))
  return new RegExp(`^${parts.join("")}$`).test(`.${topic}`)
}

/** All texts of up to so many of the words. */
const texts = (words: ReadonlyArray<string>, most: number): ReadonlyArray<string> =>
  most === 1 ? words : [...words, ...texts(words, most - 1).flatMap((rest) => words.map((word) => `${word}.${rest}`))]

/** The topics that a subscription to the pattern gets. */
const reached = (pattern: string, topics: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const bus = yield* EventBus.EventBus
    const { receive } = yield* bus.subscribe([pattern], { capacity: topics.length })
    let count = 0
    for (const topic of topics) count += yield* bus.publish(topic, null)
    const got: Array<string> = []
    while (got.length < count) got.push((yield* receive).topic)
    return got
  }).pipe(Effect.scoped, Effect.provide(EventBus.layer))

describe("D18 event", () => {
  it.effect("D18 event: every pattern of up to 4 words has the topics that it says, of all of up to 5 words", () =>
    Effect.gen(function* () {
      const topics = texts(["a", "b"], 5)
      for (const pattern of texts(["a", "b", "*", "#"], 4)) {
        const right = topics.filter((topic) => expected(pattern, topic))
        assert.deepStrictEqual(yield* reached(pattern, topics), right, pattern)
      }
    })
  )

  const Word = Schema.Literals(["a", "b", "*", "#", "#"])
  const Words = Schema.NonEmptyArray(Word)

  it.effect.prop("D18 event: long patterns have the topics that they say", [Words, Words], ([pattern, words]) =>
    Effect.gen(function* () {
      const topic = words.map((word) => (word === "*" || word === "#" ? "c" : word)).join(".")
      const right = expected(pattern.join("."), topic) ? [topic] : []
      assert.deepStrictEqual(yield* reached(pattern.join("."), [topic]), right)
    })
  )

  it.effect(
    "D18 event: an event reaches each subscription that has its topic once, in order; send tells how many",
    () =>
      Effect.gen(function* () {
        const answer = yield* inProcess(
          Effect.gen(function* () {
            const all = yield* Event.subscribe(["#"])
            const created = yield* Event.subscribe(["orders.*.created", "*.7.#"])
            const none = yield* Event.subscribe([])
            assert.strictEqual(yield* Event.send("orders.7.created", 1), 2)
            assert.strictEqual(yield* Event.send("orders.8.created", { n: [2] }), 2)
            assert.strictEqual(yield* Event.send("orders", "three"), 1)
            const take = (subscription: Event.Subscription, count: number) =>
              Effect.all(
                Array.from({ length: count }, () => Effect.map(Event.receive(subscription), ({ payload }) => payload))
              )
            const answer = [yield* take(all, 3), yield* take(created, 2)]
            for (const one of [all, created, none]) yield* Event.unsubscribe(one)
            assert.strictEqual(yield* Event.send("orders", null), 0)
            return answer
          })
        )
        assert.deepStrictEqual(answer, [
          [1, { n: [2] }, "three"],
          [1, { n: [2] }]
        ])
      }).pipe(Effect.provide(live))
  )

  it.effect("D18 event: a full subscription drops its oldest events, and each receive tells how many", () =>
    inProcess(
      Effect.gen(function* () {
        const subscription = yield* Event.subscribe(["n"], { capacity: 3 })
        const send = (from: number, to: number) =>
          Effect.forEach(Array.from({ length: to - from + 1 }), (_, index) => Event.send("n", from + index))
        const receive = Effect.map(Event.receive(subscription), ({ dropped, payload }) => [payload, dropped])
        yield* send(1, 2)
        assert.deepStrictEqual(yield* receive, [1, 0])
        yield* send(3, 8)
        assert.deepStrictEqual(yield* receive, [6, 4])
        yield* send(9, 10)
        for (const expected of [
          [8, 1],
          [9, 0],
          [10, 0]
        ])
          assert.deepStrictEqual(yield* receive, expected)
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 event: receivers wait for events, first come, first served, and fail when the subscription ends", () =>
    inProcess(
      Effect.gen(function* () {
        const subscription = yield* Event.subscribe(["a"])
        const receive = Process.yieldAsync(Event.commands.receive, { subscription })
        const [first, second, third] = yield* Effect.all([receive, receive, receive])
        yield* Event.send("a", 1)
        yield* Event.send("a", 2)
        assert.strictEqual((yield* first.await).payload, 1)
        assert.strictEqual((yield* second.await).payload, 2)
        yield* Event.unsubscribe(subscription)
        assert.deepStrictEqual(yield* reason(third.await), { _tag: "NotOpen", subscription })
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 event: a subscription ends with its process, and is nothing to others", () =>
    Effect.gen(function* () {
      const subscribed = yield* Deferred.make<Event.Subscription>()
      const body = Effect.flatMap(Event.subscribe(["a"]), (subscription) =>
        Effect.andThen(Deferred.succeed(subscribed, subscription), Event.receive(subscription))
      )
      yield* withProcess(Effect.andThen(body, Effect.never), (kill) =>
        Effect.gen(function* () {
          const subscription = yield* Deferred.await(subscribed)
          yield* settle
          assert.deepStrictEqual(yield* reason(inProcess(Event.receive(subscription))), {
            _tag: "NotOpen",
            subscription
          })
          assert.deepStrictEqual(yield* reason(inProcess(Event.unsubscribe(subscription))), {
            _tag: "NotOpen",
            subscription
          })
          assert.strictEqual(yield* inProcess(Event.send("a", null)), 1)
          yield* kill
          assert.strictEqual(yield* inProcess(Event.send("a", null)), 0)
        })
      )
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 event: what is no topic, no pattern, and no capacity", () =>
    inProcess(
      Effect.gen(function* () {
        for (const topic of ["", ".", "a.", ".a", "a..b", "a b", "a.*", "#", "a#"])
          assert.deepStrictEqual(yield* reason(Event.send(topic, null)), { _tag: "InvalidTopic", topic })
        for (const pattern of ["", "a.", "a..b", "a b", "**", "a*", "#.a#"])
          assert.deepStrictEqual(yield* reason(Event.subscribe(["a", pattern])), { _tag: "InvalidPattern", pattern })
        for (const capacity of [0, -1])
          assert.deepStrictEqual(yield* reason(Event.subscribe(["a"], { capacity })), {
            _tag: "InvalidCapacity",
            capacity
          })
        assert.strictEqual(yield* Event.send("a", null), 0)
        assert.strictEqual(yield* Event.send("grün.7-x:/Ω", null), 0)
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 event: events and errors cross their schemas", () =>
    Effect.gen(function* () {
      const { receive, send, subscribe } = Event.commands
      yield* throughJson(subscribe.payloadSchema, { patterns: ["a.#"], capacity: 1 })
      yield* throughJson(send.payloadSchema, { topic: "a", payload: { b: [1, null, "c"] } })
      yield* throughJson(receive.successSchema, { topic: "a", payload: null, dropped: 2 })
      const reason = { _tag: "InvalidCapacity", capacity: 0 } as const
      yield* throughJson(subscribe.errorSchema, new Event.EventError({ reason }))
    })
  )
})
