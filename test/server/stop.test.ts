import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, ProcessHost, Request, Server, StateMachine, Sys } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const Work = Rpc.make("work", { payload: Schema.Int, success: Schema.Int })
const Slow = Server.make("test:slow", { protocol: [Work, Rpc.make("stop yourself")], inbox: { capacity: 3 } })

/** A message takes a second. */
const slow = (log: Array<string>) =>
  Slow.toLayer(
    Effect.fnUntraced(function* () {
      yield* Effect.addFinalizer(() => Effect.sync(() => log.push("finalized")))
      return Slow.of({
        handlers: {
          work: (n) =>
            Effect.sleep("1 second").pipe(Effect.andThen(Effect.sync(() => log.push(`work ${n}`))), Effect.as(n)),
          "stop yourself": () => Effect.flatMap(Slow.self, (self) => Effect.orDie(Server.stop(self)))
        }
      })
    })
  )

describe("Server.stop", () => {
  both("P45 what is queued is processed, then the server ends with a success and its finalizers have run", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Slow)
      const call = yield* Effect.forkChild(Process.call(pid, "work", 1))
      yield* Effect.sleep("1 milli")
      yield* Process.send(pid, "work", 2)
      yield* Process.send(pid, "work", 3)
      yield* Server.stop(pid)
      assert.deepStrictEqual(log, ["work 1", "work 2", "work 3", "finalized"])
      assert.strictEqual(yield* Fiber.join(call), 1)
      const { deadLetters, received, sent } = yield* ProcessHost.stats()
      assert.deepStrictEqual([sent, received, deadLetters], [3, 3, 0])
    }).pipe(Effect.provide(slow(log)), Effect.provide(host))
  })

  both("P45 from then on sends, calls and requests are refused at once, and it is not alive for them", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Slow)
      yield* Process.send(pid, "work", 1)
      const stopping = yield* Effect.forkChild(Server.stop(pid))
      yield* Effect.sleep("1 milli")
      assert.strictEqual((yield* Process.info(pid)).status, "closing")
      const refusal = yield* Effect.flip(Process.send(pid, "work", 2))
      assert.strictEqual(refusal._tag, "ProcessClosed")
      // The message comes back with the refusal.
      assert.deepStrictEqual(refusal._tag === "ProcessClosed" ? refusal.request : undefined, {
        topic: "work",
        payload: 2
      })
      assert.strictEqual((yield* Effect.flip(Process.call(pid, "work", 3)))._tag, "ProcessClosed")
      const requests = yield* Request.make<typeof Work>()
      yield* Request.send(requests, pid, "work", 4, { label: "late" })
      const { exit } = yield* Request.receive(requests)
      assert.strictEqual((yield* Effect.flip(exit))._tag, "ProcessClosed")
      assert.isUndefined(stopping.pollUnsafe())
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(yield* ProcessHost.list(), [])
    }).pipe(Effect.scoped, Effect.provide(slow([])), Effect.provide(host))
  )

  both("P45 senders that wait for space are refused, and what they had in hand is not handled", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Slow)
      yield* Process.send(pid, "work", 0)
      yield* Effect.sleep("1 milli")
      for (let i = 1; i < 4; i++) yield* Process.send(pid, "work", i)
      const waiting = yield* Effect.forkChild(Effect.flip(Process.send(pid, "work", 4)))
      yield* Effect.sleep("1 milli")
      yield* Server.stop(pid)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "ProcessClosed")
      assert.deepStrictEqual(log, ["work 0", "work 1", "work 2", "work 3", "finalized"])
    }).pipe(Effect.provide(slow(log)), Effect.provide(host))
  })

  both("P45 a second stop waits for the same end, and an interrupted one changes nothing", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Slow)
      yield* Process.send(pid, "work", 1)
      const first = yield* Effect.forkChild(Server.stop(pid))
      yield* Effect.sleep("1 milli")
      const second = yield* Effect.forkChild(Server.stop(pid))
      yield* Effect.sleep("1 milli")
      yield* Fiber.interrupt(first)
      assert.isUndefined(second.pollUnsafe())
      yield* Fiber.join(second)
      assert.deepStrictEqual(log, ["work 1", "finalized"])
    }).pipe(Effect.provide(slow(log)), Effect.provide(host))
  })

  both("P45 a server that has nothing to do stops at once, and one that stops itself does not wait for itself", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const idle = yield* Process.start(Slow)
      yield* Server.stop(idle)
      const self = yield* Process.start(Slow)
      yield* Process.send(self, "work", 1)
      yield* Process.send(self, "stop yourself")
      yield* Process.send(self, "work", 2)
      assert.deepStrictEqual(yield* Process.await(self), Exit.void)
      assert.deepStrictEqual(log, ["finalized", "work 1", "work 2", "finalized"])
    }).pipe(Effect.provide(slow(log)), Effect.provide(host))
  })

  both("P4 a stop of a server that is gone is a typed error; so is one of a process that is no server", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Slow)
      yield* Server.stop(pid)
      assert.deepStrictEqual(yield* Process.await(pid), yield* Process.await(pid))
      assert.strictEqual((yield* Effect.flip(Server.stop(pid)))._tag, "ProcessNotFound")
      assert.strictEqual((yield* Effect.flip(Server.stop(Slow.named("nobody"))))._tag, "ProcessNotFound")
      const Plain = Process.make("test:plain")
      const plain = yield* Effect.provide(
        Process.spawn(Plain),
        Plain.toLayer(() => Effect.never)
      )
      assert.strictEqual((yield* Effect.flip(Server.stop(plain)))._tag, "NotAServer")
      yield* Process.kill(plain)
    }).pipe(Effect.provide(slow([])), Effect.provide(host))
  )

  both("a server that is stopped before it has started begins, handles what waits, and ends", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.spawn(Slow)
      yield* Process.send(pid, "work", 1)
      yield* Server.stop(pid)
      assert.deepStrictEqual(log, ["work 1", "finalized"])
    }).pipe(Effect.provide(slow(log)), Effect.provide(host))
  })
})

const Gate = StateMachine.make("test:gate", {
  protocol: [Work, Rpc.make("open"), Rpc.make("stop yourself")],
  states: { Shut: {}, Open: {} },
  internal: { passed: { n: Schema.Int } },
  timers: ["late"]
})

/** Lets work through when it is open, which takes a second, and writes down a step later that it passed. */
const gate = (log: Array<string>) =>
  Gate.toLayer(
    Effect.fnUntraced(function* () {
      yield* Effect.addFinalizer(() => Effect.sync(() => log.push("finalized")))
      const common = {
        internal: {
          passed: (_: unknown, { n }: { readonly n: number }) => {
            log.push(`passed ${n}`)
            return StateMachine.stay()
          }
        },
        timers: {
          late: () => {
            log.push("late")
            return StateMachine.stay()
          }
        }
      }
      const stopping = () =>
        Effect.flatMap(Gate.self, (self) => Effect.as(Effect.orDie(Server.stop(self)), StateMachine.stay()))
      return Gate.of({
        initial: Gate.states.Shut(),
        actions: { timers: { late: "10 seconds" } },
        states: {
          Shut: {
            ...common,
            on: {
              work: () => StateMachine.postpone,
              open: () => StateMachine.next(Gate.states.Open()),
              "stop yourself": stopping
            }
          },
          Open: {
            ...common,
            on: {
              work: (_, { payload: n }) =>
                Effect.as(Effect.sleep("1 second"), StateMachine.stay({ reply: n, raise: [{ _tag: "passed", n }] })),
              open: () => StateMachine.stay(),
              "stop yourself": stopping
            }
          }
        }
      })
    })
  )

describe("Server.stop of a state machine", () => {
  both(
    "P45 what is queued and what it raises is handled, then it ends with a success; its timers are not waited for",
    () => {
      const log: Array<string> = []
      return Effect.gen(function* () {
        const pid = yield* Process.start(Gate)
        const call = yield* Effect.forkChild(Process.call(pid, "work", 1))
        yield* Effect.sleep("1 milli")
        yield* Process.send(pid, "open")
        yield* Process.send(pid, "work", 2)
        const stopping = yield* Effect.forkChild(Server.stop(pid))
        yield* Effect.sleep("1 milli")
        assert.strictEqual((yield* Effect.flip(Process.send(pid, "work", 3)))._tag, "ProcessClosed")
        assert.isUndefined(stopping.pollUnsafe())
        yield* Fiber.join(stopping)
        assert.strictEqual(yield* Fiber.join(call), 1)
        assert.deepStrictEqual(log, ["passed 1", "passed 2", "finalized"])
        const { deadLetters, received, sent } = yield* ProcessHost.stats()
        assert.deepStrictEqual([sent, received, deadLetters], [3, 3, 0])
      }).pipe(Effect.provide(gate(log)), Effect.provide(host))
    }
  )

  both("P45 one that waits stops at once, and what it has postponed becomes dead letters", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Effect.gen(function* () {
        const pid = yield* Process.start(Gate)
        yield* Process.send(pid, "work", 1)
        const call = yield* Effect.forkChild(Effect.flip(Process.call(pid, "work", 2)))
        yield* Effect.sleep("1 milli")
        yield* Server.stop(pid)
        assert.strictEqual((yield* Fiber.join(call))._tag, "CalleeExited")
        assert.deepStrictEqual(yield* Process.await(pid), Exit.void)
        const self = yield* Process.start(Gate)
        yield* Process.send(self, "stop yourself")
        assert.deepStrictEqual(yield* Process.await(self), Exit.void)
        const { deadLetters, received, sent } = yield* ProcessHost.stats()
        assert.deepStrictEqual([sent, received, deadLetters], [3, 1, 2])
      }).pipe(Effect.provide(gate(log)))
      assert.deepStrictEqual(log, ["finalized", "finalized"])
    }).pipe(Effect.provide(host))
  )

  both("P45 one that is stopped before it has started begins, handles what waits, and ends", () => {
    const log: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.spawn(Gate)
      yield* Process.send(pid, "open")
      yield* Process.send(pid, "work", 1)
      yield* Server.stop(pid)
      assert.deepStrictEqual(log, ["passed 1", "finalized"])
    }).pipe(Effect.provide(gate(log)), Effect.provide(host))
  })

  for (const queued of [0, 1]) {
    both(`P19 one that is suspended with ${queued} messages ends when it is resumed`, () => {
      const log: Array<string> = []
      return Effect.gen(function* () {
        const pid = yield* Process.start(Gate)
        yield* Process.send(pid, "open")
        yield* Effect.sleep("1 milli")
        yield* Sys.suspend(pid)
        for (let n = 1; n <= queued; n++) yield* Process.send(pid, "work", n)
        const stopping = yield* Effect.forkChild(Server.stop(pid))
        yield* Effect.sleep("20 seconds")
        assert.isUndefined(stopping.pollUnsafe())
        yield* Sys.resume(pid)
        yield* Fiber.join(stopping)
        assert.sameMembers(log, [...(queued === 1 ? ["passed 1"] : []), "late", "finalized"])
      }).pipe(Effect.provide(gate(log)), Effect.provide(host))
    })
  }
})
