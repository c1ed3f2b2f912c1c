import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Logger, Random, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, Command, Dispatcher, DispatchError, Process, Select, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { allEnded, inProcessWith } from "../support/dispatched.ts"
import { heapUsed } from "../support/heap.ts"
import { host, inProcess } from "../support/processes.ts"

const silent = Logger.layer([])

/** Answers what it is given, after some time, in a way that is asked for. */
const Job = Command.module("job", {
  echo: Command.make(300, { payload: { millis: Schema.Int, n: Schema.Int }, success: Schema.Int }),
  fail: Command.make(301, { payload: Schema.String, success: Schema.Int, error: Schema.String }),
  die: Command.make(302, { payload: Schema.String, success: Schema.Int }),
  tag: Command.make(303, { success: Schema.Int }),
  never: Command.make(304, { success: Schema.Int })
})

const JobLive = Dispatcher.layer(Job, {
  echo: ({ millis, n }) => (millis === 0 ? Effect.succeed(n) : Effect.as(Effect.sleep(millis), n)),
  fail: (why) => Effect.andThen(Effect.sleep(1), Effect.fail(why)),
  die: (why) => Effect.andThen(Effect.sleep(1), Effect.die(why)),
  tag: (_, { tag }) => Effect.succeed(tag),
  never: () => Effect.never
})

const live = Layer.mergeAll(JobLive, host)

describe("D4 many yields of one process", () => {
  both("D4 two that complete out of order: each result reaches its own tag", () =>
    inProcess(
      Effect.gen(function* () {
        const slow = yield* Process.yieldAsync(Job.echo, { millis: 20, n: 1 })
        const quick = yield* Process.yieldAsync(Job.echo, { millis: 10, n: 2 })
        assert.deepStrictEqual([slow.tag, quick.tag], [1, 2])
        const first = yield* Select.any({ slow, quick })
        assert.deepStrictEqual([first._tag, first.value], ["quick", 2])
        assert.deepStrictEqual([yield* slow.await, yield* quick.await], [1, 2])
        // As often as one likes.
        assert.deepStrictEqual([yield* slow.await, yield* quick.await], [1, 2])
        yield* allEnded
      })
    ).pipe(Effect.provide(live))
  )

  both("D4 in whatever order they complete, each result reaches its own tag", () =>
    inProcess(
      Effect.gen(function* () {
        const many = yield* Random.nextIntBetween(1, 12)
        const delays = yield* Random.shuffle(Array.from({ length: many }, (_, i) => i))
        const yields = yield* Effect.forEach(delays, (millis) => Process.yieldAsync(Job.echo, { millis, n: millis }))
        assert.deepStrictEqual(
          yields.map(({ tag }) => tag),
          delays.map((_, i) => i + 1)
        )
        const order: Array<number> = []
        const answers = yield* Effect.forEach(
          yields,
          (one) => Effect.tap(one.await, (n) => Effect.sync(() => order.push(n))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(answers, delays)
        assert.deepStrictEqual(
          order,
          delays.toSorted((a, b) => a - b)
        )
        yield* allEnded
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D4 every permutation of five, completed from elsewhere", () =>
    Effect.gen(function* () {
      const numbers = [1, 2, 3, 4, 5]
      const permutations = (left: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
        left.length === 0
          ? [[]]
          : left.flatMap((one) => permutations(left.filter((other) => other !== one)).map((rest) => [one, ...rest]))
      const Later = Command.module("later", { run: Command.make(310, { payload: Schema.Int, success: Schema.Int }) })
      const completions = new Map<number, Effect.Effect<boolean>>()
      const LaterLive = Dispatcher.layer(Later, {
        run: (n, yielded) => {
          completions.set(n, yielded.complete(Exit.succeed(n * yielded.tag)))
          return Effect.succeed(Dispatcher.later())
        }
      })
      for (const permutation of permutations(numbers)) {
        const body = Effect.gen(function* () {
          const yields = yield* Effect.forEach(numbers, (n) => Process.yieldAsync(Later.run, n))
          for (const n of permutation) {
            const pending = numbers.length - permutation.indexOf(n)
            assert.strictEqual(completions.size, pending)
            assert.isTrue(yield* completions.get(n) ?? Effect.succeed(false))
            completions.delete(n)
            assert.strictEqual(yield* yields[n - 1]?.await ?? Effect.void, n * n)
          }
        })
        yield* inProcessWith(body, LaterLive)
      }
    }).pipe(Effect.provide(host))
  )

  both("D4 yields of coroutines and of the body, waited for in place, do not mix", () =>
    inProcess(
      Effect.gen(function* () {
        const ask = (n: number) =>
          Effect.gen(function* () {
            for (let i = 0; i < 3; i++) {
              const millis = yield* Random.nextIntBetween(0, 3)
              assert.strictEqual(yield* Process.yield(Job.echo, { millis, n: 10 * n + i }), 10 * n + i)
            }
          })
        const coroutines = yield* Effect.forEach([1, 2, 3], (n) => Process.fork(ask(n)))
        yield* ask(4)
        yield* Fiber.awaitAll(coroutines)
        assert.strictEqual((yield* allEnded).completions, 12)
      })
    ).pipe(Effect.provide(live))
  )
})

describe("D5 when a handler completes", () => {
  const How = Command.module("how", {
    value: Command.make(310, { payload: Schema.String, success: Schema.String, error: Schema.String })
  })
  const answer = (good: boolean) => (good ? Exit.succeed("yes") : Exit.fail("no"))
  const HowLive = Dispatcher.layer(How, {
    value: (how, yielded) => {
      const exit = answer(!how.endsWith("!"))
      switch (how.replace("!", "")) {
        case "at once":
          return exit
        case "in a step":
          return Effect.suspend(() => exit)
        case "later":
          return Effect.andThen(Effect.sleep(5), exit)
        case "from a fiber":
          return Effect.flatMap(Effect.forkChild(Effect.andThen(Effect.sleep(5), exit)), Fiber.join)
        case "later, before it answers":
          return Effect.andThen(yielded.complete(exit), Effect.succeed(Dispatcher.later()))
        case "later, from another fiber":
          return Effect.as(
            Effect.forkDetach(Effect.andThen(Effect.sleep(5), yielded.complete(exit))),
            Dispatcher.later()
          )
        case "later, from another fiber at once":
          return Effect.as(Effect.forkDetach(yielded.complete(exit), { startImmediately: true }), Dispatcher.later())
        case "later, from a callback":
          return Effect.as(
            Effect.forkDetach(
              Effect.andThen(
                Effect.sleep(5),
                Effect.sync(() => yielded.completeUnsafe(exit))
              )
            ),
            Dispatcher.later()
          )
        case "later, by its tag":
          return Effect.as(
            Effect.forkDetach(Effect.andThen(Effect.sleep(5), yielded.completeTag(yielded.tag, exit))),
            Dispatcher.later()
          )
        default:
          return Effect.die(how)
      }
    }
  })

  for (const how of [
    "at once",
    "in a step",
    "later",
    "from a fiber",
    "later, before it answers",
    "later, from another fiber",
    "later, from another fiber at once",
    "later, from a callback",
    "later, by its tag"
  ]) {
    both(`D5 ${how}: the same result`, () =>
      inProcess(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Effect.exit(Process.yield(How.value, how)), Exit.succeed("yes"))
          assert.deepStrictEqual(yield* Effect.exit(Process.yield(How.value, `${how}!`)), Exit.fail("no"))
          const limited = Process.yield(How.value, how, { timeout: "1 second" })
          assert.deepStrictEqual(yield* Effect.exit(limited), Exit.succeed("yes"))
          const good = yield* Process.yieldAsync(How.value, how)
          const bad = yield* Process.yieldAsync(How.value, `${how}!`)
          assert.deepStrictEqual(yield* Effect.exit(bad.await), Exit.fail("no"))
          assert.deepStrictEqual(yield* Effect.exit(good.await), Exit.succeed("yes"))
          const counts = yield* allEnded
          assert.deepStrictEqual([counts.completions, counts.dropped], [5, { unknown: 0, late: 0 }])
        })
      ).pipe(Effect.provide([HowLive, host]))
    )
  }
})

describe("D6 a handler that fails", () => {
  both("D6 that yield fails with the typed error; the process and its other yields go on", () =>
    inProcess(
      Effect.gen(function* () {
        const other = yield* Process.yieldAsync(Job.echo, { millis: 10, n: 1 })
        const failing = yield* Process.yieldAsync(Job.fail, "no disk")
        assert.strictEqual(yield* Effect.flip(Process.yield(Job.fail, "no net")), "no net")
        assert.strictEqual(yield* Effect.flip(failing.await), "no disk")
        assert.strictEqual(yield* other.await, 1)
        assert.strictEqual(yield* Process.yield(Job.echo, { millis: 0, n: 2 }), 2)
      })
    ).pipe(Effect.provide(live))
  )
})

describe("D7 a handler that dies", () => {
  both("D7 that yield sees the defect; its process may go on, and so does the dispatcher", () =>
    inProcess(
      Effect.gen(function* () {
        const dying = yield* Process.yieldAsync(Job.die, "broken")
        assert.deepStrictEqual(yield* Effect.exit(Process.yield(Job.die, "worse")), Exit.die("worse"))
        assert.deepStrictEqual(yield* Effect.exit(dying.await), Exit.die("broken"))
        assert.strictEqual(yield* Process.yield(Job.echo, { millis: 1, n: 1 }), 1)
        yield* allEnded
      })
    ).pipe(Effect.provide(live))
  )

  both("D7 a process that does not mind a defect ends with it, and others yield on", () =>
    Effect.gen(function* () {
      const Dying = Process.make("test:dying")
      const pid = yield* Effect.provide(
        Process.spawn(Dying),
        Dying.toLayer(() => Process.yield(Job.die, "broken"))
      )
      assert.deepStrictEqual(yield* Process.await(pid), Exit.die("broken"))
      assert.strictEqual(yield* inProcess(Process.yield(Job.echo, { millis: 1, n: 1 })), 1)
      yield* allEnded
    }).pipe(Effect.provide([live, silent]))
  )

  both("D7 what fails or dies while nobody waits for it hurts nobody", () =>
    inProcess(
      Effect.gen(function* () {
        yield* Process.yieldAsync(Job.die, "broken")
        yield* Process.yieldAsync(Job.fail, "no disk")
        yield* Effect.sleep(10)
        yield* allEnded
      })
    ).pipe(Effect.provide(live))
  )
})

describe("D8 tags", () => {
  both("D8 count from 1 in each process, whoever in it yields, and whatever becomes of the yield", () =>
    Effect.gen(function* () {
      const body = Effect.gen(function* () {
        const tags = [yield* Process.yield(Job.tag)]
        yield* Effect.exit(Process.yield(Job.fail, "2"))
        const third = yield* Process.yieldAsync(Job.never)
        tags.push(third.tag, yield* Effect.flatMap(Process.fork(Process.yield(Job.tag)), Fiber.join))
        yield* third.cancel
        yield* Effect.exit(Process.yield(Job.never, undefined, { timeout: 1 }))
        tags.push(yield* Process.yield(Job.tag))
        return tags
      })
      const all = yield* Effect.all([inProcess(body), inProcess(body)], { concurrency: 2 })
      assert.deepStrictEqual(all, [
        [1, 3, 4, 6],
        [1, 3, 4, 6]
      ])
    }).pipe(Effect.provide(live))
  )

  both("D8 go on counting when the process is restarted in place", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const Worker = Process.make("test:worker", { protocol: [Rpc.make("crash")] })
      const WorkerLive = Worker.toLayer(
        Effect.fnUntraced(function* () {
          seen.push(yield* Process.yield(Job.tag))
          const pending = yield* Process.yieldAsync(Job.never)
          seen.push(pending.tag)
          yield* Worker.receive()
          return yield* Effect.fail("crashed")
        })
      )
      yield* Effect.gen(function* () {
        const child = ChildSpec.make(Worker, undefined, { id: "w", inbox: "keep" })
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [child] }))
        yield* Effect.sleep(1)
        const { pid } = yield* Supervisor.find(tree, "w")
        yield* Process.send(pid as never, "crash" as never) as Effect.Effect<void>
        yield* Effect.sleep(1)
        assert.strictEqual((yield* Supervisor.find(tree, "w")).pid, pid)
        assert.deepStrictEqual(seen, [1, 2, 3, 4])
        yield* Supervisor.stop(tree)
      }).pipe(Effect.provide(WorkerLive))
      const { interruptions } = yield* allEnded
      assert.strictEqual(interruptions, 2)
    }).pipe(Effect.provide([live, silent]))
  )

  both("D8 go on counting when the process becomes another", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const note = Effect.map(Process.yield(Job.tag), (tag) => void seen.push(tag))
      const [First, Second] = [Process.make("test:first"), Process.make("test:second")]
      const SecondLive = Second.toLayer(() => note)
      const FirstLive = First.toLayer(() =>
        note.pipe(Effect.andThen(Process.yieldAsync(Job.never)), Effect.andThen(Process.upgrade(Second)))
      ).pipe(Layer.provide(SecondLive))
      const pid = yield* Effect.provide(Process.spawn(First), FirstLive)
      yield* Process.await(pid)
      assert.deepStrictEqual(seen, [1, 3])
      yield* allEnded
    }).pipe(Effect.provide(live))
  )

  it.effect("D8 a supervisor that starts a new process has it count from 1", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* inProcess(Process.yield(Job.tag)), 1)
      assert.strictEqual(yield* inProcess(Process.yield(Job.tag)), 1)
    }).pipe(Effect.provide(live))
  )
})

describe("D12 a yield with a timeout", () => {
  both("D12 the handler is interrupted at the deadline, its finalizers have run, and the error is typed", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Slow = Command.module("slow", { run: Command.make(310, { success: Schema.Int }) })
      const SlowLive = Dispatcher.layer(Slow, {
        run: () =>
          Effect.never.pipe(
            Effect.onInterrupt(() =>
              Effect.andThen(
                Effect.sleep(30),
                Effect.sync(() => log.push("cleaned up"))
              )
            )
          )
      })
      const body = Effect.gen(function* () {
        const before = yield* Clock.currentTimeMillis
        const error = yield* Effect.flip(Process.yield(Slow.run, undefined, { timeout: "100 millis" }))
        assert.deepStrictEqual(log, ["cleaned up"])
        assert.strictEqual((yield* Clock.currentTimeMillis) - before, 130)
        const process = String(yield* Process.self)
        assert.deepStrictEqual(
          error,
          new DispatchError.YieldTimeout({ command: "slow.run", tag: 1, process, milliseconds: 100 })
        )
        for (const part of ["slow.run", "tag 1", process, "100 ms"]) assert.include(error.message, part)
        const { completions, dropped, timeouts } = yield* allEnded
        assert.deepStrictEqual([completions, timeouts, dropped], [1, 1, { unknown: 0, late: 0 }])
      })
      yield* inProcessWith(body, SlowLive)
    }).pipe(Effect.provide(host))
  )

  both("D12 a yield that goes on has its deadline too, and one that is in time has none", () =>
    inProcess(
      Effect.gen(function* () {
        const late = yield* Process.yieldAsync(Job.never, undefined, { timeout: 10 })
        const inTime = yield* Process.yieldAsync(Job.echo, { millis: 5, n: 1 }, { timeout: 10 })
        const first = yield* Select.any({ inTime, late })
        assert.deepStrictEqual([first._tag, first.value], ["inTime", 1])
        assert.strictEqual((yield* Effect.flip(late.await))._tag, "YieldTimeout")
        yield* Effect.sleep(100)
        assert.strictEqual(yield* inTime.await, 1)
        assert.strictEqual((yield* allEnded).timeouts, 1)
      })
    ).pipe(Effect.provide(live))
  )

  // What completes yields from elsewhere, and how it went.
  const deferring = (onInterrupt?: Effect.Effect<void>) => {
    const Later = Command.module("later", { run: Command.make(310, { success: Schema.Int }) })
    const completions: Array<Effect.Effect<boolean>> = []
    const LaterLive = Dispatcher.layer(Later, {
      run: (_, { complete, tag }) => {
        completions.push(complete(Exit.succeed(tag)))
        return Effect.succeed(Dispatcher.later(onInterrupt))
      }
    })
    const complete = (index: number) => completions[index] ?? Effect.die("not yielded")
    return { Later, LaterLive, complete }
  }

  both("D12 a completion after the deadline is dropped, and counted", () =>
    Effect.gen(function* () {
      const { complete, Later, LaterLive } = deferring()
      const body = Effect.gen(function* () {
        const error = yield* Effect.flip(Process.yield(Later.run, undefined, { timeout: 10 }))
        assert.strictEqual(error._tag, "YieldTimeout")
        const next = yield* Process.yieldAsync(Later.run)
        assert.isFalse(yield* complete(0))
        yield* Effect.sleep(1)
        assert.isTrue(yield* complete(1))
        assert.strictEqual(yield* next.await, 2)
        assert.deepStrictEqual((yield* allEnded).dropped, { unknown: 0, late: 1 })
      })
      yield* inProcessWith(body, LaterLive)
    }).pipe(Effect.provide(host))
  )

  both("D12 a completion after the deadline is dropped while the handler still cleans up", () =>
    Effect.gen(function* () {
      const { complete, Later, LaterLive } = deferring(Effect.sleep(20))
      const body = Effect.gen(function* () {
        const pending = yield* Process.yieldAsync(Later.run, undefined, { timeout: 10 })
        yield* Effect.sleep(15)
        assert.isFalse(yield* complete(0))
        assert.strictEqual((yield* Effect.flip(pending.await))._tag, "YieldTimeout")
        const { dropped, timeouts } = yield* allEnded
        assert.deepStrictEqual([timeouts, dropped], [1, { unknown: 0, late: 1 }])
      })
      yield* inProcessWith(body, LaterLive)
    }).pipe(Effect.provide(host))
  )

  both("D12 a completion at the deadline: either it or the timeout, for everybody", () =>
    Effect.gen(function* () {
      const { complete, Later, LaterLive } = deferring(Effect.yieldNow)
      const body = Effect.gen(function* () {
        const pending = yield* Process.yieldAsync(Later.run, undefined, { timeout: 10 })
        const completing = yield* Process.fork(Effect.andThen(Effect.sleep(10), complete(0)))
        const [one, other] = yield* Effect.all([Effect.exit(pending.await), Effect.exit(pending.await)], {
          concurrency: 2
        })
        assert.deepStrictEqual(one, other)
        const completed = yield* Fiber.join(completing)
        assert.strictEqual(completed, Exit.isSuccess(one))
        const { dropped, timeouts } = yield* allEnded
        assert.deepStrictEqual([timeouts, dropped.late], completed ? [0, 0] : [1, 1])
      })
      yield* inProcessWith(body, LaterLive)
    }).pipe(Effect.provide(host))
  )
})

describe("D11 10,000 outstanding yields of one process", () => {
  const many = 10_000

  it.live(
    "D11 complete, each with its own result, and the memory is free again",
    () =>
      Effect.gen(function* () {
        const Gate = Command.module("gate", {
          pass: Command.make(310, { payload: Schema.Int, success: Schema.Int }),
          later: Command.make(311, { payload: Schema.Int, success: Schema.Int })
        })
        const open = { deferred: Deferred.makeUnsafe<void>() }
        const later: Array<Effect.Effect<boolean>> = []
        const GateLive = Dispatcher.layer(Gate, {
          pass: (n) => Effect.as(Deferred.await(open.deferred), n),
          later: (n, { complete }) => {
            later.push(complete(Exit.succeed(n)))
            return Effect.succeed(Dispatcher.later())
          }
        })
        const round = Effect.gen(function* () {
          const numbers = Array.from({ length: many }, (_, n) => n)
          const yields = yield* Effect.forEach(numbers, (n) => Process.yieldAsync(n % 2 ? Gate.pass : Gate.later, n))
          assert.strictEqual(later.length, many / 2)
          yield* Effect.sync(() => Deferred.doneUnsafe(open.deferred, Exit.void))
          for (const complete of later.toReversed()) assert.isTrue(yield* complete)
          assert.deepStrictEqual(yield* Effect.forEach(yields, (one) => one.await), numbers)
          open.deferred = Deferred.makeUnsafe()
          later.length = 0
        })
        const body = Effect.gen(function* () {
          yield* round
          const before = yield* heapUsed
          for (let i = 0; i < 3; i++) yield* round
          const { completions, dropped } = yield* allEnded
          assert.deepStrictEqual([completions, dropped], [4 * many, { unknown: 0, late: 0 }])
          assert.isBelow((yield* heapUsed) - before, 1024 * 1024)
        })
        yield* inProcessWith(body, GateLive)
      }).pipe(Effect.provide(host)),
    60_000
  )

  it.live(
    "D11 are all given up when the process ends, and the memory is free again",
    () =>
      Effect.gen(function* () {
        const Holder = Process.make("test:holder")
        const HolderLive = Holder.toLayer(() =>
          Effect.gen(function* () {
            for (let n = 0; n < many; n++) yield* Process.yieldAsync(Job.never)
            return yield* Effect.never
          })
        )
        const round = Effect.gen(function* () {
          const { yields } = yield* Dispatcher.statistics
          const pid = yield* Effect.provide(Process.spawn(Holder), HolderLive)
          while ((yield* Dispatcher.statistics).yields < yields + many) yield* Effect.yieldNow
          yield* Process.terminate(pid)
        })
        yield* round
        const before = yield* heapUsed
        for (let i = 0; i < 3; i++) yield* round
        const { interruptions } = yield* allEnded
        assert.strictEqual(interruptions, 4 * many)
        assert.isBelow((yield* heapUsed) - before, 1024 * 1024)
      }).pipe(Effect.provide(live)),
    60_000
  )
})
