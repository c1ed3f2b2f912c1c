/** Selects that are yielded in a generator on a run queue: those that need not wait take no operation. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Random, Scheduler } from "effect"
import { Channel, RunQueue, Select } from "troupe"
import { inDrawnOrders } from "../support/hosting.ts"

const both = [Select.any, Select.priority] as const

describe("a select on a run queue", () => {
  it.live("takes what is ready, sends where there is room, runs handlers, and does otherwise when nothing is", () =>
    Effect.gen(function* () {
      for (const select of both) {
        const full = yield* Channel.bounded<number>(1)
        const empty = yield* Channel.bounded<number>(1)
        yield* Channel.send(full, 1)
        assert.deepStrictEqual(yield* select({ full, empty }), { _tag: "full", value: 1 })
        assert.deepStrictEqual(yield* select({ empty, sent: Select.send(full, 2) }), { _tag: "sent", value: undefined })
        assert.deepStrictEqual(yield* select({ empty, twice: Select.handle(full, (n) => Effect.succeed(n * 2)) }), {
          _tag: "twice",
          value: 4
        })
        assert.strictEqual((yield* select({ empty, none: Select.otherwise }))._tag, "none")
        assert.strictEqual((yield* select({ full, sent: Select.send(empty, 3), none: Select.otherwise }))._tag, "sent")
        assert.deepStrictEqual(yield* Channel.receive(empty), 3)
        const waiting = yield* Effect.forkChild(
          Effect.gen(function* () {
            return yield* select({ full, empty })
          })
        )
        yield* Effect.yieldNow
        yield* Channel.send(empty, 4)
        assert.deepStrictEqual(yield* Fiber.join(waiting), { _tag: "empty", value: 4 })
      }
    }).pipe(Effect.provideService(Scheduler.Scheduler, RunQueue.make()))
  )

  for (const [where, scheduler] of [
    ["a run queue", () => RunQueue.make()],
    ["effect's scheduler", () => new Scheduler.MixedScheduler()]
  ] as const) {
    it.live(
      `draws once where there is a choice, and else not at all, so that a process draws as often as it did when it is replayed; on ${where}`,
      () => {
        let draws = 0
        const counting = { nextDoubleUnsafe: () => (draws++, 0), nextIntUnsafe: () => 0 }
        return Effect.gen(function* () {
          const a = yield* Channel.bounded<number>(2)
          const b = yield* Channel.bounded<number>(1)
          const c = yield* Channel.bounded<number>(1)
          yield* Channel.send(a, 1)
          yield* Select.any({ b, a, c })
          assert.strictEqual(draws, 0)
          yield* Channel.send(a, 2)
          yield* Channel.send(c, 3)
          yield* Select.any({ b, a, c })
          assert.strictEqual(draws, 1)
          yield* Select.priority({ b, a, c })
          const waiting = yield* Effect.forkChild(
            Effect.gen(function* () {
              return (yield* Select.any({ b, a, c })).value
            })
          )
          yield* Effect.yieldNow
          yield* Channel.send(b, 4)
          assert.strictEqual(yield* Fiber.join(waiting), 4)
          assert.strictEqual(draws, 1)
          // One that will not wait may send to whoever waits, which is a choice.
          assert.strictEqual((yield* Select.any({ b, none: Select.otherwise }))._tag, "none")
          assert.strictEqual(draws, 2)
        }).pipe(Effect.provideService(Random.Random, counting), Effect.provideService(Scheduler.Scheduler, scheduler()))
      }
    )
  }

  it.live("fails as its case does", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.bounded<number>(1)
      yield* Channel.close(channel)
      const program = Effect.gen(function* () {
        yield* Select.any({ channel, none: Select.otherwise })
      })
      assert.strictEqual((yield* Effect.flip(program))._tag, "ChannelClosed")
    }).pipe(Effect.provideService(Scheduler.Scheduler, RunQueue.make()))
  )

  it.live("runs the handler of each value that it has taken, also when it is interrupted, in 2,000 orders", () =>
    inDrawnOrders(
      2000,
      Effect.gen(function* () {
        const channel = yield* Channel.bounded<number>(3)
        const other = yield* Channel.bounded<number>(1)
        const handled: Array<number> = []
        const handler = (n: number) => {
          handled.push(n)
          return Effect.yieldNow
        }
        const selecting = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (true) {
              yield* Select.any({ other, value: Select.handle(channel, handler) })
            }
          })
        )
        for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
        yield* Effect.yieldNow
        yield* Fiber.interrupt(selecting)
        const left: Array<number> = []
        while (channel.length > 0) left.push(yield* Channel.receive(channel))
        assert.deepStrictEqual([...handled, ...left], [1, 2, 3])
      })
    )
  )

  it.live("loses no value to an interruption, and takes none twice, in 2,000 orders", () =>
    inDrawnOrders(
      2000,
      Effect.gen(function* () {
        const one = yield* Channel.bounded<number>(2)
        const two = yield* Channel.rendezvous<number>()
        const taken: Array<number> = []
        const selecting = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (true) taken.push((yield* Select.any({ one, two })).value)
          })
        )
        const sending = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (const n of [1, 3, 5]) yield* Channel.send(one, n)
          })
        )
        const offering = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (const n of [2, 4]) yield* Channel.send(two, n)
          })
        )
        yield* Effect.yieldNow
        yield* Fiber.interrupt(selecting)
        while (taken.length < 5) taken.push((yield* Select.any({ one, two })).value)
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(sending)))
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(offering)))
        assert.deepStrictEqual(taken.toSorted(), [1, 2, 3, 4, 5])
      })
    )
  )
})
