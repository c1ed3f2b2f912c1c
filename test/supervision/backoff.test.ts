import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Schedule } from "effect"
import { Backoff, DeadLetter, Process, Selectable, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { actor, kill, pidOf, stage, tell } from "../support/supervised.ts"

/** What notes, in seconds since the first time, when something begins. */
const stopwatch = () => {
  const times: Array<number> = []
  return { times, note: Effect.map(Clock.currentTimeMillis, (now) => times.push(now)) }
}

const gaps = (times: ReadonlyArray<number>): ReadonlyArray<number> =>
  times.slice(1).map((time, index) => Math.round((time - Number(times[index])) / 100) / 10)

describe("a child with a backoff", () => {
  both("S43 is restarted after delays that grow, and messages that it can't keep meanwhile are dead letters", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const { note, times } = stopwatch()
      const letters = yield* DeadLetter.subscribe
      const Tree = Supervisor.make("test:tree", {
        children: [
          actor("a", log, { init: note, backoff: Backoff.exponential({ min: "1 second" }), inbox: "keep", stash: 0 })
        ]
      })
      const tree = yield* Supervisor.start(Tree)
      const pid = yield* pidOf(tree, "a")
      yield* tell(tree, "a", "crash")
      yield* Process.send(pid, "note", 1)
      const letter = yield* Selectable.take(letters)
      assert.deepStrictEqual([letter.topic, letter.payload, letter.reason], ["note", 1, "Restarting"])
      yield* Effect.sleep("1100 millis")
      yield* tell(tree, "a", "crash")
      yield* Effect.sleep("2100 millis")
      assert.deepStrictEqual(gaps(times), [1, 2.1])
      yield* Process.send(pid, "note", 2)
      yield* Effect.sleep(1)
      assert.deepStrictEqual(
        log.filter((line) => line.includes("notes")),
        ["a notes 2"]
      )
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("S44 begins anew with the shortest delay when it has run long enough", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const { note, times } = stopwatch()
      const backoff = Backoff.exponential({ min: "1 second" })
      const Tree = Supervisor.make("test:tree", {
        children: [actor("a", log, { init: note, backoff, resetAfter: "10 seconds" })]
      })
      const tree = yield* Supervisor.start(Tree)
      yield* kill(tree, "a")
      yield* Effect.sleep("1 second")
      yield* kill(tree, "a")
      yield* Effect.sleep("12 seconds")
      yield* kill(tree, "a")
      yield* Effect.sleep("1 second")
      yield* kill(tree, "a")
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(gaps(times).map(Math.floor), [1, 2, 11, 2])
    }).pipe(Effect.provide(stage))
  )

  both("S46 is given up when its schedule has ended, and its supervisor lives", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let broken = false
      const init = Effect.suspend(() => (broken ? Effect.fail("no disk") : Effect.void))
      const backoff = Backoff.exponential({ min: "1 second" }).pipe(Schedule.upTo({ times: 2 }))
      const Tree = Supervisor.make("test:tree", { children: [actor("a", log, { init, backoff }), actor("b", log)] })
      const tree = yield* Supervisor.start(Tree)
      const events = yield* Supervisor.events(tree)
      broken = true
      yield* kill(tree, "a")
      yield* Effect.sleep("10 seconds")
      const told = []
      for (let n = 0; n < 6; n++) told.push((yield* Selectable.take(events))._tag)
      const firstTry = ["ChildExited", "ChildRestarting", "ChildStartFailed"]
      const secondTry = ["ChildRestarting", "ChildStartFailed", "ChildGivenUp"]
      assert.deepStrictEqual(told, [...firstTry, ...secondTry])
      assert.strictEqual(log.filter((line) => line === "a begins").length, 3)
      assert.deepStrictEqual(yield* Supervisor.count(tree), { specs: 2, active: 1, supervisors: 0, workers: 2 })
      broken = false
      yield* Supervisor.restartChild(tree, "a")
      assert.strictEqual((yield* Supervisor.count(tree)).active, 2)
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("has its waiting called off when it is terminated, and is not started later", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const backoff = Backoff.exponential({ min: "1 second" })
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [actor("a", log, { backoff })] }))
      yield* kill(tree, "a")
      assert.strictEqual((yield* Effect.flip(Supervisor.deleteChild(tree, "a")))._tag, "ChildRunning")
      yield* Supervisor.terminateChild(tree, "a")
      yield* Effect.sleep("2 seconds")
      assert.strictEqual((yield* Supervisor.count(tree)).active, 0)
      yield* Supervisor.deleteChild(tree, "a")
    }).pipe(Effect.provide(stage))
  )
})

describe("the delays of a backoff", () => {
  it.effect("S47 lie between the delay and its jitter above, and differ", () =>
    Effect.gen(function* () {
      const backoff = Backoff.exponential({ min: "1 second", max: "8 seconds", jitter: 0.25 })
      const seen = new Set<number>()
      for (let run = 0; run < 2500; run++) {
        const step = yield* Schedule.toStep(backoff)
        for (const delay of [1000, 2000, 4000, 8000]) {
          const millis = Duration.toMillis((yield* step(0, undefined))[1])
          assert.isAtLeast(millis, delay)
          assert.isAtMost(millis, delay * 1.25)
          seen.add(millis)
        }
      }
      assert.isAbove(seen.size, 5000)
    })
  )
})

describe("a child with a budget of its own", () => {
  both("is given up when it is used up, does not count against its supervisor, and may be restarted by hand", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", {
        children: [actor("a", log, { budget: { restarts: 3, within: "1 minute" } }), actor("b", log)],
        intensity: 0
      })
      const tree = yield* Supervisor.start(Tree)
      for (let crash = 0; crash < 4; crash++) yield* tell(tree, "a", "crash")
      const children = yield* Supervisor.list(tree)
      assert.deepStrictEqual(
        children.map(({ id, state }) => `${id} ${state}`),
        ["a stopped", "b running"]
      )
      assert.strictEqual(log.filter((line) => line === "a begins").length, 4)
    }).pipe(Effect.provide(stage))
  )
})

describe("the limit of a dynamic supervisor", () => {
  both("S34 counts the children that are being restarted", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { strategy: "dynamic", maxChildren: 1 })
      const tree = yield* Supervisor.start(Tree)
      const backoff = Backoff.exponential({ min: "1 second" })
      yield* Supervisor.startChild(tree, actor("a", log, { backoff }))
      yield* kill(tree, "a")
      const error = yield* Effect.flip(Supervisor.startChild(tree, actor("b", log)))
      assert.strictEqual(error._tag, "MaxChildren")
      yield* Supervisor.terminateChild(tree, "a")
      yield* Supervisor.startChild(tree, actor("b", log))
    }).pipe(Effect.provide(stage))
  )
})
