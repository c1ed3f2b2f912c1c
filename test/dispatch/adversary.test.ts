/** What handlers and processes do that they should not, and how far it reaches. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Random, Schema } from "effect"
import { Command, Dispatcher, DispatchError, Process } from "troupe"
import { both } from "../support/both.ts"
import { allEnded, inProcessWith, yieldAny, yieldAnyAsync } from "../support/dispatched.ts"
import { host, inProcess } from "../support/processes.ts"

const silent = Logger.layer([])

const Job = Command.module("job", {
  run: Command.make(300, { payload: Schema.Int, success: Schema.Int }),
  void: Command.make(301)
})
const JobLive = Dispatcher.layer(Job, { run: (n) => Effect.succeed(n), void: () => Effect.void })

describe("handlers that misbehave", () => {
  for (const [what, handler] of [
    [
      "throws",
      (): Effect.Effect<void> => {
        throw new Error("thrown")
      }
    ],
    ["answers nothing", () => undefined as never],
    ["answers a promise", () => Promise.resolve() as never],
    ["answers a text", () => "no effect" as never],
    ["answers a generator", () => (function* () {})() as never],
    ["is missing", undefined as never]
  ] as const) {
    both(`D7 one that ${what}: a defect of its yield, and the process goes on and cleans up`, () =>
      Effect.gen(function* () {
        const Bad = Command.module("bad", { run: Command.make(310) })
        const finalized: Array<string> = []
        const body = Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => finalized.push("finalized")))
          const exits = [
            yield* Effect.exit(Process.yield(Bad.run)),
            yield* Effect.exit(Process.yield(Bad.run, undefined, { timeout: "1 second" })),
            yield* Effect.flatMap(Process.yieldAsync(Bad.run), ({ await: answer }) => Effect.exit(answer))
          ]
          for (const exit of exits) assert.isTrue(Exit.hasDies(exit))
          assert.strictEqual(yield* Process.yield(Job.run, 1), 1)
          yield* allEnded
        })
        yield* inProcessWith(body, Layer.merge(Dispatcher.layer(Bad, { run: handler }), JobLive))
        assert.deepStrictEqual(finalized, ["finalized"])
      }).pipe(Effect.provide(host))
    )
  }

  both("D10 one that interrupts itself ends its yield, and one that interrupts its fiber no other yield", () =>
    Effect.gen(function* () {
      const Self = Command.module("self", { interrupt: Command.make(310), fiber: Command.make(311) })
      const SelfLive = Dispatcher.layer(Self, {
        interrupt: () => Effect.andThen(Effect.yieldNow, Effect.interrupt),
        fiber: () => Effect.withFiber((fiber) => Fiber.interrupt(fiber))
      })
      const body = Effect.gen(function* () {
        const other = yield* Process.yieldAsync(Job.run, 1)
        for (const command of [Self.interrupt, Self.fiber]) {
          const going = yield* Process.yieldAsync(command)
          const exit = yield* Effect.exit(going.await)
          assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
          const exits = yield* Effect.flatMap(Process.fork(Effect.exit(Process.yield(command))), Fiber.await)
          assert.isTrue(Exit.isFailure(exits) || Exit.isFailure(exits.value))
        }
        assert.strictEqual(yield* other.await, 1)
        yield* allEnded
      })
      yield* inProcessWith(body, Layer.merge(SelfLive, JobLive))
    }).pipe(Effect.provide(host))
  )

  both("D10 one that can't be interrupted: the process ends when it has, and its answer is dropped", () =>
    Effect.gen(function* () {
      const Stubborn = Command.module("stubborn", { run: Command.make(310) })
      const StubbornLive = Dispatcher.layer(Stubborn, { run: () => Effect.uninterruptible(Effect.sleep(50)) })
      const Victim = Process.make("test:victim", { args: Schema.Boolean })
      const VictimLive = Victim.toLayer((async) =>
        async
          ? Effect.andThen(Process.yieldAsync(Stubborn.run), Effect.never)
          : Effect.asVoid(Process.yield(Stubborn.run))
      )
      yield* Effect.gen(function* () {
        for (const async of [true, false]) {
          const victim = yield* Effect.provide(Process.spawn(Victim, async), VictimLive)
          yield* Effect.sleep(1)
          const ending = yield* Effect.forkChild(Process.terminate(victim), { startImmediately: true })
          yield* Effect.sleep(10)
          assert.isUndefined(ending.pollUnsafe())
          yield* Fiber.join(ending)
        }
        const { completions, interruptions } = yield* allEnded
        assert.deepStrictEqual([completions, interruptions], [0, 2])
      }).pipe(Effect.provide(StubbornLive))
    }).pipe(Effect.provide(host))
  )

  both("one whose finalizers fail: the yield that is cancelled, and the process, end all the same", () =>
    Effect.gen(function* () {
      const Dirty = Command.module("dirty", { run: Command.make(310), later: Command.make(311) })
      const DirtyLive = Dispatcher.layer(Dirty, {
        run: () => Effect.onInterrupt(Effect.never, () => Effect.die("dirty")),
        later: () => Effect.succeed(Dispatcher.later(Effect.die("dirty")))
      })
      const body = Effect.gen(function* () {
        for (const command of [Dirty.run, Dirty.later]) {
          const one = yield* Process.yieldAsync(command)
          yield* Effect.sleep(1)
          yield* Effect.exit(one.cancel)
          yield* Effect.exit(Process.yield(command, undefined, { timeout: 5 }))
          yield* Process.yieldAsync(command)
        }
        yield* Effect.sleep(1)
      })
      yield* Effect.gen(function* () {
        yield* Effect.exit(inProcess(body))
        yield* allEnded
      }).pipe(Effect.provide(DirtyLive))
    }).pipe(Effect.provide([host, silent]))
  )
})

describe("yields at the wrong place", () => {
  both("a finalizer of the body, and of its scope, may yield; neither hangs", () =>
    Effect.gen(function* () {
      const log: Array<unknown> = []
      const Slow = Command.module("slow", { run: Command.make(310, { payload: Schema.Int, success: Schema.Int }) })
      const SlowLive = Dispatcher.layer(Slow, { run: (n) => Effect.as(Effect.sleep(5), n) })
      const Victim = Process.make("test:victim")
      const VictimLive = Victim.toLayer(() =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() =>
            Effect.gen(function* () {
              log.push(yield* Effect.exit(Process.yield(Slow.run, 3)))
              const going = yield* Effect.exit(
                Effect.flatMap(Process.yieldAsync(Slow.run, 4), ({ await: answer }) => answer)
              )
              log.push(Exit.isFailure(going) && Cause.hasInterruptsOnly(going.cause))
            })
          )
          return yield* Effect.onExit(Effect.never, () =>
            Effect.gen(function* () {
              log.push(yield* Effect.exit(Process.yield(Slow.run, 1)))
              const going = yield* Process.yieldAsync(Slow.run, 2)
              log.push(yield* Effect.exit(going.await))
            })
          )
        }).pipe(Effect.orDie)
      )
      yield* Effect.gen(function* () {
        const victim = yield* Effect.provide(Process.spawn(Victim), VictimLive)
        yield* Effect.sleep(1)
        yield* Process.terminate(victim)
        // A scope that closes lets no fiber of its own begin.
        assert.deepStrictEqual(log, [Exit.succeed(1), Exit.succeed(2), Exit.succeed(3), true])
        yield* allEnded
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide(host))
  )

  both("a process that was killed yields nothing any more", () =>
    Effect.gen(function* () {
      const handled: Array<string> = []
      const Note = Command.module("note", { run: Command.make(310, { payload: Schema.String }) })
      const NoteLive = Dispatcher.layer(Note, { run: (line) => Effect.sync(() => void handled.push(line)) })
      const Victim = Process.make("test:victim")
      const VictimLive = Victim.toLayer(() =>
        Effect.onExit(Effect.never, () =>
          Effect.andThen(
            Effect.sleep(10),
            Effect.andThen(
              Effect.exit(Process.yieldAsync(Note.run, "async")),
              Effect.exit(Process.yield(Note.run, "yield"))
            )
          )
        )
      )
      yield* Effect.gen(function* () {
        const victim = yield* Effect.provide(Process.spawn(Victim), VictimLive)
        yield* Effect.sleep(1)
        yield* Process.kill(victim)
        yield* Effect.sleep(50)
        assert.deepStrictEqual(handled, [])
        assert.strictEqual((yield* allEnded).yields, 0)
      }).pipe(Effect.provide(NoteLive))
    }).pipe(Effect.provide(host))
  )

  it.effect("a payload past the types reaches no handler, unless the host trusts payloads", () =>
    Effect.gen(function* () {
      const body = Effect.gen(function* () {
        const error = yield* Effect.flip(yieldAny(Job.run, "no number"))
        assert.instanceOf(error, DispatchError.InvalidCommandPayload)
        for (const part of ["job.run (300)", String(yield* Process.self)]) assert.include(error.message, part)
        const going = yield* yieldAnyAsync(Job.run)
        assert.strictEqual((yield* Effect.flip(going.await))._tag, "InvalidCommandPayload")
        yield* allEnded
      })
      yield* inProcessWith(body, JobLive)
    }).pipe(Effect.provide(host))
  )

  both("a payload whose check throws is a defect of its yield, which is pending no longer", () =>
    Effect.gen(function* () {
      const Throwing = Schema.String.check(
        Schema.makeFilter((text) => {
          if (text === "bad") throw new Error("the check threw")
          return true
        })
      )
      const Checked = Command.module("checked", {
        run: Command.make(310, { payload: Throwing, success: Schema.String })
      })
      const CheckedLive = Dispatcher.layer(Checked, { run: (text) => Effect.succeed(text) })
      const body = Effect.gen(function* () {
        const died = yield* Effect.exit(Process.yield(Checked.run, "bad"))
        assert.isTrue(Exit.hasDies(died))
        const going = yield* Process.yieldAsync(Checked.run, "bad")
        assert.deepStrictEqual(yield* Effect.exit(going.await), died)
        assert.strictEqual(yield* Process.yield(Checked.run, "good"), "good")
        assert.strictEqual((yield* allEnded).completions, 3)
      })
      yield* inProcessWith(body, CheckedLive)
    }).pipe(Effect.provide(host))
  )
})

describe("handlers provided within a process", () => {
  const Own = Command.module("own", { run: Command.make(320, { success: Schema.String }) })
  const OwnLive = Dispatcher.layer(Own, { run: () => Effect.succeed("own") })

  both("stand beside those of the application, for what they are provided to", () =>
    Effect.gen(function* () {
      const body = Effect.gen(function* () {
        const inside = Effect.provide(Effect.all([Process.yield(Job.run, 1), Process.yield(Own.run)]), OwnLive)
        assert.deepStrictEqual(yield* inside, [1, "own"])
        assert.strictEqual((yield* Effect.flip(yieldAny(Own.run)))._tag, "UnknownCommand")
        assert.strictEqual(yield* Process.yield(Job.run, 2), 2)
      })
      yield* inProcessWith(body, JobLive)
    }).pipe(Effect.provide(host))
  )

  it.effect("a handler is of the process that yields, whichever process its layer was built in", () =>
    Effect.gen(function* () {
      const Who = Command.module("who", { asks: Command.make(330, { success: Schema.Unknown }) })
      const Asker = Process.make("test:asker", { success: Schema.Unknown })
      const body = Effect.gen(function* () {
        const WhoLive = Dispatcher.layer(Who, { asks: () => Effect.map(Process.self, String) })
        const AskerLive = Asker.toLayer(() => Process.yield(Who.asks))
        return yield* Effect.gen(function* () {
          const pid = yield* Process.spawn(Asker)
          return [String(pid), yield* Effect.flatten(Process.await(pid))]
        }).pipe(Effect.provide(Layer.provideMerge(AskerLive, WhoLive)))
      })
      const [pid, seen] = yield* inProcess(body)
      assert.strictEqual(seen, pid)
    }).pipe(Effect.provide(host))
  )
})

describe("whatever processes do", () => {
  both("every yield is completed, or interrupted, or pending", () =>
    Effect.gen(function* () {
      const completions: Array<(exit: Exit.Exit<void>) => Effect.Effect<boolean>> = []
      const Any = Command.module("any", {
        now: Command.make(310),
        slow: Command.make(311, { payload: Schema.Int }),
        fail: Command.make(312, { payload: Schema.Int, error: Schema.String }),
        later: Command.make(313),
        stubborn: Command.make(314, { payload: Schema.Int })
      })
      const AnyLive = Dispatcher.layer(Any, {
        now: () => Effect.void,
        slow: (millis) => Effect.ensuring(Effect.sleep(millis), Effect.yieldNow),
        fail: (millis) => Effect.andThen(Effect.sleep(millis), millis % 2 ? Effect.die("odd") : Effect.fail("even")),
        later: (_, { complete }) => {
          completions.push(complete)
          return Effect.succeed(Dispatcher.later(Effect.yieldNow))
        },
        stubborn: (millis) => Effect.uninterruptible(Effect.sleep(millis))
      })
      const randomYield = Effect.gen(function* () {
        const millis = yield* Random.nextIntBetween(0, 4)
        const timeout = (yield* Random.nextIntBetween(0, 3)) === 0 ? { timeout: 2 } : undefined
        const [command, payload] = yield* Random.choice([
          [Any.now, undefined],
          [Any.slow, millis],
          [Any.fail, millis],
          [Any.later, undefined],
          [Any.stubborn, millis],
          [Job.run, 1]
        ] as const)
        return { command, payload, timeout }
      })
      const act = Effect.gen(function* () {
        const { command, payload, timeout } = yield* randomYield
        const what = yield* Random.nextIntBetween(0, 4)
        if (what === 0) {
          yield* yieldAny(command, payload, timeout).pipe(Effect.timeoutOption(3), Effect.exit)
        } else if (what === 1) {
          yield* Effect.exit(Effect.timeoutOption(yieldAnyAsync(command, payload, timeout), 0))
        } else if (what === 2) {
          const going = yield* yieldAnyAsync(command, payload, timeout)
          yield* Effect.exit(Effect.all([going.cancel, Effect.sleep(1)], { concurrency: 2 }))
        } else if (what === 3) {
          const going = yield* yieldAnyAsync(command, payload, timeout)
          yield* Effect.exit(Effect.timeoutOption(going.await, 2))
        }
        const complete = completions[yield* Random.nextIntBetween(0, 9)]
        if (complete !== undefined) yield* complete(Exit.void)
      })
      const Actor = Process.make("test:actor")
      const ActorLive = Actor.toLayer(() =>
        Effect.gen(function* () {
          for (let i = 0; i < 3; i++) yield* Process.fork(act)
          yield* act
          yield* act
        })
      )
      yield* Effect.gen(function* () {
        const actors = yield* Effect.replicateEffect(Effect.provide(Process.spawn(Actor), ActorLive), 2)
        yield* Effect.sleep(yield* Random.nextIntBetween(0, 4))
        const { completions: done, interruptions, yields } = yield* Dispatcher.statistics
        assert.isAtLeast(yields, done + interruptions)
        for (const actor of actors) {
          yield* Effect.exit((yield* Random.nextBoolean) ? Process.kill(actor) : Process.terminate(actor))
        }
        yield* Effect.sleep(50)
        yield* allEnded
      }).pipe(Effect.provide(AnyLive))
    }).pipe(Effect.provide([host, silent]))
  )
})
