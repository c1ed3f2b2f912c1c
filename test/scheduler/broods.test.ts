import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { RunQueue } from "troupe"
import { Brood, Broods, type Newborn } from "../../src/scheduler/internal/Broods.ts"
import { isHosting } from "../../src/scheduler/internal/hosting.ts"

const newborn = (begin: () => void): Newborn => ({ begin, next: undefined, order: 0 })

const born = (queue: RunQueue.RunQueue, brood: Brood, begin: () => void): void => {
  if (isHosting(queue)) queue.scheduleBirth(newborn(begin), brood)
}

describe("those who have yet to begin", () => {
  it.prop(
    "begin once each, those of a brood in their order, and the oldest is the one that was born first",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })))],
    ([steps]) => {
      const broods = new Broods()
      const each = Array.from({ length: 4 }, () => new Brood())
      const waiting: Array<{ readonly brood: number; readonly one: Newborn }> = []
      const take = (one: Newborn | undefined): void => {
        const at = waiting.findIndex((other) => other.one === one)
        assert.isAtLeast(at, 0)
        // It keeps nobody who came after it.
        assert.isUndefined(one?.next)
        const { brood } = waiting[at]!
        assert.strictEqual(
          waiting.findIndex((other) => other.brood === brood),
          at
        )
        waiting.splice(at, 1)
      }
      for (const step of steps) {
        if (step < 4) {
          const one = newborn(() => {})
          waiting.push({ brood: step, one })
          broods.push(one, each[step]!)
        } else if (broods.isEmpty) {
          assert.strictEqual(broods.takeOldest(broods.births), undefined)
        } else if (step === 4) {
          take(broods.takeNewest())
        } else {
          assert.strictEqual(broods.takeOldest(waiting[0]!.one.order), undefined)
          const oldest = broods.takeOldest(broods.births)
          assert.strictEqual(oldest, waiting[0]!.one)
          take(oldest)
        }
        assert.strictEqual(broods.isEmpty, waiting.length === 0)
      }
    }
  )

  it.live("begin branch by branch", () =>
    Effect.callback<void>((resume) => {
      const queue = RunQueue.make()
      const order: Array<string> = []
      const grow =
        (name: string, depth: number): (() => void) =>
        () => {
          order.push(name)
          if (depth === 0) return
          const brood = new Brood()
          for (const one of ["a", "b"]) born(queue, brood, grow(name + one, depth - 1))
        }
      born(queue, new Brood(), grow("", 2))
      queue.scheduleTask(() => {
        assert.deepStrictEqual(order, ["", "a", "aa", "ab", "b", "ba", "bb"])
        resume(Effect.void)
      }, 1)
    })
  )

  it.live("have begun when a task runs that was scheduled after they were born", () =>
    Effect.callback<void>((resume) => {
      const queue = RunQueue.make()
      const brood = new Brood()
      let begun = 0
      for (let i = 0; i < 5000; i++) born(queue, brood, () => begun++)
      queue.scheduleTask(() => {
        assert.strictEqual(begun, 5000)
        resume(Effect.void)
      }, 0)
    })
  )

  it.live("starve neither tasks nor those who were born before, however many are born", () =>
    Effect.callback<void>((resume) => {
      const queue = RunQueue.make()
      let ended = false
      let begun = 0
      // Each one starts the next, without end.
      const chain = (): void => {
        begun++
        if (!ended) born(queue, new Brood(), chain)
      }
      const late: Array<number> = []
      born(queue, new Brood(), () => {
        born(queue, new Brood(), () => late.push(begun))
        born(queue, new Brood(), chain)
        queue.scheduleTask(() => {
          late.push(begun)
          ended = true
          queue.scheduleTask(() => {
            assert.strictEqual(late.length, 2)
            assert.isAtMost(late[1]!, 200)
            resume(Effect.void)
          }, 1)
        }, 0)
      })
    })
  )
})
