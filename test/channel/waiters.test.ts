import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { Channel, ChannelError, Select } from "troupe"
import { both } from "../support/both.ts"
import { settle } from "../support/processes.ts"

type Limited = Channel.Channel<number, ChannelError.TooManyWaiters>
const waits = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
const isRefusal = (u: unknown) => u instanceof ChannelError.TooManyWaiters
const refusal = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<ChannelError.TooManyWaiters, A> =>
  Effect.map(Effect.flip(effect), (error) => {
    assert(error instanceof ChannelError.TooManyWaiters)
    return error
  })

/** Every kind of channel on which a send may wait, and full. */
const full = {
  rendezvous: (waiters: number) => Channel.rendezvous<number>({ waiters }),
  bounded: (waiters: number) =>
    Effect.tap(Channel.bounded<number>(1, { waiters }), (channel) => Channel.trySend(channel, 0))
}

/** Every kind of channel on which a receive may wait. */
const empty = {
  rendezvous: (waiters: number) => Channel.rendezvous<number>({ waiters }),
  bounded: (waiters: number) => Channel.bounded<number>(1, { waiters }),
  unbounded: (waiters: number) => Channel.unbounded<number>({ waiters }),
  dropping: (waiters: number) => Channel.dropping<number>(1, { waiters }),
  sliding: (waiters: number) => Channel.sliding<number>(1, { waiters }),
  conflated: (waiters: number) => Channel.conflated<number>({ waiters }),
  promise: (waiters: number) => Channel.promise<number>({ waiters })
}

describe("a limit on senders that wait", () => {
  for (const [kind, make] of Object.entries(full)) {
    both(`${kind}: one too many is refused at once, with its value; a place that is left is free again`, () =>
      Effect.gen(function* () {
        const channel = yield* make(2)
        const sending = [yield* waits(Channel.send(channel, 1)), yield* waits(Channel.send(channel, 2))]
        yield* settle
        const { message, side, value, waiters } = yield* refusal(Channel.send(channel, 3))
        assert.deepStrictEqual([side, value, waiters], ["senders", 3, 2])
        assert.include(message, "2 senders")
        assert.isFalse(yield* Channel.trySend(channel, 3))
        yield* Channel.receive(channel)
        const last = yield* waits(Channel.send(channel, 4))
        yield* settle
        assert.isTrue(isRefusal(yield* Effect.flip(Channel.send(channel, 5))))
        for (let i = 0; i < 2 + channel.capacity; i++) yield* Channel.receive(channel)
        yield* Effect.forEach([...sending, last], Fiber.join)
      })
    )

    both(`${kind}: those who were interrupted do not count, from that very step on`, () =>
      Effect.gen(function* () {
        const channel = yield* make(2)
        const stays = yield* waits(Channel.send(channel, 1))
        const leaves = yield* waits(Channel.send(channel, 2))
        yield* settle
        leaves.interruptUnsafe()
        const comes = yield* waits(Channel.send(channel, 3))
        yield* settle
        assert.isUndefined(comes.pollUnsafe())
        assert.isTrue(isRefusal(yield* Effect.flip(Channel.send(channel, 4))))
        for (let i = 0; i < 2 + channel.capacity; i++) yield* Channel.receive(channel)
        yield* Effect.forEach([stays, comes], Fiber.join)
      })
    )
  }

  both("a reservation stands in the same line", () =>
    Effect.gen(function* () {
      const channel = yield* full.bounded(1)
      const reserving = yield* waits(Effect.scoped(Channel.reserve(channel)))
      yield* settle
      assert.strictEqual((yield* refusal(Channel.send(channel, 1))).value, 1)
      assert.isFalse("value" in (yield* refusal(Effect.scoped(Channel.reserve(channel)))))
      yield* Channel.receive(channel)
      yield* Fiber.join(reserving)
    })
  )

  both("a stream whose element is refused fails with that, and leaves the channel open", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>({ waiters: 1 })
      yield* waits(Channel.send(channel, 1))
      yield* settle
      assert.strictEqual((yield* refusal(Channel.fromStream(Stream.make(2, 3), channel))).value, 2)
      assert.isFalse(channel.isClosed)
      assert.strictEqual(yield* Channel.receive(channel), 1)
    })
  )
})

describe("a limit on receivers that wait", () => {
  for (const [kind, make] of Object.entries(empty)) {
    // The line is the same one in all of them; the schedules matter where the values differ.
    const test = kind === "rendezvous" || kind === "promise" ? both : it.effect
    test(`${kind}: one too many is refused at once; a place that is left is free again`, () =>
      Effect.gen(function* () {
        const channel: Limited = yield* make(2)
        const receiving = [yield* waits(Channel.receive(channel)), yield* waits(Channel.receive(channel))]
        yield* settle
        const { message, side, waiters } = yield* refusal(Channel.receive(channel))
        assert.deepStrictEqual([side, waiters], ["receivers", 2])
        assert.include(message, "2 receivers")
        yield* Channel.send(channel, 1)
        yield* settle
        const last = yield* waits(Channel.receive(channel))
        yield* settle
        if (channel.length === 0) assert.isTrue(isRefusal(yield* Effect.flip(Channel.receive(channel))))
        yield* Channel.send(channel, 2)
        yield* settle
        yield* Channel.send(channel, 3)
        yield* Effect.forEach([...receiving, last], Fiber.join)
      }))
  }

  both("those who were interrupted do not count, from that very step on", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.unbounded<number>({ waiters: 2 })
      const stays = yield* waits(Channel.receive(channel))
      const leaves = yield* waits(Channel.receive(channel))
      yield* settle
      leaves.interruptUnsafe()
      const comes = yield* waits(Channel.receive(channel))
      yield* settle
      assert.isUndefined(comes.pollUnsafe())
      assert.isTrue(isRefusal(yield* Effect.flip(Channel.receive(channel))))
      for (const n of [1, 2]) yield* Channel.send(channel, n)
      assert.deepStrictEqual((yield* Effect.forEach([stays, comes], Fiber.join)).toSorted(), [1, 2])
    })
  )

  for (const [kind, receive] of Object.entries({
    receive: (channel: Limited) => Effect.asVoid(Channel.receive(channel)),
    "select of sources": (channel: Limited) => Effect.asVoid(Select.any({ channel, never: Channel.never })),
    "select with a send": (channel: Limited, other: Channel.Channel<number>) =>
      Effect.asVoid(Select.any({ channel, sent: Select.send(other, 1) }))
  })) {
    both(`who waits is not refused when what it was woken for is gone and others have come: ${kind}`, () =>
      Effect.gen(function* () {
        const channel: Limited = yield* Channel.unbounded<number>({ waiters: 1 })
        const first = yield* waits(Effect.exit(receive(channel, yield* Channel.rendezvous<number>())))
        yield* settle
        const thief = yield* Effect.forkChild(Effect.andThen(Channel.send(channel, 1), Channel.tryReceive(channel)))
        const second = yield* Effect.forkChild(Effect.exit(Channel.receive(channel)))
        yield* Fiber.join(thief)
        yield* settle
        yield* Channel.send(channel, 2)
        yield* Channel.send(channel, 3)
        assert.isTrue(Exit.isSuccess(yield* Fiber.join(first)))
        yield* Fiber.join(second)
      })
    )
  }
})

describe("a select", () => {
  both("fails when one of its cases is refused, and waits in none", () =>
    Effect.gen(function* () {
      const other = yield* Channel.unbounded<number>({ waiters: 1 })
      const channel = yield* Channel.rendezvous<number>({ waiters: 1 })
      const receiving = yield* waits(Channel.receive(channel))
      yield* settle
      assert.strictEqual((yield* refusal(Select.any({ other, channel }))).side, "receivers")
      assert.strictEqual(
        (yield* refusal(Select.any({ channel, deferred: Select.handle(other, Effect.succeed) }))).side,
        "receivers"
      )
      yield* Channel.send(channel, 1)
      yield* Fiber.join(receiving)
      const sending = yield* waits(Channel.send(channel, 2))
      yield* settle
      const refused = yield* refusal(Select.any({ other, sent: Select.send(channel, 3) }))
      assert.deepStrictEqual([refused.side, refused.value], ["senders", 3])
      // It has left the line of the other.
      const next = yield* waits(Channel.receive(other))
      yield* settle
      assert.isUndefined(next.pollUnsafe())
      assert.strictEqual(yield* Channel.receive(channel), 2)
      yield* Fiber.join(sending)
    })
  )

  it.effect("that need not wait is not refused", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>({ waiters: 1 })
      yield* waits(Channel.receive(channel))
      yield* settle
      const next = yield* Select.any({ channel, none: Select.otherwise })
      assert.strictEqual(next._tag, "none")
      const sent = yield* Select.any({ sent: Select.send(channel, 1), none: Select.otherwise })
      assert.strictEqual(sent._tag, "sent")
    })
  )
})

for (const waiters of [0, -1, 1.5, Number.NaN, Infinity]) {
  it.effect(`a limit of ${waiters} is refused with InvalidCapacity`, () =>
    Effect.gen(function* () {
      for (const make of Object.values(empty)) {
        const error = yield* Effect.flip(make(waiters))
        assert.deepStrictEqual([error._tag, error.option], ["InvalidCapacity", "waiters"])
        assert.include(error.message, String(waiters))
      }
    })
  )
}
