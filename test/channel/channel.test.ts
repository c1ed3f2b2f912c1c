import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Schema, Stream } from "effect"
import { Channel, ChannelError } from "troupe"
import { both, sized, thoroughly } from "../support/both.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const ordered = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)
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
        yield* Effect.sleep(1)
        assert.isUndefined(receiving.pollUnsafe())
        yield* Channel.send(channel, 1)
        assert.strictEqual(yield* Fiber.join(receiving), 1)
      })
    )

    sized("C4 the values of one sender arrive in order", { full: 100, explored: 10 }, (count) =>
      Effect.gen(function* () {
        const channel = yield* make<number>()
        yield* Effect.forkChild(
          Effect.andThen(
            Effect.forEach(range(count), (n) => Channel.send(channel, n)),
            Channel.close(channel)
          )
        )
        assert.deepStrictEqual(yield* receiveAll(channel), range(count))
      })
    )

    sized(
      "C4 of 4 senders to 3 receivers each value arrives once, and each receiver has those of a sender in order",
      { full: 1000, explored: 3 },
      (count) =>
        Effect.gen(function* () {
          const channel = yield* make<readonly [number, number]>()
          const receivers = yield* Effect.forEach(range(3), () => Effect.forkChild(receiveAll(channel)))
          yield* Effect.forEach(
            range(4),
            (s) => Effect.forEach(range(count), (n) => Channel.send(channel, [s, n] as const)),
            { concurrency: "unbounded" }
          )
          yield* Channel.close(channel)
          const received = yield* Effect.forEach(receivers, Fiber.join)
          for (const sender of range(4)) {
            const from = received.map((values) => values.filter(([s]) => s === sender).map(([, n]) => n))
            for (const values of from) assert.deepStrictEqual(values, ordered(values))
            assert.deepStrictEqual(ordered(from.flat()), range(count))
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

    sized("C13 a channel through a channel, many hops deep: both ends finish", { full: 2000, explored: 5 }, (hops) =>
      Effect.gen(function* () {
        interface Next {
          readonly next: Channel.Channel<Next>
        }
        const first = yield* make<Next>()
        const forth = Effect.gen(function* () {
          let channel = first
          for (let i = 0; i < hops; i++) {
            const next = yield* make<Next>()
            yield* Channel.send(channel, { next })
            channel = next
          }
          return channel
        })
        const back = Effect.gen(function* () {
          let channel = first
          for (let i = 0; i < hops; i++) channel = (yield* Channel.receive(channel)).next
          return channel
        })
        const [sent, received] = yield* Effect.all([forth, back], { concurrency: "unbounded" })
        assert.strictEqual(sent, received)
      })
    )

    thoroughly("C26 an interrupted receive loses nothing", () =>
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
      })
    )

    thoroughly("C27 a send that reports its interruption has sent nothing", () =>
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
      })
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

  sized("C8 while values pass, it never holds more than its capacity", { full: 12_500, explored: 5 }, (count) =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(3)
      const holds = () => assert.isTrue(channel.length >= 0 && channel.length <= channel.capacity)
      const sending = yield* Effect.forEach(range(2), () =>
        Effect.forkChild(
          Effect.forEach(range(count), (n) => Effect.map(Channel.send(channel, n), holds), { discard: true })
        )
      )
      yield* Effect.sleep(1)
      assert.strictEqual(channel.length, channel.capacity)
      assert.isFalse(yield* Channel.trySend(channel, -1))
      for (let n = 0; n < 2 * count; n++) {
        yield* Channel.receive(channel)
        holds()
      }
      yield* Effect.forEach(sending, Fiber.join)
      assert.strictEqual(channel.length, 0)
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(channel)))
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

  both("C29 a permit keeps its slot; unused it gives it back; closing drops it", () =>
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
      yield* Effect.sleep(1)
      const sending = yield* Effect.forkChild(Channel.send(channel, 4))
      yield* Effect.sleep(1)
      assert.strictEqual(yield* Channel.receive(channel), 3)
      yield* Effect.sleep(1)
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
      yield* Effect.sleep(1)
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
          yield* Effect.sleep(1)
          assert.strictEqual(channel.length, 0)
          return waiting
        })
      )
      yield* Effect.forEach(rest, Fiber.join)
      yield* reserve(4)
      const kept = yield* Channel.receive(channel)
      yield* Effect.sleep(1)
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

describe("rendezvous", () => {
  both("who waits is told, even if the other throws right behind its step", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const sending = yield* Effect.forkChild(Channel.send(channel, 1), { startImmediately: true })
      yield* Effect.sleep(1)
      const receiving = Effect.gen(function* () {
        yield* Channel.receive(channel)
        throw new Error("thrown in the step of the receive")
      })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(receiving)))
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(sending)))
    })
  )
})

describe("never", () => {
  both("T9 never yields and is never closed", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(Channel.receive(Channel.never), { startImmediately: true })
      yield* Effect.sleep("1 hour")
      assert.isUndefined(waiting.pollUnsafe())
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(Channel.never)))
    })
  )
})
