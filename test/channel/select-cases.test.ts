import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Queue, Random, Result } from "effect"
import { Channel, ChannelError, Select } from "troupe"
import { Explore } from "troupe/testing"
import { both, sized, thoroughly } from "../support/both.ts"
import { waiters } from "../support/waiters.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const full = <A>(value: A) => Effect.tap(Channel.bounded<A>(1), (channel) => Channel.send(channel, value))
const closed = <A>() => Effect.tap(Channel.rendezvous<A>(), (channel) => Channel.close(channel))
const isClosed = (u: unknown) => u instanceof ChannelError.ChannelClosed

/** A case on a channel in some state; `closed` is one that fails the select. */
interface State {
  readonly make: Effect.Effect<Channel.Receiver<number> | Select.Case<void, ChannelError.ChannelClosed>, unknown>
  readonly ready: boolean
  readonly closed?: boolean
}

const sends = <E>(channel: Effect.Effect<Channel.Channel<number>, E>) =>
  Effect.map(channel, (made) => Select.send(made, 2))
const sent = <E>(channel: Effect.Effect<Channel.Channel<number>, E>) =>
  Effect.tap(channel, (made) => Channel.send(made, 1))
const peer = (act: (channel: Channel.Channel<number>) => Effect.Effect<unknown, unknown>) =>
  Effect.tap(Channel.rendezvous<number>(), (channel) => Effect.forkChild(act(channel)))

const states: ReadonlyArray<State> = [
  { make: Effect.succeed(Channel.never), ready: false },
  { make: Channel.rendezvous<number>(), ready: false },
  { make: Channel.bounded<number>(1), ready: false },
  { make: Channel.promise<number>(), ready: false },
  { make: full(1), ready: true },
  { make: sent(Channel.promise<number>()), ready: true },
  { make: sent(Channel.conflated<number>()), ready: true },
  { make: Effect.tap(full(1), (channel) => Channel.close(channel)), ready: true },
  { make: peer((channel) => Channel.send(channel, 1)), ready: true },
  { make: closed<number>(), ready: true, closed: true },
  { make: sends(Channel.rendezvous<number>()), ready: false },
  { make: sends(full(1)), ready: false },
  { make: sends(Channel.bounded<number>(1)), ready: true },
  { make: sends(sent(Channel.conflated<number>())), ready: true },
  { make: sends(closed<number>()), ready: true, closed: true }
]
const pairs = states.flatMap((left) => states.map((right) => [left, right] as const))

describe("select", () => {
  sized("L1 otherwise is taken when nothing is ready, never when something is", { full: 5000, explored: 2 }, (rounds) =>
    Effect.gen(function* () {
      for (let i = 0; i < rounds; i++) {
        const channel = yield* Channel.bounded<number>(1)
        const select = Select.any({ value: channel, never: Channel.never, none: Select.otherwise })
        assert.strictEqual((yield* select)._tag, "none")
        yield* Channel.send(channel, i)
        assert.deepStrictEqual(yield* select, { _tag: "value", value: i })
      }
    })
  )

  // Not explored: there a receiver may yield between being woken and taking, and so takes nothing on the spot.
  it.effect("L1 a receiver that waits makes a send ready on a channel that holds nothing", () =>
    Effect.gen(function* () {
      const handover = yield* Channel.rendezvous<number>()
      const select = Select.any({ sent: Select.send(handover, 1), none: Select.otherwise })
      const receiving = yield* Effect.forkChild(Channel.receive(handover), { startImmediately: true })
      assert.strictEqual((yield* select)._tag, "sent")
      assert.strictEqual(yield* Fiber.join(receiving), 1)
      assert.strictEqual((yield* select)._tag, "none")
    })
  )

  for (const [what, makeReady] of [
    ["holds a value", (channel: Channel.Channel<number>) => Effect.ignore(Channel.send(channel, 2))],
    ["is closed", (channel: Channel.Channel<number>) => Effect.ignore(Channel.close(channel))]
  ] as const) {
    sized(
      `L1 L2 otherwise is not taken while one channel is ready until another one ${what}`,
      { full: 10_000, explored: 1 },
      (rounds) =>
        Effect.repeat(
          Effect.gen(function* () {
            const [a, b] = [yield* full(1), yield* Channel.bounded<number>(1)]
            const selecting = yield* Effect.forkChild(Effect.result(Select.any({ a, b, none: Select.otherwise })))
            yield* makeReady(b)
            yield* Channel.tryReceive(a)
            const next = yield* Fiber.join(selecting)
            assert.isTrue(Result.isFailure(next) || next.success._tag !== "none")
          }),
          { times: rounds - 1 }
        )
    )
  }

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

  both("L25 never never wins; a receive of a closed channel fails, a send too; with no peer both directions wait", () =>
    Effect.gen(function* () {
      const channel = yield* Channel.rendezvous<number>()
      const waits = yield* Effect.forkChild(
        Select.any({ in: channel, out: Select.send(channel, 1), never: Channel.never })
      )
      yield* Effect.sleep(1)
      assert.isUndefined(waits.pollUnsafe())
      yield* Channel.close(channel)
      assert.isTrue(isClosed(yield* Effect.flip(Fiber.join(waits))))
    })
  )

  it.live("L25 a select that nothing can wake is a deadlock", () =>
    Effect.gen(function* () {
      const waits = Effect.flatMap(Channel.rendezvous<number>(), (channel) =>
        Select.any({ in: channel, out: Select.send(channel, 1), never: Channel.never })
      )
      assert.include((yield* Effect.flip(Explore.check(waits))).message, "Deadlock")
    })
  )

  sized(
    "L26 each state of a channel beside each other one: what is ready wins, and only that",
    { full: Effect.succeed(pairs), explored: Effect.map(Random.choice(pairs), (pair) => [pair]) },
    (some) =>
      Effect.gen(function* () {
        for (const [left, right] of yield* some) {
          const cases = { left: yield* left.make, right: yield* right.make, none: Select.otherwise }
          yield* Effect.sleep(1)
          const next = yield* Effect.exit(Select.any(cases))
          const ready = [...(left.ready ? ["left"] : []), ...(right.ready ? ["right"] : [])]
          if (Exit.isFailure(next)) assert.isTrue(left.closed || right.closed)
          else assert.include(ready.length === 0 ? ["none"] : ready, next.value._tag)
        }
      })
  )

  both("L30 after one case has won, its waiter is gone from every other", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Channel.rendezvous<number>(), yield* Channel.rendezvous<number>()]
      const select = yield* Effect.forkChild(Select.any({ a, in: b, out: Select.send(b, 1) }))
      yield* Effect.sleep(1)
      assert.deepStrictEqual([waiters(a), waiters(b)], [1, 2])
      yield* Channel.send(a, 1)
      yield* Fiber.join(select)
      assert.deepStrictEqual([waiters(a), waiters(b)], [0, 0])
      assert.isFalse(yield* Channel.trySend(a, 2))
      assert.isTrue(Option.isNone(yield* Channel.tryReceive(b)))
    })
  )

  thoroughly("L31 handlers run for the winner alone, after its value was taken, though the select is interrupted", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* Channel.unbounded<number>(), yield* Channel.unbounded<number>()]
      const ran: Array<number> = []
      const handled = (n: number) => {
        ran.push(n)
        return Effect.yieldNow
      }
      const selecting = yield* Effect.forkChild(
        Select.any({ a: Select.handle(a, handled), b: Select.handle(b, handled) })
      )
      const sending = yield* Effect.forEach([a, b], (channel, i) => Effect.forkChild(Channel.send(channel, i)))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(selecting)
      yield* Effect.forEach(sending, Fiber.join)
      assert.isAtMost(ran.length, 1)
      assert.deepStrictEqual([...ran, ...(yield* drain(a)), ...(yield* drain(b))].toSorted(), [0, 1])
    })
  )

  thoroughly("selects that send to selects that receive lose and double nothing when some are interrupted", () =>
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
    })
  )

  thoroughly("a select that mixes a send with a deferred or a queue does exactly one", () =>
    Effect.gen(function* () {
      const [channel, deferred] = [yield* Channel.rendezvous<number>(), yield* Deferred.make<string>()]
      const queue = yield* Queue.unbounded<string>()
      const selecting = yield* Effect.forkChild(
        Select.any({ sent: Select.send(channel, 1), deferred: Select.deferred(deferred), queue: Select.queue(queue) })
      )
      const receivers = yield* Effect.forEach(range(2), () => Effect.forkChild(Channel.receive(channel)))
      yield* Effect.yieldNow
      yield* Effect.forkChild(Effect.andThen(Queue.offer(queue, "x"), Deferred.succeed(deferred, "x")))
      const next = yield* Fiber.join(selecting)
      yield* Effect.sleep(1)
      const received = receivers.filter((fiber) => fiber.pollUnsafe() !== undefined).length
      assert.strictEqual(received, next._tag === "sent" ? 1 : 0)
    })
  )
})

const drain = Effect.fnUntraced(function* (channel: Channel.Receiver<number>) {
  const values: Array<number> = []
  while (channel.length > 0) values.push(yield* Channel.receive(channel))
  return values
})
