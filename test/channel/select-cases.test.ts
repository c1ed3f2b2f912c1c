import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Channel, ChannelError, Process, Select, Timer } from "troupe"
import { host, settle } from "../support/processes.ts"
import { both } from "../support/both.ts"
import { explore } from "../support/schedules.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const full = <A>(value: A) => Effect.tap(Channel.bounded<A>(1), (channel) => Channel.send(channel, value))
const closed = <A>() => Effect.tap(Channel.rendezvous<A>(), (channel) => Channel.close(channel))
const isClosed = (u: unknown) => u instanceof ChannelError.ChannelClosed

describe("select", () => {
  it.effect(
    "L1 otherwise is taken when nothing is ready, and never when something was ready before: 10,000 times",
    () =>
      Effect.gen(function* () {
        for (let i = 0; i < 10_000; i++) {
          const channel = yield* Channel.bounded<number>(1)
          if (i % 2 === 0) yield* Channel.send(channel, i)
          const next = yield* Select.any({ value: channel, none: Select.otherwise })
          assert.strictEqual(next._tag, i % 2 === 0 ? "value" : "none")
        }
        // A receiver that waits makes a send on a channel that holds nothing ready.
        const handover = yield* Channel.rendezvous<number>()
        const receiving = yield* Effect.forkChild(Channel.receive(handover), { startImmediately: true })
        const sent = yield* Select.any({ sent: Select.send(handover, 1), none: Select.otherwise })
        assert.strictEqual(sent._tag, "sent")
        assert.strictEqual(yield* Fiber.join(receiving), 1)
        assert.strictEqual((yield* Select.any({ sent: Select.send(handover, 2), none: Select.otherwise }))._tag, "none")
      })
  )

  both("L2 L5 a closed channel is ready with its error, also beside otherwise, for receiving and for sending", () =>
    Effect.gen(function* () {
      const channel = yield* closed<number>()
      for (let i = 0; i < 100; i++) {
        assert.isTrue(isClosed(yield* Effect.flip(Select.any({ value: channel, none: Select.otherwise }))))
        assert.isTrue(
          isClosed(yield* Effect.flip(Select.any({ sent: Select.send(channel, 1), none: Select.otherwise })))
        )
      }
      assert.isTrue(isClosed(yield* Effect.flip(Select.any({ value: channel, never: Channel.never }))))
    })
  )

  both("L3 of two ready cases one is chosen, and the other's value is still there", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* full(1), yield* full(2)]
      const first = yield* Select.any({ a, b })
      const second = yield* Select.any({ a, b })
      assert.deepStrictEqual([first.value, second.value].toSorted(), [1, 2])
      assert.notStrictEqual(first._tag, second._tag)
    })
  )

  both("L6 a select that waits is woken by a send, by a receive and by a close", () =>
    Effect.gen(function* () {
      const a = yield* Channel.rendezvous<number>()
      const b = yield* Channel.rendezvous<number>()
      const waits = Effect.forkChild(Effect.exit(Select.any({ received: a, sent: Select.send(b, 7) })), {
        startImmediately: true
      })
      const bySend = yield* waits
      yield* Channel.send(a, 1)
      assert.deepStrictEqual(yield* Fiber.join(bySend), Exit.succeed({ _tag: "received" as const, value: 1 }))
      const byReceive = yield* waits
      assert.strictEqual(yield* Channel.receive(b), 7)
      assert.deepStrictEqual(yield* Fiber.join(byReceive), Exit.succeed({ _tag: "sent" as const, value: undefined }))
      const byClose = yield* waits
      yield* Channel.close(b)
      assert.include(String(yield* Fiber.join(byClose)), "ChannelClosed")
    })
  )

  both("L8 a value that was sent before the select began is seen", () =>
    Effect.gen(function* () {
      const channel = yield* full(1)
      assert.deepStrictEqual(yield* Select.any({ channel, never: Channel.never }), { _tag: "channel", value: 1 })
      const last = yield* full(2)
      yield* Channel.close(last)
      assert.deepStrictEqual(yield* Select.any({ last, never: Channel.never }), { _tag: "last", value: 2 })
    })
  )

  both("L9 one channel several times and in both directions: every case wins in the end", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const won = new Set<string>()
      const select = Select.any({
        in1: channel,
        in2: channel,
        out1: Select.send(channel, 1),
        out2: Select.send(channel, 2)
      })
      const peer = yield* Effect.forkChild(
        Effect.forever(Effect.andThen(Channel.send(channel, 3), Channel.receive(channel)))
      )
      while (won.size < 4) won.add((yield* select)._tag)
      yield* Fiber.interrupt(peer)
    })
  )

  both("L10 a select in the handler of another", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* full(1), yield* full(2)]
      const outer = yield* Select.any({
        nested: Select.handle(a, (n) => Effect.map(Select.any({ b, never: Channel.never }), ({ value }) => n + value))
      })
      assert.deepStrictEqual(outer, { _tag: "nested", value: 3 })
    })
  )

  both("L13 55 fibers that send or receive, one too many: exactly one is left, and a later peer releases it", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const fibers = yield* Effect.forEach(range(55), (n) =>
        Effect.forkChild(
          n % 2 === 0
            ? Effect.asVoid(Select.any({ sent: Select.send(channel, n) }))
            : Effect.asVoid(Select.any({ received: channel }))
        )
      )
      yield* settle
      const left = fibers.filter((fiber) => fiber.pollUnsafe() === undefined)
      assert.strictEqual(left.length, 1)
      yield* Channel.receive(channel)
      yield* Effect.forEach(left, Fiber.join)
    })
  )

  it.effect("L14 10,000 rounds of sends and receives through selects: sum and count are exact", () =>
    Effect.gen(function* () {
      const channels = yield* Effect.all([
        Channel.rendezvous<number>(),
        Channel.bounded<number>(1),
        Channel.unbounded<number>()
      ])
      const [a, b, c] = channels
      const rounds = 10_000
      const sender = Effect.gen(function* () {
        for (let n = 1; n <= rounds; n++) {
          yield* Select.any({ a: Select.send(a, n), b: Select.send(b, n), c: Select.send(c, n) })
        }
      })
      const receiver = Effect.gen(function* () {
        let sum = 0
        for (let n = 1; n <= rounds; n++) sum += (yield* Select.any({ a, b, c })).value
        return sum
      })
      const [, sum] = yield* Effect.all([sender, receiver], { concurrency: "unbounded" })
      assert.strictEqual(sum, (rounds * (rounds + 1)) / 2)
      assert.deepStrictEqual(
        channels.map((channel) => channel.length),
        [0, 0, 0]
      )
    })
  )

  it.effect(
    "L15 two fibers that select with a 100 ms limit against pauses of 500 ms: all 20 values in order",
    () =>
      Effect.gen(function* () {
        const channel = yield* Channel.rendezvous<number>()
        const sender = Effect.gen(function* () {
          for (let n = 0; n < 20; n++) {
            if (n % 2 === 0) yield* Effect.sleep("500 millis")
            while (true) {
              const sent = yield* Effect.scoped(
                Effect.flatMap(Timer.after("100 millis"), (late) => Select.any({ sent: Select.send(channel, n), late }))
              )
              if (sent._tag === "sent") break
            }
          }
        })
        const receiver = Effect.gen(function* () {
          const values: Array<number> = []
          while (values.length < 20) {
            if (values.length % 3 === 0) yield* Effect.sleep("500 millis")
            const next = yield* Effect.scoped(
              Effect.flatMap(Timer.after("100 millis"), (late) => Select.any({ value: channel, late }))
            )
            if (next._tag === "value") values.push(next.value)
          }
          return values
        })
        const both = yield* Effect.forkChild(Effect.all([sender, receiver], { concurrency: "unbounded" }))
        while (both.pollUnsafe() === undefined) {
          yield* TestClock.adjust("50 millis")
          yield* settle
        }
        assert.deepStrictEqual((yield* Fiber.join(both))[1], range(20))
      }),
    30_000
  )

  it.effect(
    "L17 a value that was sent before a select with a limit begins is received, never the limit: 10,000 schedules",
    () =>
      explore(
        Effect.scoped(
          Effect.gen(function* () {
            const channel = yield* Channel.bounded<number>(1)
            const limit = yield* Channel.bounded<string>(1)
            yield* Channel.send(channel, 1)
            yield* Effect.forkChild(Channel.send(limit, "late"))
            const next = yield* Select.priority({ value: channel, limit })
            assert.strictEqual(next._tag, "value")
          })
        ),
        { schedules: 10_000 }
      )
  )

  it.effect("L18 L28 fair: of four cases that are always ready each wins at least an eighth of 10,000", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Channel.unbounded<number>(), yield* Channel.unbounded<number>()]
      const sink = yield* Channel.unbounded<number>()
      const done = yield* Effect.forkChild(Effect.void, { startImmediately: true })
      for (const n of range(10_000)) yield* Effect.andThen(Channel.send(a, n), Channel.send(b, n))
      const counts: Record<string, number> = {}
      for (let i = 0; i < 10_000; i++) {
        const { _tag } = yield* Select.any({ a, b, sent: Select.send(sink, i), done: Select.fiber(done) })
        counts[_tag] = (counts[_tag] ?? 0) + 1
      }
      assert.deepStrictEqual(Object.keys(counts).toSorted(), ["a", "b", "done", "sent"])
      for (const count of Object.values(counts)) assert.isAbove(count, 1250)
    })
  )

  it.effect("L20 priority takes the first that is ready, always; any gives each a quarter at least", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Channel.unbounded<number>(), yield* Channel.unbounded<number>()]
      for (const n of range(10_000)) yield* Effect.andThen(Channel.send(a, n), Channel.send(b, n))
      const biased = { a: 0, b: 0 }
      for (let i = 0; i < 5000; i++) biased[(yield* Select.priority({ a, b }))._tag]++
      assert.deepStrictEqual(biased, { a: 5000, b: 0 })
      const fair = { a: 0, b: 0 }
      for (let i = 0; i < 5000; i++) fair[(yield* Select.any({ a, b }))._tag]++
      assert.isAbove(fair.a, 1250)
      assert.isAbove(fair.b, 1250)
    })
  )

  it.effect("L21 one select is used 20,000 times, sending and receiving in turn", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Channel.bounded<number>(1), yield* Channel.bounded<number>(1)]
      const select = Select.any({ sent: Select.send(a, 1), received: b })
      for (let i = 0; i < 10_000; i++) {
        assert.strictEqual((yield* select)._tag, "sent")
        yield* Channel.send(b, i)
        assert.deepStrictEqual(yield* select, { _tag: "received", value: i })
        yield* Channel.receive(a)
      }
    })
  )

  both("L25 never never wins; a receive of a closed channel fails, a send too; with no peer both directions wait", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const waits = yield* Effect.forkChild(
        Select.any({ in: channel, out: Select.send(channel, 1), never: Channel.never })
      )
      yield* settle
      assert.isUndefined(waits.pollUnsafe())
      yield* Channel.close(channel)
      assert.isTrue(isClosed(yield* Effect.flip(Fiber.join(waits))))
    })
  )

  it.effect("L26 each state of a channel beside each other one: what is ready wins, and only that", () =>
    Effect.gen(function* () {
      const states = {
        never: { make: Effect.succeed(Channel.never as Channel.Receiver<number>), ready: false },
        "empty rendezvous": { make: Channel.rendezvous<number>(), ready: false },
        "empty buffer": { make: Channel.bounded<number>(1), ready: false },
        "empty promise": { make: Channel.promise<number>(), ready: false },
        "full buffer": { make: full(1), ready: true },
        "kept promise": {
          make: Effect.tap(Channel.promise<number>(), (channel) => Channel.send(channel, 1)),
          ready: true
        },
        conflated: {
          make: Effect.tap(Channel.conflated<number>(), (channel) => Channel.send(channel, 1)),
          ready: true
        },
        "closed, with a value": { make: Effect.tap(full(1), (channel) => Channel.close(channel)), ready: true },
        "waiting sender": {
          make: Effect.tap(Channel.rendezvous<number>(), (channel) =>
            Effect.forkChild(Channel.send(channel, 1), { startImmediately: true })
          ),
          ready: true
        }
      }
      for (const left of Object.values(states)) {
        for (const right of Object.values(states)) {
          const next = yield* Select.any({ left: yield* left.make, right: yield* right.make, none: Select.otherwise })
          if (!left.ready && !right.ready) assert.strictEqual(next._tag, "none")
          else assert.isTrue(next._tag === "left" ? left.ready : next._tag === "right" && right.ready)
        }
      }
    })
  )

  both("L30 after one case has won, its waiter is gone from every other", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Channel.rendezvous<number>(), yield* Channel.rendezvous<number>()]
      const select = yield* Effect.forkChild(Select.any({ a, out: Select.send(b, 1) }), { startImmediately: true })
      yield* Channel.send(a, 1)
      yield* Fiber.join(select)
      assert.isFalse(yield* Channel.trySend(a, 2))
      assert.strictEqual((yield* Channel.tryReceive(b))._tag, "None")
    })
  )

  it.effect(
    "L24 100,000 selects leave no waiters and no heap behind",
    () =>
      Effect.gen(function* () {
        const [a, b] = [yield* Channel.bounded<number>(1), yield* Channel.rendezvous<number>()]
        const rounds = Effect.fnUntraced(function* (n: number) {
          for (let i = 0; i < n; i++) {
            const select = yield* Effect.forkChild(Select.any({ a, b, out: Select.send(b, 1) }), {
              startImmediately: true
            })
            yield* Channel.send(a, i)
            yield* Fiber.join(select)
          }
        })
        const heap = Effect.sync(() => {
          globalThis.gc?.()
          return process.memoryUsage().heapUsed
        })
        yield* rounds(10_000)
        const before = yield* heap
        yield* rounds(100_000)
        assert.isBelow((yield* heap) - before, 4 * 1024 * 1024)
        assert.isFalse(yield* Channel.trySend(b, 1))
      }),
    60_000
  )

  it.effect(
    "L31 handlers run for the winner alone, after its value was taken: 10,000 schedules with interruptions",
    () =>
      explore(
        Effect.gen(function* () {
          const [a, b] = [yield* Channel.unbounded<number>(), yield* Channel.unbounded<number>()]
          const ran: Array<string> = []
          const handled = (name: string) => (n: number) => {
            ran.push(`${name}${n}`)
            return Effect.yieldNow
          }
          const selecting = yield* Effect.forkChild(
            Select.any({ a: Select.handle(a, handled("a")), b: Select.handle(b, handled("b")) })
          )
          yield* Effect.forkChild(Channel.send(a, 1))
          yield* Effect.forkChild(Channel.send(b, 2))
          yield* Effect.yieldNow
          yield* Fiber.interrupt(selecting)
          yield* Effect.yieldNow
          const left = [...(yield* drain(a)), ...(yield* drain(b))]
          assert.isAtMost(ran.length, 1)
          assert.deepStrictEqual([...left, ...ran.map((one) => Number(one.slice(1)))].toSorted(), [1, 2])
        }),
        { schedules: 10_000, preemption: 0.3 }
      ),
    60_000
  )

  it.effect("L32 inbox, events, timer, fiber, deferred and queue in one select, by the same rules", () =>
    Effect.gen(function* () {
      const Poke = Rpc.make("poke", { payload: Schema.Finite })
      const Mixed = Process.make("test:mixed", { protocol: [Poke] })
      const deferred = yield* Deferred.make<string>()
      const queue = yield* Queue.unbounded<number>()
      const MixedLive = Mixed.toLayer(() =>
        Effect.gen(function* () {
          const sleeper = yield* Process.fork(Effect.sleep("2 seconds"))
          const cases = {
            message: yield* Mixed.inbox,
            event: yield* Mixed.events,
            timer: yield* Timer.after("1 second"),
            fiber: Select.fiber(sleeper),
            deferred: Select.deferred(deferred),
            queue: Select.queue(queue)
          }
          const seen: Array<string> = []
          for (const _ of range(4)) seen.push((yield* Select.any(cases))._tag)
          const { event: _event, ...rest } = cases
          seen.push((yield* Select.any(rest))._tag)
          const { fiber: _fiber, ...others } = rest
          seen.push((yield* Select.any(others))._tag)
          return seen
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Mixed), MixedLive)
      yield* settle
      yield* Process.send(pid, "poke", 1)
      yield* settle
      yield* Queue.offer(queue, 1)
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      yield* Process.cancel(pid)
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      yield* Deferred.succeed(deferred, "done")
      assert.deepStrictEqual(
        yield* Process.await(pid),
        Exit.succeed(["message", "queue", "timer", "event", "fiber", "deferred"])
      )
    }).pipe(Effect.provide(host))
  )

  it.effect(
    "selects that send to selects that receive lose and double nothing, in 10,000 schedules with interruptions",
    () =>
      Effect.forEach([0.05, 0.3], (preemption) =>
        explore(
          Effect.gen(function* () {
            const [a, b] = [yield* Channel.rendezvous<number>(), yield* Channel.bounded<number>(1)]
            const received: Array<number> = []
            const senders: Array<Fiber.Fiber<unknown, unknown>> = []
            for (const n of range(4)) {
              senders.push(yield* Effect.forkChild(Select.any({ a: Select.send(a, n), b: Select.send(b, n) })))
            }
            const receiver = yield* Effect.forkChild(
              Effect.gen(function* () {
                while (true) received.push((yield* Select.any({ a, b })).value)
              })
            )
            yield* Effect.yieldNow
            for (const fiber of senders.slice(1, 3)) fiber.interruptUnsafe()
            const exits = yield* Effect.forEach(senders, Fiber.await)
            yield* Fiber.interrupt(receiver)
            received.push(...(yield* drain(b)))
            assert.deepStrictEqual(
              received.toSorted(),
              range(4).filter((n) => Exit.isSuccess(exits[n] ?? Exit.void))
            )
          }),
          { schedules: 5000, preemption }
        )
      )
  )

  it.live("a select that mixes a send with a deferred or a queue does exactly one, in 5,000 schedules", () =>
    Effect.forEach([0.05, 0.3], (preemption) =>
      explore(
        Effect.gen(function* () {
          const [channel, deferred] = [yield* Channel.rendezvous<number>(), yield* Deferred.make<string>()]
          const queue = yield* Queue.unbounded<string>()
          const selecting = yield* Effect.forkChild(
            Select.any({
              sent: Select.send(channel, 1),
              deferred: Select.deferred(deferred),
              queue: Select.queue(queue)
            })
          )
          const receivers = yield* Effect.forEach(range(2), () => Effect.forkChild(Channel.receive(channel)))
          yield* Effect.yieldNow
          yield* Effect.forkChild(Effect.andThen(Queue.offer(queue, "x"), Deferred.succeed(deferred, "x")))
          const next = yield* Fiber.join(selecting)
          yield* Effect.sleep(1)
          const received = receivers.filter((fiber) => fiber.pollUnsafe() !== undefined).length
          assert.strictEqual(received, next._tag === "sent" ? 1 : 0)
        }),
        { schedules: 5000, preemption }
      )
    )
  )
})

const drain = Effect.fnUntraced(function* (channel: Channel.Receiver<number>) {
  const values: Array<number> = []
  while (channel.length > 0) values.push(yield* Channel.receive(channel))
  return values
})
