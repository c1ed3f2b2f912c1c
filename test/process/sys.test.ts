import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Ref, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Message, Process, ProcessHost, Select, Selectable, Sys } from "troupe"
import { both } from "../support/both.ts"
import { host, settle } from "../support/processes.ts"

const Add = Rpc.make("add", { payload: Schema.Int, success: Schema.Int })
const Relay = Rpc.make("relay", { payload: Schema.Int })

const Counter = Process.make("test:counter", { protocol: [Add, Relay], state: Schema.Int, start: "acknowledged" })
const CounterLive = Counter.toLayer(
  Effect.fnUntraced(function* () {
    const total = yield* Counter.state(0)
    yield* Process.ready
    while (true) {
      const message = yield* Counter.receive()
      const sum = yield* Ref.updateAndGet(total, (n) => n + message.payload)
      if (message.topic === "add") yield* Message.reply(message, sum)
    }
  })
)
const Mute = Process.make("test:mute", { protocol: [Relay] })
const MuteLive = Mute.toLayer(() => Effect.forever(Mute.receive()))

const live = Layer.mergeAll(CounterLive, MuteLive, host, Logger.layer([]))

const logging = (lines: Array<string>) => Logger.layer([Logger.make(({ message }) => lines.push(String(message)))])

const tags = (events: ReadonlyArray<Sys.Event>): ReadonlyArray<string> => events.map((event) => event._tag)

describe("Sys", () => {
  both("P19 a suspended process takes no messages, its state can be read, and one resume is enough", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      yield* Sys.suspend(pid)
      yield* Sys.suspend(pid)
      const call = yield* Effect.forkChild(Process.call(pid, "add", 3, { timeout: "Infinity" }))
      yield* settle
      assert.strictEqual(yield* Sys.getState(Counter, pid), 0)
      assert.isUndefined(call.pollUnsafe())
      yield* Sys.resume(pid)
      assert.strictEqual(yield* Fiber.join(call), 3)
      assert.strictEqual(yield* Sys.getState(Counter, pid), 3)
      yield* Sys.resume(pid)
      assert.strictEqual(yield* Process.call(pid, "add", 1), 4)
    }).pipe(Effect.provide(live))
  )

  both("P19 selective receives, listeners and selects are held as well, events are not, and order is kept", () =>
    Effect.gen(function* () {
      const Picky = Process.make("test:picky", { protocol: [Add, Relay] })
      const PickyLive = Picky.toLayer(
        Effect.fnUntraced(function* () {
          const taken: Array<number> = []
          taken.push((yield* Picky.receive("relay")).payload)
          const relays = yield* Picky.listen("relay")
          taken.push((yield* Selectable.take(relays)).payload)
          const inbox = yield* Picky.inbox
          const events = yield* Picky.events
          while (true) {
            const next = yield* Select.any({ inbox, relays, events })
            if (next._tag === "events") return taken
            taken.push(next.value.payload)
          }
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Picky), PickyLive)
      for (let i = 1; i <= 3; i++) {
        yield* Sys.suspend(pid)
        yield* Process.send(pid, "relay", i)
        yield* settle
        assert.strictEqual((yield* Process.info(pid)).queued, 1)
        yield* Sys.resume(pid)
        yield* settle
      }
      yield* Sys.suspend(pid)
      yield* Process.send(pid, "add", 4)
      yield* Process.cancel(pid)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([1, 2, 3]))
    }).pipe(Effect.provide(live))
  )

  both("P20 a state is replaced in one step; a function that dies, or what does not fit, leaves the old one", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      assert.strictEqual(yield* Sys.replaceState(Counter, pid, (n) => n + 5), 5)
      const died = yield* Effect.flip(Sys.replaceState(Counter, pid, () => JSON.parse("{")))
      assert.strictEqual(died._tag, "ReplaceFailed")
      assert.include(died.message, String(pid))
      const unfit = yield* Effect.flip(Sys.replaceState(Counter, pid, (n) => n / 2))
      assert.strictEqual(unfit._tag, "InvalidState")
      assert.strictEqual(yield* Sys.getState(Counter, pid), 5)
      assert.strictEqual(yield* Process.call(pid, "add", 1), 6)
    }).pipe(Effect.provide(live))
  )

  both("P20 replacing and updating at once loses neither", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      yield* Effect.all(
        [
          Effect.repeat(Process.call(pid, "add", 1), { times: 9 }),
          Effect.repeat(
            Sys.replaceState(Counter, pid, (n) => n + 100),
            { times: 9 }
          )
        ],
        { concurrency: 2 }
      )
      assert.strictEqual(yield* Sys.getState(Counter, pid), 1010)
    }).pipe(Effect.provide(live))
  )

  both("P20 whose state is asked for is typed: no process, no state, another definition", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      const mute = yield* Process.spawn(Mute)
      assert.strictEqual((yield* Effect.flip(Sys.getState(Mute, pid)))._tag, "OtherDefinition")
      const silent = yield* Effect.flip(Sys.getState(Mute, mute))
      assert.strictEqual(silent._tag, "NoState")
      assert.include(silent.message, "test:mute")
      yield* Process.kill(pid)
      const gone = [Sys.getState(Counter, pid), Sys.suspend(pid), Sys.resume(pid), Sys.log(pid, 1), Sys.getLog(pid)]
      for (const effect of gone) assert.strictEqual((yield* Effect.flip(effect))._tag, "ProcessNotFound")
    }).pipe(Effect.provide(live))
  )

  both("P21 a spy installed twice is one; removed it stops; one that ends itself is removed", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      const seen: Array<string> = []
      const spy: Sys.Spy<number> = {
        initial: 0,
        next: (n, event) => {
          seen.push(`${n} ${event._tag}`)
          return n === 3 ? Sys.done : n + 1
        }
      }
      assert.isTrue(yield* Sys.install(pid, "spy", spy))
      assert.isFalse(yield* Sys.install(pid, "spy", spy))
      yield* Process.call(pid, "add", 1)
      assert.deepStrictEqual(seen, ["0 In", "1 State", "2 Reply"])
      assert.isTrue(yield* Sys.remove(pid, "spy"))
      assert.isFalse(yield* Sys.remove(pid, "spy"))
      yield* Process.call(pid, "add", 1)
      assert.strictEqual(seen.length, 3)

      assert.isTrue(yield* Sys.install(pid, "spy", spy))
      yield* Process.call(pid, "add", 1)
      yield* Process.call(pid, "add", 1)
      assert.deepStrictEqual(seen.slice(3), ["0 In", "1 State", "2 Reply", "3 In"])
      assert.isFalse(yield* Sys.remove(pid, "spy"))
    }).pipe(Effect.provide(live))
  )

  it.effect("P21 a spy that throws is removed and logged once; the process and the other spies go on", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      let seen = 0
      yield* Sys.install(pid, "broken", { initial: 0, next: () => JSON.parse("{") })
      yield* Sys.install(pid, "whole", { initial: 0, next: () => (seen += 1) })
      assert.strictEqual(yield* Process.call(pid, "add", 1), 1)
      assert.strictEqual(yield* Process.call(pid, "add", 1), 2)
      yield* settle
      assert.strictEqual(seen, 6)
      assert.isFalse(yield* Sys.remove(pid, "broken"))
      assert.strictEqual(lines.length, 1)
      assert.include(lines[0], `the spy "broken" of the process ${pid} failed`)
    }).pipe(Effect.provide([CounterLive, host, logging(lines)]))
  })

  both("P22 statistics count a request as one in and one out; off, they are a typed error", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      assert.strictEqual((yield* Effect.flip(Sys.getStatistics(pid)))._tag, "NoStatistics")
      yield* Sys.statistics(pid, "on")
      yield* Process.call(pid, "add", 1)
      const { messagesIn, messagesOut } = yield* Sys.getStatistics(pid)
      assert.deepStrictEqual([messagesIn, messagesOut], [1, 1])
      yield* Sys.statistics(pid, "off")
      assert.strictEqual((yield* Effect.flip(Sys.getStatistics(pid)))._tag, "NoStatistics")
    }).pipe(Effect.provide(live))
  )

  it.effect("P22 statistics say since when, and switching them on again changes nothing", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      const pid = yield* Process.start(Counter)
      yield* Sys.statistics(pid, "on")
      yield* TestClock.adjust("1 minute")
      yield* Process.call(pid, "add", 1)
      yield* Sys.statistics(pid, "on")
      assert.deepStrictEqual(yield* Sys.getStatistics(pid), { since: 60_000, messagesIn: 1, messagesOut: 1 })
    }).pipe(Effect.provide(live))
  )

  both("P22 what a process sends and calls counts as out, in whichever of its coroutines", () =>
    Effect.gen(function* () {
      const counter = yield* Process.start(Counter)
      const Talker = Process.make("test:talker", { protocol: [Relay] })
      const TalkerLive = Talker.toLayer(
        Effect.fnUntraced(function* () {
          yield* Talker.receive()
          yield* Process.send(counter, "relay", 1)
          yield* Fiber.await(yield* Process.fork(Process.call(counter, "add", 1)))
          return yield* Effect.never
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Talker), TalkerLive)
      yield* Sys.statistics(pid, "on")
      yield* Sys.log(pid, 9)
      yield* Process.send(pid, "relay", 0)
      yield* settle
      const { messagesIn, messagesOut } = yield* Sys.getStatistics(pid)
      assert.deepStrictEqual([messagesIn, messagesOut], [1, 2])
      const outs = (yield* Sys.getLog(pid)).flatMap((event) =>
        event._tag === "Out" ? [[event.message.topic, String(event.to)]] : []
      )
      assert.deepStrictEqual(outs, [
        ["relay", String(counter)],
        ["add", String(counter)]
      ])
    }).pipe(Effect.provide(live))
  )

  both("P23 the log holds the last n events: in, state, out", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      assert.deepStrictEqual(yield* Sys.getLog(pid), [])
      yield* Sys.log(pid, 4)
      yield* Process.call(pid, "add", 2)
      assert.deepStrictEqual(tags(yield* Sys.getLog(pid)), ["In", "State", "Reply"])
      yield* Process.call(pid, "add", 3)
      const log = yield* Sys.getLog(pid)
      assert.deepStrictEqual(tags(log), ["Reply", "In", "State", "Reply"])
      assert.deepStrictEqual(
        log.map((event) => {
          if (event._tag === "State") return event.state
          if (event._tag === "Told") return event.event
          return event._tag === "Reply" ? event.exit : event.message.payload
        }),
        [Exit.succeed(2), 3, 5, Exit.succeed(5)]
      )
      yield* Sys.log(pid, 1)
      yield* Process.call(pid, "add", 1)
      assert.deepStrictEqual(tags(yield* Sys.getLog(pid)), ["Reply"])
      yield* Sys.log(pid, "off")
      assert.deepStrictEqual(yield* Sys.getLog(pid), [])
    }).pipe(Effect.provide(live))
  )

  it.effect("P23 a trace writes each event to the logger of the process", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Counter)
      yield* Sys.trace(pid, "on")
      yield* Process.call(pid, "add", 2)
      yield* settle
      yield* Sys.trace(pid, "off")
      yield* Process.call(pid, "add", 2)
      yield* settle
      assert.deepStrictEqual(
        lines.map((line) => line.split(",")[0]),
        [`${pid} took add`, `${pid} became`, `${pid} answered add`]
      )
    }).pipe(Effect.provide([CounterLive, host, logging(lines)]))
  })

  both("what was accepted and waits when a suspended process is killed is a dead letter", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Mute)
      yield* settle
      yield* Sys.suspend(pid)
      yield* Process.send(pid, "relay", 1)
      yield* Process.terminate(pid)
      const { deadLetters, received, sent } = yield* ProcessHost.stats()
      assert.deepStrictEqual([sent, received, deadLetters], [1, 0, 1])
    }).pipe(Effect.provide(live))
  )
})
