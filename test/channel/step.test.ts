import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scheduler, Tracer } from "effect"
import { RunQueue } from "troupe"
import { effectOf, Step } from "../../src/channel/internal/step.ts"
import { tellAfterwards } from "../../src/channel/internal/telling.ts"

// How often it was done at once, and how often by an operation.
class Counting extends Step {
  atOnce = 0
  byOperation = 0

  override now(): Exit.Exit<string> {
    this.atOnce++
    return Exit.succeed("at once")
  }

  run(): Exit.Exit<string> {
    this.byOperation++
    return Exit.succeed("by an operation")
  }
}

const onRunQueue = <A, E>(program: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.provideService(program, Scheduler.Scheduler, RunQueue.make())

describe("a step that is yielded in a generator", () => {
  it.live("is done at once on a run queue, and by an operation under every other scheduler", () =>
    Effect.gen(function* () {
      const counting = new Counting()
      const program = Effect.gen(function* () {
        return [yield* effectOf<string>(counting), yield* effectOf<string>(counting)]
      })
      assert.deepStrictEqual(yield* onRunQueue(program), ["at once", "at once"])
      assert.deepStrictEqual(yield* program, ["by an operation", "by an operation"])
      assert.deepStrictEqual([counting.atOnce, counting.byOperation], [2, 2])
    })
  )

  it.live("counts as an operation: a loop of nothing else lets others run, and can be interrupted", () =>
    onRunQueue(
      Effect.gen(function* () {
        const counting = new Counting()
        const loop = Effect.gen(function* () {
          while (true) yield* effectOf(counting)
        })
        const looping = yield* Effect.forkDetach(loop)
        for (let i = 0; i < 10; i++) yield* Effect.yieldNow
        const before = counting.atOnce
        assert.isAbove(before, 1000)
        yield* Effect.yieldNow
        assert.isAtMost(counting.atOnce - before, 3000)
        yield* Fiber.interrupt(looping)
      })
    )
  )

  it.live("is not done by a fiber that has just been interrupted", () =>
    onRunQueue(
      Effect.gen(function* () {
        const counting = new Counting()
        const fiber = yield* Effect.forkDetach(
          Effect.gen(function* () {
            Fiber.getCurrent()?.interruptUnsafe()
            return yield* effectOf(counting)
          })
        )
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
        assert.deepStrictEqual([counting.atOnce, counting.byOperation], [0, 0])
      })
    )
  )

  it.live("fails as any operation does", () =>
    onRunQueue(
      Effect.gen(function* () {
        class Failing extends Step {
          override now(): Exit.Exit<never, string> {
            return Exit.fail("no")
          }

          run(): Exit.Exit<never, string> {
            return Exit.fail("never asked")
          }
        }
        const program = Effect.gen(function* () {
          yield* effectOf<never, string>(new Failing())
        })
        assert.strictEqual(yield* Effect.flip(program), "no")
      })
    )
  )

  it.live("is seen by a tracer that looks at operations", () =>
    Effect.gen(function* () {
      const counting = new Counting()
      let seen = 0
      const tracer = Tracer.make({
        span: (options) => new Tracer.NativeSpan(options),
        context: (operation, fiber) => {
          seen++
          return operation["~effect/Effect/evaluate"](fiber)
        }
      })
      const program = Effect.gen(function* () {
        return yield* effectOf<string>(counting)
      })
      assert.strictEqual(yield* onRunQueue(Effect.withTracer(program, tracer)), "by an operation")
      assert.isAbove(seen, 0)
    })
  )

  it.live("tells whom it has to tell in a later step", () =>
    onRunQueue(
      Effect.gen(function* () {
        const order: Array<string> = []
        class Telling extends Step {
          override now(): Exit.Exit<void> {
            tellAfterwards({ tell: () => order.push("first") })
            tellAfterwards({ tell: () => order.push("second") })
            return Exit.void
          }

          run(): Exit.Exit<void> {
            return Exit.void
          }
        }
        const telling = new Telling()
        yield* Effect.gen(function* () {
          yield* effectOf(telling)
          order.push("goes on")
        })
        yield* Effect.yieldNow
        assert.deepStrictEqual(order, ["goes on", "first", "second"])
      })
    )
  )
})
