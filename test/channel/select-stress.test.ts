import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Channel, Select, Selectable, Timer } from "troupe"
import { both, inTime, sized } from "../support/both.ts"
import { waiters } from "../support/waiters.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

describe("selects in numbers", () => {
  both("L13 55 fibers that send or receive, one too many: exactly one is left, and a later peer releases it", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const fibers = yield* Effect.forEach(range(55), (n) =>
        Effect.forkChild(
          n % 2 === 0
            ? Effect.asVoid(Select.any({ sent: Select.send(channel, n) }))
            : Effect.asVoid(Select.any({ received: channel }))
        )
      )
      yield* Effect.sleep(1)
      const left = fibers.filter((fiber) => fiber.pollUnsafe() === undefined)
      assert.strictEqual(left.length, 1)
      yield* Channel.receive(channel)
      yield* Effect.forEach(left, Fiber.join)
    })
  )

  const channels = Effect.all({
    a: Channel.rendezvous<number>(),
    b: Channel.bounded<number>(1),
    c: Channel.unbounded<number>()
  })
  type Channels = Effect.Success<typeof channels>
  const names = ["a", "b", "c"] as const

  const sending = {
    plain: (made: Channels, n: number) => Channel.send(made[names[n % 3] ?? "a"], n),
    select: ({ a, b, c }: Channels, n: number) =>
      Select.any({ a: Select.send(a, n), b: Select.send(b, n), c: Select.send(c, n) }),
    tries: ({ a, b }: Channels, n: number) =>
      Effect.repeat(Select.any({ a: Select.send(a, n), b: Select.send(b, n), none: Select.otherwise }), {
        while: ({ _tag }) => Effect.as(Effect.yieldNow, _tag === "none")
      })
  }
  const receiving = {
    plain: (made: Channels, n: number) => Channel.receive(made[names[n % 3] ?? "a"]),
    select: (made: Channels, _n: number) => Effect.map(Select.any(made), ({ value }) => value),
    tries: ({ a, b, c }: Channels, n: number): Effect.Effect<number, unknown> =>
      Effect.flatMap(Select.any({ a, b, c, none: Select.otherwise }), (next) =>
        next._tag === "none"
          ? Effect.flatMap(Effect.yieldNow, () => receiving.tries({ a, b, c }, n))
          : Effect.succeed(next.value)
      )
  }

  for (const [send, receive] of [
    ["plain", "select"],
    ["select", "select"],
    ["select", "tries"],
    ["tries", "select"]
  ] as const) {
    sized(
      `L14 rounds of ${send} sends and ${receive} receives: sum and count are exact`,
      { full: 10_000, explored: 4 },
      (rounds) =>
        Effect.gen(function* () {
          const made = yield* channels
          const sends = Effect.forEach(range(rounds), (n) => sending[send](made, n), { discard: true })
          const receives = Effect.forEach(range(rounds), (n) => receiving[receive](made, n))
          const [, received] = yield* Effect.all([sends, receives], { concurrency: "unbounded" })
          assert.deepStrictEqual(
            received.toSorted((a, b) => a - b),
            range(rounds)
          )
          for (const name of names) assert.strictEqual(made[name].length + waiters(made[name]), 0)
        })
    )
  }

  sized(
    "L14 a select that sends, against plain receives of each channel: count and sum are exact",
    { full: 10_000, explored: 4 },
    (rounds) =>
      Effect.gen(function* () {
        const made = yield* channels
        const received: Array<number> = []
        const receivers = yield* Effect.forEach(names, (name) =>
          Effect.forkChild(
            Effect.ignore(Effect.forever(Effect.map(Channel.receive(made[name]), (n) => received.push(n))))
          )
        )
        yield* Effect.forEach(range(rounds), (n) => sending.select(made, n), { discard: true })
        yield* Effect.forEach(names, (name) => Channel.close(made[name]))
        yield* Fiber.joinAll(receivers)
        assert.deepStrictEqual(
          received.toSorted((a, b) => a - b),
          range(rounds)
        )
      })
  )

  sized(
    "L15 two fibers that select with a 100 ms limit against pauses of 500 ms: all values in order",
    { full: 20, explored: 4 },
    (count) =>
      Effect.gen(function* () {
        const channel = yield* Channel.rendezvous<number>()
        const limited = <C extends Select.AnyCase>(one: C) =>
          Effect.scoped(Effect.flatMap(Timer.after("100 millis"), (late) => Select.any({ one, late })))
        const sender = Effect.gen(function* () {
          for (let n = 0; n < count; n++) {
            if (n % 2 === 0) yield* Effect.sleep("500 millis")
            while ((yield* limited(Select.send(channel, n)))._tag === "late") yield* Effect.yieldNow
          }
        })
        const receiver = Effect.gen(function* () {
          const values: Array<number> = []
          while (values.length < count) {
            if (values.length % 3 === 0) yield* Effect.sleep("500 millis")
            const next = yield* limited(channel)
            if (next._tag === "one") values.push(next.value)
          }
          return values
        })
        const [, received] = yield* Effect.all([sender, receiver], { concurrency: "unbounded" })
        assert.deepStrictEqual(received, range(count))
      })
  )

  sized(
    "L17 a value that was sent before a select with a limit begins is received, never the limit",
    { full: 25_000, explored: 2 },
    (rounds) =>
      Effect.gen(function* () {
        const channel = yield* Channel.unbounded<number>()
        const round = Effect.scoped(
          Effect.gen(function* () {
            yield* Channel.send(channel, 1)
            const late = yield* Timer.after(0)
            assert.strictEqual((yield* Select.priority({ value: channel, late }))._tag, "value")
          })
        )
        yield* Effect.forEach(range(4), () => Effect.repeat(round, { times: rounds - 1 }), { concurrency: "unbounded" })
      }),
    10_000
  )

  sized(
    "L21 one select is used again and again, sending and receiving in turn",
    { full: 10_000, explored: 4 },
    (rounds) =>
      Effect.gen(function* () {
        const [a, b] = [yield* Channel.rendezvous<string>(), yield* Channel.rendezvous<number>()]
        const select = Select.any({ sent: Select.send(a, "next"), received: b })
        yield* Effect.forkChild(
          Effect.forEach(range(rounds), (n) => Effect.andThen(Channel.receive(a), Channel.send(b, n)))
        )
        for (const n of range(rounds)) {
          assert.strictEqual((yield* select)._tag, "sent")
          assert.deepStrictEqual(yield* select, { _tag: "received", value: n })
        }
      })
  )

  /** Selects that win in each of their ways, and that are interrupted while they wait. */
  const rounds = Effect.fnUntraced(function* (count: number) {
    const [a, b] = [yield* Channel.bounded<number>(1), yield* Channel.rendezvous<number>()]
    const select = Effect.forkChild(Select.any({ a, b, out: Select.send(b, 1) }), { startImmediately: true })
    for (let i = 0; i < count; i++) {
      for (const peer of [Channel.send(a, i), Channel.send(b, i), Channel.receive(b)]) {
        const selecting = yield* select
        yield* peer
        yield* Fiber.join(selecting)
      }
      yield* Fiber.interrupt(yield* select)
      assert.strictEqual(waiters(a) + waiters(b), 0)
    }
  })

  sized("L24 selects leave no waiters behind", { full: 25_000, explored: 2 }, rounds)

  const heap = Effect.sync(() => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  })

  it.effect(
    "L24 100,000 selects leave no heap behind",
    () =>
      Effect.gen(function* () {
        yield* rounds(2500)
        const before = yield* heap
        yield* rounds(25_000)
        assert.isBelow((yield* heap) - before, 4 * 1024 * 1024)
      }),
    60_000
  )

  it.effect("L24 a select that waits grows by nothing when it is woken for nothing, 100,000 times", () =>
    Effect.gen(function* () {
      const out = yield* Channel.rendezvous<number>()
      const parked: Array<Selectable.Waiter> = []
      // As an inbox in which a message waits that nobody selects.
      const unwanted: Selectable.Selectable<never> = {
        [Selectable.TypeId]: Selectable.TypeId,
        isReadyUnsafe: () => false,
        pollUnsafe: () => undefined,
        parkUnsafe: (waiter) => {
          parked.push(waiter)
          return undefined
        },
        unparkUnsafe: () => void parked.pop()
      }
      const selecting = yield* Effect.forkChild(Select.any({ unwanted, out: Select.send(out, 1) }))
      yield* Effect.sleep(1)
      const before = yield* heap
      for (let i = 0; i < 100_000; i++) parked[0]?.wake()
      assert.isBelow((yield* heap) - before, 4 * 1024 * 1024)
      assert.strictEqual(yield* Channel.receive(out), 1)
      assert.strictEqual((yield* Fiber.join(selecting))._tag, "out")
      assert.strictEqual(parked.length + waiters(out), 0)
    }).pipe(inTime)
  )
})
