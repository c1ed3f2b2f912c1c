/** What ended leaves nothing behind: not in the host's tables, not in those who watched, and not on the heap. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Group, Message, Process, ProcessHost, Registry, Select, Selectable } from "troupe"
import { heapUsed } from "../support/heap.ts"
import { host } from "../support/processes.ts"

const Tick = Rpc.make("tick")
const Work = Rpc.make("work", { payload: Schema.Int })
const crowd = Group.make("crowd", [Tick])

const megabyte = 1024 * 1024

/** By how much the heap grows while an effect runs, once it has run on a smaller scale. */
const growth = <E, R>(work: (times: number) => Effect.Effect<void, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    yield* work(10_000)
    const before = yield* heapUsed
    yield* work(100_000)
    return (yield* heapUsed) - before
  })

const Member = Process.make("test:member", { protocol: [Tick] })

const MemberLive = Member.toLayer(
  Effect.fnUntraced(function* () {
    yield* Group.join(crowd, yield* Member.self)
    yield* Member.receive()
  })
)

const Leader = Process.make("test:leader", { protocol: [Work] })

// Members come and go in parties, so that many are there at once.
const party = 1000

const LeaderLive = Leader.toLayer(
  Effect.fnUntraced(function* () {
    const events = yield* Leader.events
    while (true) {
      const { payload } = yield* Leader.receive()
      for (let done = 0; done < payload; done += party) {
        for (let i = 0; i < party; i++) yield* Process.spawnLinkedMonitored(Member, undefined, { name: `member ${i}` })
        yield* Effect.yieldNow
        assert.strictEqual(yield* Group.broadcast(crowd, "tick"), party)
        for (let i = 0; i < party; i++) {
          const event = yield* Selectable.take(events)
          if (event._tag !== "Exit" || Exit.isFailure(event.exit)) return yield* Effect.die(event)
        }
      }
    }
  })
)

describe("100,000 processes", () => {
  it.live(
    "leave nothing behind when they end",
    () =>
      Effect.gen(function* () {
        const leader = yield* Process.spawn(Leader)
        const grown = yield* growth(
          Effect.fnUntraced(function* (times) {
            const { spawned } = yield* ProcessHost.stats()
            yield* Process.send(leader, "work", times)
            yield* waitUntil(
              Effect.map(ProcessHost.stats(), (stats) => stats.spawned - spawned === times && stats.live === 1)
            )
          })
        )
        assert.deepStrictEqual(yield* ProcessHost.list(), [leader])
        assert.deepStrictEqual(yield* Registry.entries, [])
        assert.deepStrictEqual(yield* Group.members(crowd), [])
        const { links, queued, watchers } = yield* Process.info(leader)
        assert.deepStrictEqual({ links, queued, watchers }, { links: [], queued: 0, watchers: 0 })
        const { deadLetters, received, sent } = yield* ProcessHost.stats()
        assert.deepStrictEqual({ deadLetters, received, sent }, { deadLetters: 0, received: 110_002, sent: 110_002 })
        assert.isBelow(grown, 2 * megabyte)
      }).pipe(Effect.provide(LeaderLive.pipe(Layer.provideMerge(MemberLive), Layer.provideMerge(host)))),
    60_000
  )
})

const taken = { messages: 0, events: 0 }
const Waiter = Process.make("test:waiter", { protocol: [Tick] })

const WaiterLive = Waiter.toLayer(
  Effect.fnUntraced(function* () {
    const inbox = yield* Waiter.inbox
    const events = yield* Waiter.events
    while (true) {
      const next = yield* Select.any({ message: inbox, event: events })
      if (next._tag === "message") taken.messages++
      else taken.events++
    }
  })
)

describe("100,000 selects", () => {
  it.live(
    "leave nothing behind in the sources that they waited for",
    () =>
      Effect.gen(function* () {
        const waiter = yield* Process.spawn(Waiter)
        // One source at a time: what was left behind in the other would stay there.
        const inTurn = Effect.fnUntraced(function* (times: number) {
          const { events, messages } = taken
          for (let i = 1; i <= times / 2; i++) {
            yield* Process.send(waiter, "tick")
            yield* waitUntil(Effect.sync(() => taken.messages === messages + i))
          }
          for (let i = 1; i <= times / 2; i++) {
            yield* Process.cancel(waiter)
            yield* waitUntil(Effect.sync(() => taken.events === events + i))
          }
        })
        assert.isBelow(yield* growth(inTurn), 2 * megabyte)
        assert.deepStrictEqual(taken, { messages: 55_000, events: 55_000 })
      }).pipe(Effect.provide(WaiterLive.pipe(Layer.provideMerge(host)))),
    60_000
  )
})

describe("a chain of spawns", () => {
  it.live(
    "of which only the last one lives keeps nothing of those before it",
    () =>
      Effect.gen(function* () {
        /** The heap while the last process of a chain lives. */
        const heapAtEnd = (length: number) =>
          Effect.gen(function* () {
            yield* Process.spawn(Chain, length)
            yield* waitUntil(Effect.map(ProcessHost.stats(), ({ live }) => live === 1))
            const used = yield* heapUsed
            for (const pid of yield* ProcessHost.list()) yield* Process.kill(pid)
            return used
          })
        const short = yield* heapAtEnd(1000)
        // The 19,000 more would be some 40 megabytes, if they were kept.
        assert.isBelow((yield* heapAtEnd(20_000)) - short, 8 * megabyte)
      }).pipe(Effect.provide(Layer.provideMerge(ChainLive, host))),
    60_000
  )
})

/** Spawns its successor and ends, until the last one waits. */
const Chain = Process.make("test:chain", { args: Schema.Int, protocol: [Tick] })

const ChainLive = Chain.toLayer(
  Effect.fn(function* (left) {
    if (left === 0) yield* Chain.receive()
    else yield* Process.spawn(Chain, left - 1)
  })
)

const Next = Rpc.make("next", { payload: Schema.Int, success: Schema.Int })
const Counter = Process.make("test:counter", { protocol: [Next] })
const Silent = Process.make("test:silent", { protocol: [Next] })

const CounterLive = Counter.toLayer(() =>
  Effect.forever(Effect.flatMap(Counter.receive(), (message) => Message.reply(message, message.payload + 1)))
)

const SilentLive = Silent.toLayer(() => Effect.never)

describe("100,000 calls", () => {
  it.live(
    "leave nothing behind when they were answered in time, and no timer",
    () =>
      Effect.gen(function* () {
        const counter = yield* Process.spawn(Counter)
        const silent = yield* Process.spawn(Silent)
        const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
        const before = timers()
        let during = 0
        const call = Effect.fnUntraced(function* (times: number) {
          // One that is outstanding all the while keeps the others from being forgotten with the last of them.
          const waiting = yield* Effect.forkChild(Process.call(silent, "next", 0, { timeout: "1 hour" }))
          for (let i = 0; i < times; i++) assert.strictEqual(yield* Process.call(counter, "next", i), i + 1)
          during = Math.max(during, timers())
          yield* Fiber.interrupt(waiting)
        })
        assert.isBelow(yield* growth(call), 2 * megabyte)
        for (const pid of [counter, silent]) assert.strictEqual((yield* Process.info(pid)).watchers, 0)
        assert.deepStrictEqual([during - before <= 1, timers()], [true, before])
      }).pipe(Effect.provide(Layer.merge(CounterLive, SilentLive).pipe(Layer.provideMerge(host)))),
    60_000
  )
})

const waitUntil = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(condition, (holds) => (holds ? Effect.void : Effect.andThen(Effect.yieldNow, waitUntil(condition))))
