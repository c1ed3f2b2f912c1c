import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Fiber, Logger, Random } from "effect"
import { Channel } from "troupe"
import { both, sized } from "../support/both.ts"
import { settle } from "../support/processes.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const ordered = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)

describe("what nobody received", () => {
  /** Keeps what it is handed. */
  const hook = () => {
    const values: Array<number> = []
    return { values, onUndelivered: (value: number) => Effect.sync(() => void values.push(value)) }
  }

  sized(
    "C9 of random transfers and leftovers each value is received once or handed over once",
    { full: { rounds: 20, transfers: 10_000, capacity: 50 }, explored: { rounds: 1, transfers: 10, capacity: 4 } },
    ({ capacity: most, rounds, transfers: many }) =>
      Effect.repeat(
        Effect.gen(function* () {
          const { onUndelivered, values } = hook()
          const capacity = yield* Random.nextIntBetween(1, most)
          const transfers = yield* Random.nextIntBetween(0, many)
          const leftovers = yield* Random.nextIntBetween(0, capacity)
          const channel = yield* Channel.bounded<number>(capacity, { onUndelivered })
          const sending = yield* Effect.forkChild(
            Effect.forEach(range(transfers + leftovers), (n) => Channel.send(channel, n), { discard: true })
          )
          const received = yield* Effect.forEach(range(transfers), () => Channel.receive(channel))
          yield* Fiber.join(sending)
          yield* Channel.cancel(channel)
          assert.deepStrictEqual([...received, ...values], range(transfers + leftovers))
        }),
        { times: rounds - 1 }
      )
  )

  for (const [kind, make] of Object.entries({
    rendezvous: Channel.rendezvous<number>,
    "bounded(2)": (options: Channel.Options<number>) => Channel.bounded(2, options),
    "dropping(2)": (options: Channel.Options<number>) => Channel.dropping(2, options),
    "sliding(2)": (options: Channel.Options<number>) => Channel.sliding(2, options),
    conflated: Channel.conflated<number>
  })) {
    both(`C9 C21 ${kind}: cancelled while all are at work, what was accepted was received or handed over, once`, () =>
      Effect.gen(function* () {
        const { onUndelivered, values } = hook()
        const channel = yield* make({ onUndelivered })
        const [accepted, received]: [Array<number>, Array<number>] = [[], []]
        const receiving = yield* Effect.forkChild(
          Effect.forEach(range(4), () => Effect.map(Channel.receive(channel), (n) => received.push(n)))
        )
        const sending = yield* Effect.forEach(range(3), (s) =>
          Effect.forkChild(
            Effect.forEach(range(2), (n) =>
              Effect.map(Channel.send(channel, 2 * s + n), () => accepted.push(2 * s + n))
            )
          )
        )
        yield* Effect.yieldNow
        yield* Fiber.interrupt(sending[0] as Fiber.Fiber<unknown>)
        yield* Channel.cancel(channel)
        yield* Effect.forEach([receiving, ...sending], Fiber.await)
        yield* Effect.sleep(1)
        assert.deepStrictEqual(ordered([...received, ...values]), ordered(accepted))
      })
    )
  }

  both("C17 C20 a send that is interrupted, or fails, was not accepted: nothing is handed over", () =>
    Effect.gen(function* () {
      const { onUndelivered, values } = hook()
      const channel = yield* Channel.rendezvous<number>({ onUndelivered })
      const sending = yield* Effect.forkChild(Channel.send(channel, 1), { startImmediately: true })
      yield* Fiber.interrupt(sending)
      assert.isFalse(yield* Channel.trySend(channel, 2))
      yield* Channel.close(channel)
      assert.strictEqual((yield* Effect.flip(Channel.send(channel, 3))).value, 3)
      yield* Channel.cancel(channel)
      assert.deepStrictEqual(values, [])
    })
  )

  both("C19 conflation hands over what is replaced; closing does not hand over the last, cancelling does", () =>
    Effect.gen(function* () {
      const { onUndelivered, values } = hook()
      const channel = yield* Channel.conflated<number>({ onUndelivered })
      for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
      yield* Effect.sleep(1)
      assert.deepStrictEqual(ordered(values), [1, 2])
      yield* Channel.close(channel)
      yield* Effect.sleep(1)
      assert.deepStrictEqual(ordered(values), [1, 2])
      yield* Channel.cancel(channel)
      assert.deepStrictEqual(ordered(values), [1, 2, 3])
    })
  )

  both("C21 what is received is never handed over", () =>
    Effect.gen(function* () {
      const { onUndelivered, values } = hook()
      const channel = yield* Channel.bounded<number>(1, { onUndelivered })
      yield* Channel.send(channel, 1)
      yield* Channel.receive(channel)
      yield* Channel.cancel(channel)
      assert.deepStrictEqual(values, [])
    })
  )

  both("C22 overflow hands over exactly what is dropped; a try that answers false drops nothing", () =>
    Effect.gen(function* () {
      const sliding = hook()
      const slides = yield* Channel.sliding<number>(2, sliding)
      const dropping = hook()
      const drops = yield* Channel.dropping<number>(2, dropping)
      for (const n of [1, 2, 3]) {
        yield* Channel.send(slides, n)
        yield* Channel.send(drops, n)
      }
      assert.isTrue(yield* Channel.trySend(slides, 4))
      assert.isFalse(yield* Channel.trySend(drops, 4))
      yield* Effect.sleep(1)
      assert.deepStrictEqual([ordered(sliding.values), dropping.values], [[1, 2], [3]])
    })
  )

  both("C23 a hook that dies neither stops the others nor hides what the channel was closed with", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const channel = yield* Channel.unbounded<number>({
        onUndelivered: (n) =>
          Effect.andThen(
            Effect.sync(() => seen.push(n)),
            n === 2 ? Effect.void : Effect.die(`bad ${n}`)
          )
      })
      for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
      const exit = yield* Effect.exit(Channel.cancel(channel, Cause.fail("enough")))
      assert.deepStrictEqual(seen, [1, 2, 3])
      assert.include(String(exit), "bad 1")
      assert.include(String(exit), "bad 3")
      const closed = yield* Effect.flip(Channel.receive(channel))
      assert.include(closed.message, "enough")
    })
  )
})

describe("what nobody received, when who made it so is interrupted", () => {
  it.effect("is handed over all the same", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const channel = yield* Channel.unbounded<number>({
        onUndelivered: (n) =>
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => seen.push(n))
          )
      })
      for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
      yield* Fiber.interrupt(yield* Effect.forkChild(Channel.cancel(channel), { startImmediately: true }))
      yield* settle
      assert.deepStrictEqual(seen, [1, 2, 3])
    })
  )

  it.effect("is reported when the hook of a drop dies", () =>
    Effect.gen(function* () {
      const reports: Array<string> = []
      const channel = yield* Channel.sliding<number>(1, { onUndelivered: (n) => Effect.die(`bad ${n}`) })
      yield* Effect.andThen(Channel.send(channel, 1), Channel.send(channel, 2)).pipe(
        Effect.provide(Logger.layer([Logger.make(({ cause }) => void reports.push(Cause.pretty(cause)))]))
      )
      assert.strictEqual(reports.length, 1)
      assert.include(reports[0], "bad 1")
      assert.strictEqual(yield* Channel.receive(channel), 2)
    })
  )
})
