import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Scheduler } from "effect"
import { Mailbox } from "../../src/channel/internal/Mailbox.ts"
import { Select, Selectable } from "troupe"
import { explore } from "../support/schedules.ts"

const mailbox = <A>(...values: ReadonlyArray<A>): Effect.Effect<Mailbox<A>> =>
  Effect.withFiber((fiber) => {
    const made = new Mailbox<A>(fiber.currentDispatcher)
    for (const value of values) made.offerUnsafe(value)
    return Effect.succeed(made)
  })

describe("Selectable", () => {
  it.effect("take waits for a value; waiters are served first come, first served", () =>
    Effect.gen(function* () {
      const box = yield* mailbox<number>()
      const takers: Array<Fiber.Fiber<number>> = []
      for (let i = 0; i < 3; i++) takers.push(yield* Effect.forkChild(Selectable.take(box), { startImmediately: true }))
      for (let i = 0; i < 3; i++) box.offerUnsafe(i)
      assert.deepStrictEqual(yield* Effect.forEach(takers, Fiber.join), [0, 1, 2])
    })
  )

  it.effect("poll never waits", () =>
    Effect.gen(function* () {
      const box = yield* mailbox(1)
      assert.deepStrictEqual(yield* Selectable.poll(box), Option.some(1))
      assert.deepStrictEqual(yield* Selectable.poll(box), Option.none())
    })
  )

  it.effect("isSelectable tells sources apart", () =>
    Effect.gen(function* () {
      assert.isTrue(Selectable.isSelectable(yield* mailbox(1)))
      assert.isFalse(Selectable.isSelectable({ pollUnsafe: () => undefined }))
      assert.isFalse(Selectable.isSelectable(null))
    })
  )

  it.effect("an interrupted take takes nothing, and the next waiter is woken in its place", () =>
    Effect.gen(function* () {
      const box = yield* mailbox<number>()
      const first = yield* Effect.forkChild(Selectable.take(box), { startImmediately: true })
      const second = yield* Effect.forkChild(Selectable.take(box), { startImmediately: true })
      box.offerUnsafe(1)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* Fiber.join(second), 1)
    })
  )

  // A fiber that yields before every operation and is interrupted wherever it yields: without delivery in the same step
  // the value would be gone with the fiber.
  it.effect("a taken value is delivered in the same step, in 20,000 schedules with interruptions", () =>
    explore(
      Effect.gen(function* () {
        const box = yield* mailbox<number>()
        const received: Array<number> = []
        const taker = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (true) received.push(yield* Selectable.take(box))
          })
        )
        for (let n = 0; n < 3; n++) {
          box.offerUnsafe(n)
          yield* Effect.yieldNow
        }
        yield* Fiber.interrupt(taker)
        while (box.length > 0) received.push(yield* Selectable.take(box))
        assert.deepStrictEqual(received, [0, 1, 2])
      }),
      { schedules: 20_000, preemption: 0.5 }
    )
  )
})

describe("Select", () => {
  it.effect("takes from one source and leaves the others alone", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* mailbox("a"), yield* mailbox("b")]
      const chosen = yield* Select.any({ a, b })
      assert.strictEqual(chosen.value, chosen._tag)
      assert.strictEqual(a.length + b.length, 1)
      assert.strictEqual((chosen._tag === "a" ? a : b).length, 0)
    })
  )

  it.effect("waits for whichever comes first, and leaves no waiter behind", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* mailbox<number>(), yield* mailbox<number>()]
      const selecting = yield* Effect.forkChild(Select.any({ a, b }), { startImmediately: true })
      b.offerUnsafe(1)
      assert.deepStrictEqual(yield* Fiber.join(selecting), { _tag: "b", value: 1 })
      // A waiter that was left in `a` would take, or be woken for nothing.
      const taking = yield* Effect.forkChild(Selectable.take(a), { startImmediately: true })
      a.offerUnsafe(2)
      assert.strictEqual(yield* Fiber.join(taking), 2)
    })
  )

  it.effect("is fair: of sources that are always ready, each is taken from at least a quarter of its share", () =>
    Effect.gen(function* () {
      const rounds = 4000
      const boxes = { a: yield* mailbox<number>(), b: yield* mailbox<number>(), c: yield* mailbox<number>() }
      const counts = { a: 0, b: 0, c: 0 }
      for (let i = 0; i < rounds; i++) for (const box of Object.values(boxes)) box.offerUnsafe(i)
      for (let i = 0; i < rounds; i++) counts[(yield* Select.any(boxes))._tag]++
      for (const count of Object.values(counts)) assert.isAbove(count, rounds / 12)
    })
  )

  it.effect("priority takes the first that is ready, in the order of writing", () =>
    Effect.gen(function* () {
      const [high, low] = [yield* mailbox(1, 2), yield* mailbox(3)]
      const taken: Array<number> = []
      for (let i = 0; i < 3; i++) taken.push((yield* Select.priority({ high, low })).value)
      assert.deepStrictEqual(taken, [1, 2, 3])
    })
  )

  it.effect("an interrupted select takes nothing, in 5,000 schedules", () =>
    explore(
      Effect.gen(function* () {
        const [a, b] = [yield* mailbox<number>(), yield* mailbox<number>()]
        const selecting = yield* Effect.forkChild(Select.any({ a, b }))
        yield* Effect.forkChild(Effect.sync(() => a.offerUnsafe(1)))
        yield* Effect.forkChild(Effect.sync(() => b.offerUnsafe(2)))
        yield* Effect.yieldNow
        const exit = yield* Effect.andThen(Fiber.interrupt(selecting), Fiber.await(selecting))
        const offered = yield* Effect.forkChild(Effect.void)
        yield* Fiber.await(offered)
        const left = a.length + b.length
        if (Exit.isSuccess(exit)) assert.isAtMost(left, 1)
        else assert.include([0, 1, 2], left)
      }),
      { schedules: 5000, preemption: 0.4 }
    )
  )

  it.effect("needs no scheduler of ours", () =>
    Effect.gen(function* () {
      const box = yield* mailbox<number>()
      const selecting = yield* Effect.forkChild(Select.any({ box }))
      yield* Effect.yieldNow
      box.offerUnsafe(1)
      assert.deepStrictEqual(yield* Fiber.join(selecting), { _tag: "box", value: 1 })
    }).pipe(Effect.provideService(Scheduler.Scheduler, new Scheduler.MixedScheduler()))
  )
})
