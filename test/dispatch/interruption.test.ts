import { assert, describe } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Command, Dispatcher, Process, ProcessEvent, Select } from "troupe"
import { both } from "../support/both.ts"
import { allEnded, inProcessWith } from "../support/dispatched.ts"
import { host } from "../support/processes.ts"

const silent = Logger.layer([])

/** A module whose handlers write what becomes of them, and take 10 ms to clean up. */
const noting = () => {
  const log: Array<string> = []
  const completions: Array<Effect.Effect<boolean>> = []
  const note = (line: string) => Effect.sync(() => void log.push(line))
  const cleaning = (name: string) => Effect.andThen(Effect.sleep(10), note(`${name} cleaned up`))
  const Slow = Command.module("slow", {
    run: Command.make(310, { payload: Schema.String }),
    later: Command.make(311, { payload: Schema.String })
  })
  const SlowLive = Dispatcher.layer(Slow, {
    run: (name) => Effect.onInterrupt(Effect.never, () => cleaning(name)),
    later: (name, { complete }) => {
      completions.push(complete(Exit.void))
      return Effect.succeed(Dispatcher.later(cleaning(name)))
    }
  })
  return { Slow, SlowLive, log, note, complete: Effect.suspend(() => completions.at(-1) ?? Effect.die("not yielded")) }
}

describe("D10 a process that ends while a yield is pending", () => {
  for (const how of ["run", "later"] as const) {
    both(`D10 terminate: the finalizers of the handler (${how}) have run before the exit can be seen`, () =>
      Effect.gen(function* () {
        const { complete, log, note, Slow, SlowLive } = noting()
        const Victim = Process.make("test:victim")
        const VictimLive = Victim.toLayer(() =>
          Effect.andThen(
            Process.yieldAsync(Slow[how], "async"),
            Effect.onExit(Process.yield(Slow[how], "yield"), (exit) =>
              note(`yield: ${Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)}`)
            )
          )
        )
        yield* Effect.gen(function* () {
          const victim = yield* Effect.provide(Process.spawn(Victim), VictimLive)
          yield* Effect.sleep(1)
          const watching = yield* Effect.forkChild(Effect.andThen(Process.await(victim), note("gone")), {
            startImmediately: true
          })
          const ending = yield* Effect.forkChild(Process.terminate(victim), { startImmediately: true })
          yield* Effect.sleep(5)
          // While it cleans up, nothing completes it.
          if (how === "later") assert.isFalse(yield* complete)
          yield* Fiber.join(ending)
          yield* Fiber.join(watching)
          assert.deepStrictEqual(log, ["yield cleaned up", "yield: true", "async cleaned up", "gone"])
          const { completions, dropped, interruptions } = yield* allEnded
          const late = how === "later" ? 1 : 0
          assert.deepStrictEqual([completions, interruptions, dropped], [0, 2, { unknown: 0, late }])
        }).pipe(Effect.provide(SlowLive))
      }).pipe(Effect.provide(host))
    )
  }

  both("D10 kill: it is gone at once, the finalizers run all the same, and nothing is completed", () =>
    Effect.gen(function* () {
      const { complete, log, note, Slow, SlowLive } = noting()
      const Victim = Process.make("test:victim")
      const VictimLive = Victim.toLayer(() =>
        Effect.andThen(Process.yieldAsync(Slow.run, "async"), Process.yield(Slow.later, "yield"))
      )
      yield* Effect.gen(function* () {
        const victim = yield* Effect.provide(Process.spawn(Victim), VictimLive)
        yield* Effect.sleep(1)
        yield* Process.kill(victim)
        assert.isTrue(ProcessEvent.isKilled(yield* Process.await(victim)))
        yield* note("gone")
        assert.isFalse(yield* complete)
        yield* Effect.sleep(30)
        assert.deepStrictEqual(log, ["gone", "yield cleaned up", "async cleaned up"])
        const { completions, interruptions } = yield* allEnded
        assert.deepStrictEqual([completions, interruptions], [0, 2])
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide(host))
  )

  both("D10 exit from a coroutine, and a coroutine that fails, interrupt the yield of the body", () =>
    Effect.gen(function* () {
      const { log, Slow, SlowLive } = noting()
      const Victim = Process.make("test:victim", { args: Schema.Boolean, success: Schema.String })
      const VictimLive = Victim.toLayer((orderly) =>
        Effect.gen(function* () {
          const end = orderly ? Process.exit(Exit.succeed("enough")) : Effect.fail("too much")
          yield* Process.fork(Effect.andThen(Effect.sleep(1), end))
          yield* Process.yield(Slow.run, String(orderly))
          return "never"
        })
      )
      yield* Effect.gen(function* () {
        const one = yield* Effect.provide(Process.spawn(Victim, true), VictimLive)
        assert.deepStrictEqual(yield* Process.await(one), Exit.succeed("enough"))
        const other = yield* Effect.provide(Process.spawn(Victim, false), VictimLive)
        assert.deepStrictEqual(yield* Process.await(other), Exit.fail("too much"))
        assert.deepStrictEqual(log, ["true cleaned up", "false cleaned up"])
        assert.strictEqual((yield* allEnded).interruptions, 2)
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide([host, silent]))
  )

  both("D10 a body that returns gives up what is under way, and has ended when its handlers have", () =>
    Effect.gen(function* () {
      const { log, Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        yield* Process.yieldAsync(Slow.run, "one")
        yield* Process.yieldAsync(Slow.later, "two")
        yield* Effect.sleep(1)
      })
      yield* Effect.gen(function* () {
        yield* inProcessWith(body, SlowLive)
        assert.sameMembers(log, ["one cleaned up", "two cleaned up"])
        assert.strictEqual((yield* allEnded).interruptions, 2)
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide(host))
  )

  both("D10 a coroutine that is interrupted takes its own yield along, and no other", () =>
    Effect.gen(function* () {
      const { log, Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        const async = yield* Process.yieldAsync(Slow.run, "async")
        const coroutine = yield* Process.fork(Process.yield(Slow.run, "coroutine"))
        yield* Effect.sleep(1)
        yield* Fiber.interrupt(coroutine)
        assert.deepStrictEqual(log, ["coroutine cleaned up"])
        assert.isFalse(async.isReadyUnsafe())
        yield* async.cancel
        assert.strictEqual((yield* allEnded).interruptions, 2)
      })
      yield* inProcessWith(body, SlowLive)
    }).pipe(Effect.provide(host))
  )

  both("D10 a yield that is interrupted before its handler began leaves nothing behind", () =>
    Effect.gen(function* () {
      const { Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        const coroutine = yield* Process.fork(
          Effect.andThen(Process.yieldAsync(Slow.run, "async"), Process.yield(Slow.run, "yield"))
        )
        yield* Fiber.interrupt(coroutine)
        const { interruptions, yields } = yield* Dispatcher.statistics
        assert.isTrue(yields - interruptions <= 1)
      })
      yield* Effect.gen(function* () {
        yield* inProcessWith(body, SlowLive)
        yield* allEnded
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide(host))
  )
})

describe("cancelling a yield", () => {
  both("D10 cancel waits for the finalizers, and who waits for the completion is interrupted", () =>
    Effect.gen(function* () {
      const { log, note, Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Slow.run, "one")
        const waiting = yield* Process.fork(Effect.exit(one.await))
        yield* Effect.sleep(1)
        yield* one.cancel
        yield* note("cancelled")
        assert.deepStrictEqual(log, ["one cleaned up", "cancelled"])
        const exit = yield* Fiber.join(waiting)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        assert.isTrue(one.isReadyUnsafe())
        const again = yield* Effect.exit(one.await)
        assert.isTrue(Exit.isFailure(again) && Cause.hasInterruptsOnly(again.cause))
        assert.strictEqual((yield* allEnded).interruptions, 1)
      })
      yield* inProcessWith(body, SlowLive)
    }).pipe(Effect.provide(host))
  )

  both("D10 cancelling twice, at once or one after the other: each waits for the finalizers, which run once", () =>
    Effect.gen(function* () {
      for (const how of ["run", "later"] as const) {
        const { log, Slow, SlowLive } = noting()
        const body = Effect.gen(function* () {
          const one = yield* Process.yieldAsync(Slow[how], "one")
          yield* Effect.sleep(1)
          const cancel = Effect.map(one.cancel, () => log.length)
          const cancelling = yield* Process.fork(cancel)
          assert.strictEqual(yield* cancel, 1)
          assert.strictEqual(yield* Fiber.join(cancelling), 1)
          yield* one.cancel
          assert.deepStrictEqual(log, ["one cleaned up"])
          assert.strictEqual((yield* allEnded).interruptions, 1)
        })
        yield* inProcessWith(body, SlowLive)
      }
    }).pipe(Effect.provide(host))
  )

  both("D10 cancelling what is completed changes nothing", () =>
    Effect.gen(function* () {
      const { complete, log, Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Slow.later, "one")
        yield* Effect.sleep(1)
        assert.isTrue(yield* complete)
        yield* one.cancel
        assert.deepStrictEqual(yield* Effect.exit(one.await), Exit.void)
        assert.deepStrictEqual(log, [])
        const { completions, interruptions } = yield* allEnded
        assert.deepStrictEqual([completions, interruptions], [1, 0])
      })
      yield* inProcessWith(body, SlowLive)
    }).pipe(Effect.provide(host))
  )

  both("D10 a cancellation that races a completion: one of the two, for everybody", () =>
    Effect.gen(function* () {
      const { complete, log, Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        const one = yield* Process.yieldAsync(Slow.later, "one")
        yield* Effect.sleep(1)
        const cancelling = yield* Process.fork(one.cancel)
        const completing = yield* Process.fork(complete)
        const exit = yield* Effect.exit(one.await)
        const completed = yield* Fiber.join(completing)
        yield* Fiber.join(cancelling)
        assert.strictEqual(Exit.isSuccess(exit), completed)
        assert.deepStrictEqual(log, completed ? [] : ["one cleaned up"])
        const { completions, interruptions } = yield* allEnded
        assert.deepStrictEqual([completions, interruptions], completed ? [1, 0] : [0, 1])
      })
      yield* inProcessWith(body, SlowLive)
    }).pipe(Effect.provide(host))
  )

  both("D10 a termination that races a completion: completed, or its handler is interrupted, and never both", () =>
    Effect.gen(function* () {
      const { complete, log, Slow, SlowLive } = noting()
      const Victim = Process.make("test:victim")
      const VictimLive = Victim.toLayer(() => Process.yield(Slow.later, "one"))
      yield* Effect.gen(function* () {
        const victim = yield* Effect.provide(Process.spawn(Victim), VictimLive)
        yield* Effect.sleep(1)
        const completing = yield* Effect.forkChild(complete)
        yield* Effect.exit(Process.terminate(victim))
        const completed = yield* Fiber.join(completing)
        assert.deepStrictEqual(log, completed ? [] : ["one cleaned up"])
        const { completions, interruptions } = yield* allEnded
        assert.deepStrictEqual([completions, interruptions], completed ? [1, 0] : [0, 1])
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide(host))
  )
})

describe("selecting over yields", () => {
  both("a select over a yield and the inbox takes the message, and the yield goes on", () =>
    Effect.gen(function* () {
      const { complete, Slow, SlowLive } = noting()
      const Child = Process.make("test:child", { protocol: [Rpc.make("knock")], success: Schema.Unknown })
      const ChildLive = Child.toLayer(() =>
        Effect.gen(function* () {
          const answer = yield* Process.yieldAsync(Slow.later, "one")
          const seen: Array<string> = []
          while (seen.length < 3) {
            const { _tag } = yield* Select.any({ answer, message: yield* Child.inbox })
            seen.push(_tag)
            if (_tag === "answer") break
          }
          return seen
        })
      )
      yield* Effect.gen(function* () {
        const child = yield* Effect.provide(Process.spawn(Child), ChildLive)
        yield* Effect.sleep(1)
        for (let i = 0; i < 2; i++) {
          yield* Process.send(child, "knock")
          yield* Effect.sleep(1)
        }
        assert.isTrue(yield* complete)
        assert.deepStrictEqual(yield* Process.await(child), Exit.succeed(["message", "message", "answer"]))
        yield* allEnded
      }).pipe(Effect.provide(SlowLive))
    }).pipe(Effect.provide(host))
  )

  both("a select that is interrupted takes nothing from the yield", () =>
    Effect.gen(function* () {
      const { complete, Slow, SlowLive } = noting()
      const body = Effect.gen(function* () {
        const answer = yield* Process.yieldAsync(Slow.later, "one")
        const selecting = yield* Process.fork(Select.any({ answer }))
        yield* Effect.sleep(1)
        yield* Effect.all([Fiber.interrupt(selecting), complete], { concurrency: 2 })
        assert.deepStrictEqual(yield* Effect.exit(answer.await), Exit.void)
        yield* allEnded
      })
      yield* inProcessWith(body, SlowLive)
    }).pipe(Effect.provide(host))
  )
})
