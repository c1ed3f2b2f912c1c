import { assert, describe, it } from "@effect/vitest"
import { Effect, Scheduler } from "effect"
import { Channel, RunQueue } from "troupe"

/** Preempts a fiber at every third operation. */
class Preempting extends Scheduler.MixedScheduler {
  override shouldYield({ currentOpCount }: { readonly currentOpCount: number }): boolean {
    return currentOpCount >= 3
  }
}

const schedulers: Readonly<Record<string, () => Scheduler.Scheduler>> = {
  "effect's own scheduler": () => new Scheduler.MixedScheduler(),
  "a run queue": RunQueue.make,
  "a scheduler that preempts": () => new Preempting()
}

/** Channels that are full, by name. */
const full = {
  rendezvous: Channel.rendezvous<number>(),
  "bounded(1)": Effect.tap(Channel.bounded<number>(1), (channel) => Channel.send(channel, 0))
}

// Its clean-up may run in a later step, where its scheduler preempts it or its budget is small.
describe("a sender that is interrupted while it waits has sent nothing, from that very step on", () => {
  for (const [scheduler, make] of Object.entries(schedulers)) {
    // With 3 a fiber yields before its clean-up; with less it would never get on.
    for (const budget of [3, 2048]) {
      for (const [kind, making] of Object.entries(full)) {
        it.effect(`${kind}, on ${scheduler} with a budget of ${budget} operations`, () =>
          Effect.gen(function* () {
            const channel = yield* making
            const { length } = channel
            const sending = yield* Effect.forkChild(Channel.send(channel, 1), { startImmediately: true })
            yield* Effect.forkChild(Channel.send(channel, 2), { startImmediately: true })
            const taken = yield* Effect.sync(() => {
              sending.interruptUnsafe()
              return Array.from({ length: length + 1 }, () => channel.pollUnsafe())
            })
            assert.deepStrictEqual(
              taken.map((exit) => exit?._tag === "Success" && exit.value),
              length === 0 ? [2] : [0, 2]
            )
          }).pipe(
            Effect.provideService(Scheduler.MaxOpsBeforeYield, budget),
            Effect.provideService(Scheduler.Scheduler, make())
          )
        )
      }
    }
  }
})
