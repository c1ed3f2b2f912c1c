import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Effect, Exit, Fiber, Random, Scheduler } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Explore } from "troupe/testing"
import * as planted from "./planted.ts"

const found = <A, E>(program: Effect.Effect<A, E>, options?: Explore.Options) =>
  Effect.flatMap(Effect.flip(Explore.check(program, options)), (error) =>
    error._tag === "ExplorationFailed" ? Effect.succeed(error) : Effect.die(error)
  )

describe("planted bugs are found within 1,000 schedules", () => {
  const bugs: Record<string, readonly [Effect.Effect<unknown, unknown>, Explore.Verdict]> = {
    "a lost update": [planted.lostUpdate, "Failure"],
    "a deadlock by the order of locks": [planted.lockOrder, "Deadlock"],
    "a select that hands its value over in resume": [planted.handedOver, "Failure"],
    "a select without the recheck": [planted.select(false), "Deadlock"],
    "a missing wake-up after a cancelled waiter": [planted.cancelledWaiter, "Deadlock"],
    "a lost message": [planted.lostMessage, "Failure"]
  }
  const strategies: Record<string, Explore.Strategy> = {
    "random": "random",
    "pct": { pct: 3 },
    "uniform": "uniform",
    "exhaustive": { exhaustive: { preemptions: 2 } }
  }
  for (const [bug, [program, verdict]] of Object.entries(bugs)) {
    for (const [name, strategy] of Object.entries(strategies)) {
      it.live(`${bug}, by the strategy ${name}`, () =>
        Effect.gen(function* () {
          const error = yield* found(program, { strategy })
          assert.strictEqual(error.verdict, verdict, error.message)
          // The replay shows the same fault in one run.
          const again = yield* found(program, { strategy: { replay: error.replay } })
          assert.strictEqual(again.verdict, verdict)
          assert.strictEqual(again.schedules, 1)
          assert.strictEqual(again.trace, error.trace)
        })
      )
    }
  }
})

describe("correct programs pass", () => {
  for (const strategy of ["random", "uniform", { pct: 3 }, { exhaustive: { preemptions: 2 } }] as const) {
    it.live(`by the strategy ${JSON.stringify(strategy)}`, () =>
      Effect.gen(function* () {
        yield* Explore.check(planted.keptUpdate, { strategy })
        yield* Explore.check(planted.select(true), { strategy })
      })
    )
  }

  it.live("the exhaustive strategy ends when it has run all, and no two runs are the same", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const program = Effect.suspend(() => {
        const log: Array<string> = []
        const worker = (name: string) =>
          Effect.gen(function* () {
            yield* Effect.sync(() => log.push(`${name}1`))
            yield* Effect.sync(() => log.push(`${name}2`))
          })
        return Effect.tap(Effect.all([worker("a"), worker("b")], { concurrency: "unbounded" }), () =>
          Effect.sync(() => seen.push(log.join(" ")))
        )
      })
      const report = yield* Explore.check(program, { strategy: { exhaustive: { preemptions: 3 } }, schedules: 100_000 })
      assert.isTrue(report.complete)
      // All six interleavings of two times two steps.
      assert.strictEqual(new Set(seen).size, 6)
      const bounded = yield* Explore.check(program, { strategy: { exhaustive: { preemptions: 0 } } })
      assert.isTrue(bounded.complete)
      assert.isBelow(bounded.schedules, report.schedules)
    })
  )
})

describe("a run is repeatable", () => {
  for (const strategy of ["random", "uniform", { pct: 3 }, { exhaustive: { preemptions: 2 } }] as const) {
    it.live(`the same seed gives the same trace, byte for byte: ${JSON.stringify(strategy)}`, () =>
      Effect.gen(function* () {
        for (const program of [planted.lostUpdate, planted.lockOrder, planted.cancelledWaiter]) {
          const one = yield* found(program, { strategy, seed: 7 })
          // Fibers that were started meanwhile change Effect's own numbers of fibers, and nothing else.
          yield* Effect.forEach([1, 2, 3], () => Effect.yieldNow, { concurrency: "unbounded" })
          const other = yield* found(program, { strategy, seed: 7 })
          assert.strictEqual(one.message, other.message)
        }
      })
    )
  }

  it.live("another seed gives other schedules, and other random numbers to the program", () =>
    Effect.gen(function* () {
      const drawn: Array<number> = []
      const program = Effect.flatMap(Random.next, (n) => Effect.sync(() => void drawn.push(n)))
      for (const seed of [1, 1, 2]) yield* Explore.check(program, { seed, schedules: 1 })
      // Each run was repeated once, for comparison.
      assert.strictEqual(new Set(drawn).size, 2)
      assert.strictEqual(drawn.length, 6)
    })
  )

  it.live("a failing schedule is made plainer", () =>
    Effect.gen(function* () {
      const long = yield* found(planted.lostUpdate, { shrink: "never", seed: 3 })
      const short = yield* found(planted.lostUpdate, { seed: 3 })
      const departures = (replay: string) => replay.split(":")[2]?.split(",").length ?? 0
      assert.isAtMost(departures(short.replay), 3, short.replay)
      assert.isAbove(departures(long.replay), departures(short.replay))
    })
  )

  it.live("what is no schedule is refused", () =>
    Effect.gen(function* () {
      for (const input of ["", "t0:1:", "t1:", "t1:1:-", "t1:1:2.3.4"]) {
        const error = yield* Effect.flip(Explore.check(Effect.void, { strategy: { replay: input } }))
        assert.strictEqual(error._tag, "InvalidReplay")
      }
      yield* Explore.check(Effect.void, { strategy: { replay: "t1:1:" } })
    })
  )
})

describe("verdicts", () => {
  it.live("a typed failure, with its cause", () =>
    Effect.gen(function* () {
      const error = yield* found(Effect.fail("no"))
      assert.strictEqual(error.verdict, "Failure")
      assert.include(error.message, "no")
      assert.isTrue(Exit.isFailure(Exit.failCause(error.cause as never)))
    })
  )

  it.live("a defect", () =>
    Effect.gen(function* () {
      const error = yield* found(Effect.die(new TypeError("broken")))
      assert.strictEqual(error.verdict, "Defect")
      assert.include(error.detail, "TypeError: broken")
    })
  )

  it.live("a deadlock says who waits, on what, since when and where", () =>
    Effect.gen(function* () {
      const error = yield* found(planted.stuck)
      assert.strictEqual(error.verdict, "Deadlock")
      assert.include(error.detail, "#1 forgotten waits on Deferred 1 (made in forgotten) since step 1 in forgotten")
      const locks = yield* found(planted.lockOrder)
      assert.match(
        locks.detail,
        /#2 transfer waits on Semaphore 2 \(held by #3 transfer\) since step \d+ in second lock < transfer/
      )
      assert.match(
        locks.detail,
        /#3 transfer waits on Semaphore 1 \(held by #2 transfer\) since step \d+ in second lock < transfer/
      )
    })
  )

  it.live("a livelock, of yields or of operations without any", () =>
    Effect.gen(function* () {
      for (const turn of [Effect.yieldNow, Effect.sync(() => {})]) {
        const error = yield* found(Effect.forever(turn), { maxSteps: 100 })
        assert.strictEqual(error.verdict, "Livelock")
        assert.include(error.detail, "after 100 steps")
        assert.include(error.detail, "#1 main could go on, and ran last in step 100")
      }
    })
  )

  it.live("a leak, unless leaks are ignored", () =>
    Effect.gen(function* () {
      const program = Effect.forkDetach(Effect.withSpan(Effect.never, "daemon"))
      const error = yield* found(program)
      assert.strictEqual(error.verdict, "Leak")
      assert.include(error.detail, "1 fiber is left:\n  #2 daemon waits for ever since step 2 in daemon")
      yield* Explore.check(program, { leaks: "ignore" })
      yield* Explore.check(Effect.forkChild(Effect.never))
    })
  )

  it.live("a promise, a timer, Math.random and Date are no part of a schedule", () =>
    Effect.gen(function* () {
      let runs = 0
      for (const program of [
        Effect.promise(() => Promise.resolve(1)),
        Effect.callback<void>((resume) => void setTimeout(() => resume(Effect.void), 5)),
        Effect.timeoutOption(
          Effect.promise(() => Promise.resolve(1)),
          "1 second"
        ),
        Effect.sync(() => Math.random()),
        Effect.suspend(() => Effect.repeat(Effect.yieldNow, { times: runs++ }))
      ]) {
        const error = yield* found(program)
        assert.strictEqual(error.verdict, "NonDeterminism", error.message)
      }
    })
  )

  it.live("a thrown error is a verdict like any other, with its seed", () =>
    Effect.gen(function* () {
      const program = Effect.withFiber((fiber) =>
        Effect.sync(() =>
          fiber.currentDispatcher.scheduleTask(() => {
            throw new Error("outside of any fiber")
          }, 0)
        )
      )
      const error = yield* found(Effect.andThen(program, Effect.yieldNow))
      assert.strictEqual(error.verdict, "Defect")
      assert.include(error.detail, "outside of any fiber")
    })
  )
})

describe("what a run gives to its program", () => {
  it.live("time that goes on only when nothing can run", () =>
    Explore.check(
      Effect.gen(function* () {
        const log: Array<string> = []
        const sleeper = (name: string, time: number) =>
          Effect.andThen(
            Effect.sleep(time),
            Effect.sync(() => log.push(name))
          )
        const busy = Effect.andThen(
          Effect.repeat(Effect.yieldNow, { times: 20 }),
          Effect.sync(() => log.push("busy"))
        )
        yield* Effect.all([sleeper("hour", 3_600_000), busy, sleeper("second", 1000)], { concurrency: "unbounded" })
        assert.deepStrictEqual(log, ["busy", "second", "hour"])
        assert.strictEqual(yield* Clock.currentTimeMillis, 3_600_000)
        assert.strictEqual(yield* Clock.monotonicTimeNanos, 3_600_000_000_000n)
      }),
      { schedules: 200 }
    )
  )

  it.live("sleepers of one moment wake in any order", () =>
    Effect.gen(function* () {
      const orders = new Set<string>()
      const program = Effect.gen(function* () {
        const log: Array<number> = []
        const sleeper = (n: number) =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => log.push(n))
          )
        yield* Effect.all([sleeper(1), sleeper(2), sleeper(3)], { concurrency: "unbounded" })
        orders.add(log.join(""))
      })
      yield* Explore.check(program, { schedules: 300 })
      assert.strictEqual(orders.size, 6)
    })
  )

  it.live("an interruption before the first operation prevents it", () =>
    Explore.check(
      Effect.gen(function* () {
        let ran = false
        const fiber = yield* Effect.forkChild(Effect.sync(() => (ran = true)))
        const before = yield* Effect.sync(() => {
          fiber.interruptUnsafe()
          return ran
        })
        yield* Fiber.await(fiber)
        assert.strictEqual(ran, before)
      })
    )
  )

  it.live("dispatchers that keep the order of their priorities, and flush", () =>
    Explore.check(
      Effect.gen(function* () {
        const log: Array<string> = []
        const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
        for (const [name, priority] of [["b", 1] as const, ["a", 0] as const, ["c", 1] as const]) {
          dispatcher.scheduleTask(() => log.push(name), priority)
        }
        dispatcher.flush()
        assert.deepStrictEqual(log, ["a", "b", "c"])
      })
    )
  )

  it.live("its logs are in the trace, and nowhere else", () =>
    Effect.gen(function* () {
      const error = yield* found(Effect.andThen(Effect.log("about to fail"), Effect.fail("no")))
      assert.include(error.trace, 'says "about to fail"')
    })
  )
})

describe("the file of a failure", () => {
  it.live("has the message, under the name of the exploration", () =>
    Effect.gen(function* () {
      const directory = join(mkdtempSync(join(tmpdir(), "explore-")), "nested")
      const error = yield* found(Effect.fail("no"), { name: "a name: with/signs", directory })
      assert.strictEqual(error.file, `${directory}/a-name-with-signs.txt`)
      assert.include(readFileSync(error.file ?? "", "utf8"), error.replay)
      rmSync(directory, { recursive: true })
      assert.isUndefined((yield* found(Effect.fail("no"), { directory })).file)
      assert.isFalse(existsSync(directory))
    })
  )

  it.live("goes where the environment says", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "explore-"))
      const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({ TROUPE_EXPLORE_DIR: directory }))
      const error = yield* Effect.provide(found(Effect.fail("no"), { name: "failing" }), environment)
      assert.strictEqual(error.file, `${directory}/failing.txt`)
      rmSync(directory, { recursive: true })
    })
  )
})

describe("speed", () => {
  it.live("a small program runs under thousands of schedules a second", () =>
    Effect.gen(function* () {
      const began = performance.now()
      const { schedules } = yield* Explore.check(planted.keptUpdate, { schedules: 10_000 })
      const perSecond = (schedules / (performance.now() - began)) * 1000
      // Some 50,000 on a quiet machine.
      assert.isAbove(perSecond, 5000)
    })
  )
})
