import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Schema, Stream } from "effect"
import { Channel, ChannelError } from "troupe"
import { settle } from "../support/processes.ts"
import { both } from "../support/both.ts"
import { explore } from "../support/schedules.ts"

const { range } = { range: (n: number) => Array.from({ length: n }, (_, i) => i) }
const receiveAll = <A>(channel: Channel.Receiver<A>, into: Array<A> = []): Effect.Effect<Array<A>> =>
  Effect.gen(function* () {
    while (true) into.push(yield* Channel.receive(channel))
  }).pipe(Effect.catch(() => Effect.succeed(into)))
const isClosed = (error: unknown): error is ChannelError.ChannelClosed => error instanceof ChannelError.ChannelClosed

/** Every kind of channel that queues, by name. */
const queues = {
  rendezvous: <A>(options?: Channel.Options<A>) => Channel.rendezvous(options),
  "bounded(1)": <A>(options?: Channel.Options<A>) => Channel.bounded(1, options),
  "bounded(7)": <A>(options?: Channel.Options<A>) => Channel.bounded(7, options),
  unbounded: <A>(options?: Channel.Options<A>) => Channel.unbounded(options)
}

for (const [kind, make] of Object.entries(queues)) {
  describe(kind, () => {
    both("C1 a receive on an empty channel waits; a try answers nothing", () =>
      Effect.gen(function* () {
        const channel = yield* make<number>()
        assert.isTrue(Option.isNone(yield* Channel.tryReceive(channel)))
        const receiving = yield* Effect.forkChild(Channel.receive(channel), { startImmediately: true })
        yield* settle
        assert.isUndefined(receiving.pollUnsafe())
        yield* Channel.send(channel, 1)
        assert.strictEqual(yield* Fiber.join(receiving), 1)
      })
    )

    it.effect("C4 100 values of one sender arrive in order", () =>
      Effect.gen(function* () {
        const channel = yield* make<number>()
        yield* Effect.forkChild(
          Effect.andThen(
            Effect.forEach(range(100), (n) => Channel.send(channel, n)),
            Channel.close(channel)
          )
        )
        assert.deepStrictEqual(yield* receiveAll(channel), range(100))
      })
    )

    it.effect("C4 4 senders of 1,000 each to 3 receivers: each value once, each sender's in order", () =>
      Effect.gen(function* () {
        const channel = yield* make<readonly [number, number]>()
        const received: Array<readonly [number, number]> = []
        const receivers = yield* Effect.forEach(range(3), () => Effect.forkChild(receiveAll(channel, received)))
        yield* Effect.forEach(
          range(4),
          (s) => Effect.forEach(range(1000), (n) => Channel.send(channel, [s, n] as const)),
          {
            concurrency: "unbounded"
          }
        )
        yield* Channel.close(channel)
        yield* Effect.forEach(receivers, Fiber.join)
        for (const sender of range(4)) {
          assert.deepStrictEqual(
            received.filter(([s]) => s === sender).map(([, n]) => n),
            range(1000)
          )
        }
      })
    )

    both("C6 closing wakes receivers and senders with ChannelClosed, and a sender has its value back", () =>
      Effect.gen(function* () {
        const channel = yield* make<string>()
        const cause = Cause.fail("enough")
        const receiving = yield* Effect.forkChild(Effect.flip(Channel.receive(channel)), { startImmediately: true })
        yield* Channel.close(channel, cause)
        assert.strictEqual((yield* Fiber.join(receiving)).cause, cause)

        const full = yield* make<string>()
        if (full.capacity === Infinity) return
        for (let i = 0; i < full.capacity; i++) yield* Channel.send(full, "buffered")
        const sending = yield* Effect.forkChild(Effect.flip(Channel.send(full, "mine")), { startImmediately: true })
        yield* Channel.close(full)
        assert.strictEqual((yield* Fiber.join(sending)).value, "mine")
      })
    )

    both("C7 a send on a closed channel fails with its value; closing twice is a typed error", () =>
      Effect.gen(function* () {
        const channel = yield* make<string>()
        yield* Channel.close(channel)
        assert.strictEqual((yield* Effect.flip(Channel.send(channel, "mine"))).value, "mine")
        assert.strictEqual((yield* Effect.flip(Channel.trySend(channel, "mine"))).value, "mine")
        assert.isTrue(isClosed(yield* Effect.flip(Channel.close(channel))))
        assert.isTrue(channel.isClosed)
      })
    )

    it.effect("C13 a channel through a channel, 2,000 hops deep: both ends finish", () =>
      Effect.gen(function* () {
        interface Next {
          readonly next: Channel.Channel<Next>
        }
        const first = yield* make<Next>()
        const forth = Effect.gen(function* () {
          let channel = first
          for (let i = 0; i < 2000; i++) {
            const next = yield* make<Next>()
            yield* Channel.send(channel, { next })
            channel = next
          }
          return channel
        })
        const back = Effect.gen(function* () {
          let channel = first
          for (let i = 0; i < 2000; i++) channel = (yield* Channel.receive(channel)).next
          return channel
        })
        const [sent, received] = yield* Effect.all([forth, back], { concurrency: "unbounded" })
        assert.strictEqual(sent, received)
      })
    )

    it.effect("C26 an interrupted receive loses nothing, in 10,000 schedules and at three rates of preemption", () =>
      Effect.forEach([0.05, 0.15, 0.3], (preemption) =>
        explore(
          Effect.gen(function* () {
            const channel = yield* make<number>()
            const received: Array<number> = []
            const victim = yield* Effect.forkChild(receiveAll(channel, received))
            const other = yield* Effect.forkChild(receiveAll(channel, received))
            const sending = yield* Effect.forkChild(Effect.forEach(range(4), (n) => Channel.send(channel, n)))
            yield* Effect.yieldNow
            yield* Fiber.interrupt(victim)
            yield* Fiber.join(sending)
            yield* Channel.close(channel)
            yield* Fiber.join(other)
            assert.deepStrictEqual(received.toSorted(), range(4))
          }),
          { schedules: 3500, preemption }
        )
      )
    )

    it.effect("C27 a send that reports its interruption has sent nothing, in 10,000 schedules", () =>
      Effect.forEach([0.05, 0.15, 0.3], (preemption) =>
        explore(
          Effect.gen(function* () {
            const channel = yield* make<number>()
            const received: Array<number> = []
            const senders: Array<Fiber.Fiber<void, unknown>> = []
            for (const n of range(4)) senders.push(yield* Effect.forkChild(Channel.send(channel, n)))
            const receiver = yield* Effect.forkChild(receiveAll(channel, received))
            yield* Effect.yieldNow
            for (const fiber of senders.slice(1, 3)) fiber.interruptUnsafe()
            const exits = yield* Effect.forEach(senders, Fiber.await)
            yield* Channel.close(channel)
            yield* Fiber.join(receiver)
            assert.deepStrictEqual(
              received.toSorted(),
              range(4).filter((n) => Exit.isSuccess(exits[n] ?? Exit.void))
            )
          }),
          { schedules: 3500, preemption }
        )
      )
    )
  })
}

describe("a channel with a buffer", () => {
  both("C2 a send on a full channel waits; a try answers false and keeps the value out", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(2)
      assert.isTrue(yield* Channel.trySend(channel, 1))
      assert.isTrue(yield* Channel.trySend(channel, 2))
      assert.isFalse(yield* Channel.trySend(channel, 3))
      const sending = yield* Effect.forkChild(Channel.send(channel, 4), { startImmediately: true })
      assert.isUndefined(sending.pollUnsafe())
      assert.strictEqual(yield* Channel.receive(channel), 1)
      yield* Fiber.join(sending)
      assert.deepStrictEqual([yield* Channel.receive(channel), yield* Channel.receive(channel)], [2, 4])
    })
  )

  both("C5 what it holds is received first, then it is closed", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(3)
      for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
      yield* Channel.close(channel)
      assert.deepStrictEqual(yield* receiveAll(channel), [1, 2, 3])
      assert.isTrue(isClosed(yield* Effect.flip(Channel.receive(channel))))
      assert.isTrue(isClosed(yield* Effect.flip(Channel.tryReceive(channel))))
    })
  )

  it.effect("C8 while 25,000 values pass, it never holds more than its capacity", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(10)
      const sending = yield* Effect.forkChild(
        Effect.forEach(range(25_000), (n) => Channel.send(channel, n), { discard: true })
      )
      for (let n = 0; n < 25_000; n++) {
        assert.isTrue(channel.length >= 0 && channel.length <= channel.capacity)
        assert.strictEqual(yield* Channel.receive(channel), n)
      }
      yield* Fiber.join(sending)
      assert.strictEqual(channel.length, 0)
    })
  )

  for (const capacity of [0, -1, 1.5, Number.NaN]) {
    it.effect(`a capacity of ${capacity} is refused with InvalidCapacity`, () =>
      Effect.gen(function* () {
        for (const make of [Channel.bounded, Channel.dropping, Channel.sliding]) {
          const error = yield* Effect.flip(make(capacity))
          assert.strictEqual(error._tag, "InvalidCapacity")
          assert.include(error.message, String(capacity))
        }
      })
    )
  }

  it.effect("C29 a permit keeps its slot; unused it gives it back; closing drops it", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(1)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const permit = yield* Channel.reserve(channel)
          assert.isFalse(yield* Channel.trySend(channel, 1))
          yield* permit.send(2)
          assert.strictEqual(channel.length, 1)
          assert.strictEqual(yield* Channel.receive(channel), 2)
        })
      )
      yield* Effect.scoped(Channel.reserve(channel))
      assert.isTrue(yield* Channel.trySend(channel, 3))
      // The channel is full: the next permit waits for a receiver, and is served before senders that come later.
      const reserving = yield* Effect.forkChild(Effect.scoped(Effect.andThen(Channel.reserve(channel), Effect.never)), {
        startImmediately: true
      })
      const sending = yield* Effect.forkChild(Channel.send(channel, 4), { startImmediately: true })
      assert.strictEqual(yield* Channel.receive(channel), 3)
      yield* settle
      assert.isUndefined(sending.pollUnsafe())
      yield* Fiber.interrupt(reserving)
      yield* Fiber.join(sending)
      assert.strictEqual(yield* Channel.receive(channel), 4)
      const late = yield* Effect.scoped(
        Effect.gen(function* () {
          const permit = yield* Channel.reserve(channel)
          yield* Channel.close(channel)
          return yield* Effect.flip(permit.send(5))
        })
      )
      assert.strictEqual(late.value, 5)
      const handover = yield* Channel.rendezvous<number>()
      assert.strictEqual((yield* Effect.flip(Effect.scoped(Channel.reserve(handover))))._tag, "InvalidCapacity")
    })
  )
})

describe("a rendezvous", () => {
  both("C3 a send succeeds only when the value is taken", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const sending = yield* Effect.forkChild(Channel.send(channel, 1), { startImmediately: true })
      yield* settle
      assert.isUndefined(sending.pollUnsafe())
      assert.strictEqual(channel.length, 0)
      assert.strictEqual(yield* Channel.receive(channel), 1)
      yield* Fiber.join(sending)
    })
  )

  it.effect("a try is accepted only while a receiver waits", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      assert.isFalse(yield* Channel.trySend(channel, 1))
      const receiving = yield* Effect.forkChild(Channel.receive(channel), { startImmediately: true })
      assert.isTrue(yield* Channel.trySend(channel, 2))
      assert.strictEqual(yield* Fiber.join(receiving), 2)
      assert.isFalse(yield* Channel.trySend(channel, 3))
    })
  )
})

describe("channels that drop", () => {
  const taken = (channel: Channel.Receiver<number>, n: number) =>
    Effect.forEach(range(n), () => Channel.receive(channel))

  both("C14 dropping keeps the first: 1,2,3,4 in two slots are 1,2; after one is taken, 5 is kept and 6 dropped", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.dropping<number>(2)
      for (const n of [1, 2, 3, 4]) yield* Channel.send(channel, n)
      assert.deepStrictEqual(yield* taken(channel, 1), [1])
      for (const n of [5, 6]) yield* Channel.send(channel, n)
      assert.deepStrictEqual(yield* taken(channel, 2), [2, 5])
    })
  )

  both("C15 sliding keeps the last: 1,2,3,4 in two slots are 3,4; then 5,6 are 5,6", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.sliding<number>(2)
      for (const n of [1, 2, 3, 4]) yield* Channel.send(channel, n)
      assert.deepStrictEqual(yield* taken(channel, 2), [3, 4])
      for (const n of [5, 6]) yield* Channel.send(channel, n)
      assert.deepStrictEqual(yield* taken(channel, 2), [5, 6])
    })
  )

  both("C16 conflated: a sender never waits, a receiver sees only the last", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.conflated<number>()
      for (const n of range(10)) yield* Channel.send(channel, n)
      assert.deepStrictEqual(yield* taken(channel, 1), [9])
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(channel)))
    })
  )
})

describe("a promise channel", () => {
  both("C25 the first value wins and stays; later ones vanish; closing before it gives none", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.promise<number>()
      const waiting = yield* Effect.forEach(range(3), () => Effect.forkChild(Channel.receive(channel)))
      yield* Channel.send(channel, 1)
      yield* Channel.send(channel, 2)
      assert.isFalse(yield* Channel.trySend(channel, 3))
      assert.deepStrictEqual(yield* Effect.forEach(waiting, Fiber.join), [1, 1, 1])
      yield* Channel.close(channel)
      assert.strictEqual(yield* Channel.receive(channel), 1)
      const none = yield* Channel.promise<number>()
      yield* Channel.close(none)
      assert.isTrue(isClosed(yield* Effect.flip(Channel.receive(none))))
    })
  )

  both("C29 one permit is out at a time; unused it lets the next one have it; with the value there all go on", () =>
    Effect.gen(function* () {
      const lost: Array<number> = []
      const channel = yield* Channel.promise<number>({ onUndelivered: (n) => Effect.sync(() => void lost.push(n)) })
      const reserve = (value: number) =>
        Effect.scoped(Effect.flatMap(Channel.reserve(channel), (permit) => permit.send(value)))
      const rest = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Channel.reserve(channel)
          assert.isFalse(yield* Channel.trySend(channel, 1))
          const waiting = [yield* Effect.forkChild(reserve(2)), yield* Effect.forkChild(reserve(3))]
          yield* settle
          assert.strictEqual(channel.length, 0)
          return waiting
        })
      )
      yield* Effect.forEach(rest, Fiber.join)
      yield* reserve(4)
      const kept = yield* Channel.receive(channel)
      yield* settle
      assert.deepStrictEqual([kept, ...lost].toSorted(), [2, 3, 4])
      assert.notStrictEqual(kept, 4)
    })
  )

  it.effect("a send while a permit is out is dropped; closing takes the permit's value back", () =>
    Effect.gen(function* () {
      const lost: Array<number> = []
      const channel = yield* Channel.promise<number>({ onUndelivered: (n) => Effect.sync(() => void lost.push(n)) })
      const late = yield* Effect.scoped(
        Effect.gen(function* () {
          const permit = yield* Channel.reserve(channel)
          yield* Channel.send(channel, 1)
          const waiting = yield* Effect.forkChild(Effect.flip(Effect.scoped(Channel.reserve(channel))), {
            startImmediately: true
          })
          yield* Channel.close(channel)
          assert.isTrue(isClosed(yield* Fiber.join(waiting)))
          return yield* Effect.flip(permit.send(2))
        })
      )
      assert.strictEqual(late.value, 2)
      assert.deepStrictEqual([lost, channel.length], [[1], 0])
    })
  )
})

describe("what nobody received", () => {
  /** Keeps what it is handed. */
  const hook = () => {
    const values: Array<number> = []
    return { values, onUndelivered: (value: number) => Effect.sync(() => void values.push(value)) }
  }

  it.effect("C9 of random transfers and leftovers each value is received once or handed over once", () =>
    Effect.gen(function* () {
      for (const seed of range(20)) {
        const { onUndelivered, values } = hook()
        const capacity = 1 + ((seed * 7) % 60)
        const transfers = (seed * 517) % 1000
        const leftovers = seed % capacity
        const channel = yield* Channel.bounded<number>(capacity, { onUndelivered })
        const received: Array<number> = []
        yield* Effect.forkChild(Effect.forEach(range(transfers), (n) => Channel.send(channel, n), { discard: true }))
        for (let i = 0; i < transfers; i++) received.push(yield* Channel.receive(channel))
        for (let i = 0; i < leftovers; i++) yield* Channel.send(channel, transfers + i)
        yield* Channel.cancel(channel)
        assert.deepStrictEqual([...received, ...values], range(transfers + leftovers))
      }
    })
  )

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

  it.effect("C19 conflation hands over what is replaced; closing does not hand over the last, cancelling does", () =>
    Effect.gen(function* () {
      const { onUndelivered, values } = hook()
      const channel = yield* Channel.conflated<number>({ onUndelivered })
      for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
      assert.deepStrictEqual(values, [1, 2])
      yield* Channel.close(channel)
      assert.deepStrictEqual(values, [1, 2])
      yield* Channel.cancel(channel)
      assert.deepStrictEqual(values, [1, 2, 3])
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

  it.effect("C22 overflow hands over exactly what is dropped; a try that answers false drops nothing", () =>
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
      assert.deepStrictEqual([sliding.values, dropping.values], [[1, 2], [3]])
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

describe("streams", () => {
  it.effect.prop("a stream through a channel arrives whole, and ends", [Schema.Array(Schema.Int)], ([values]) =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(3)
      yield* Effect.forkChild(Channel.fromStream(Stream.fromIterable(values), channel))
      assert.deepStrictEqual(yield* Stream.runCollect(Channel.toStream(channel)), [...values])
    })
  )

  both("a stream that fails closes the channel with its cause, after what it gave", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.unbounded<number>()
      yield* Channel.fromStream(Stream.concat(Stream.make(1, 2), Stream.fail("broken")), channel)
      const taken = yield* Stream.runCollect(Stream.take(Channel.toStream(channel), 2))
      assert.deepStrictEqual(taken, [1, 2])
      assert.include(String(yield* Effect.exit(Stream.runDrain(Channel.toStream(channel)))), "broken")
    })
  )
})

describe("never", () => {
  both("T9 never yields and is never closed", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(Channel.receive(Channel.never), { startImmediately: true })
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(Channel.never)))
    })
  )
})
