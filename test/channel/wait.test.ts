import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scheduler } from "effect"
import { RunQueue } from "troupe"
import { step } from "../../src/channel/internal/step.ts"
import { Wait, waitIn } from "../../src/channel/internal/wait.ts"

class Waiting extends Wait {
  interrupted = 0

  get isWaiting(): boolean {
    return this.fiber !== undefined
  }

  protected onInterrupted(): void {
    this.interrupted++
  }
}

const schedulers = { "effect's scheduler": () => new Scheduler.MixedScheduler(), "a run queue": () => RunQueue.make() }

for (const [name, make] of Object.entries(schedulers)) {
  describe(`a wait, on ${name}`, () => {
    const test = (what: string, program: Effect.Effect<void>) =>
      it.live(what, () => Effect.provideService(program, Scheduler.Scheduler, make()))

    test(
      "a wait ends in the step of the interruption, and a resumption that comes later does nothing",
      Effect.gen(function* () {
        const waiting = new Waiting()
        const fiber = yield* Effect.forkChild(
          step(() => waitIn(waiting)),
          { startImmediately: true }
        )
        assert.isTrue(waiting.isWaiting)
        fiber.interruptUnsafe()
        assert.deepStrictEqual([waiting.isWaiting, waiting.interrupted], [false, 1])
        waiting.resume(Exit.void)
        assert.isTrue(Exit.isFailure(fiber.pollUnsafe() ?? Exit.void))
      })
    )

    test(
      "whoever resumes it has it go on at once, with what it is given, and once",
      Effect.gen(function* () {
        const waiting = new Waiting()
        const fiber = yield* Effect.forkChild(
          step(() => waitIn<number>(waiting)),
          { startImmediately: true }
        )
        waiting.resume(Exit.succeed(1))
        assert.deepStrictEqual(fiber.pollUnsafe(), Exit.succeed(1))
        waiting.resume(Exit.succeed(2))
        assert.deepStrictEqual([waiting.isWaiting, waiting.interrupted], [false, 0])
      })
    )

    test(
      "a fiber that can't be interrupted goes on to wait",
      Effect.gen(function* () {
        const waiting = new Waiting()
        const wait = Effect.uninterruptible(step(() => waitIn(waiting)))
        const fiber = yield* Effect.forkChild(wait, { startImmediately: true })
        fiber.interruptUnsafe()
        assert.isTrue(waiting.isWaiting)
        waiting.resume(Exit.void)
        assert.isTrue(Exit.isFailure(fiber.pollUnsafe() ?? Exit.void))
        assert.strictEqual(waiting.interrupted, 0)
      })
    )

    test(
      "a fiber that was interrupted in the step in which it begins to wait does not wait",
      Effect.gen(function* () {
        const waiting = new Waiting()
        const wait = step((fiber) => {
          fiber.interruptUnsafe()
          return waitIn(waiting)
        })
        const fiber = yield* Effect.forkChild(wait, { startImmediately: true })
        assert.isTrue(Exit.isFailure(fiber.pollUnsafe() ?? Exit.void))
        assert.deepStrictEqual([waiting.isWaiting, waiting.interrupted], [false, 1])
      })
    )
  })
}
