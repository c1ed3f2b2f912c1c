/**
 * What is promised about streams: each value once, in order, no further ahead than the consumer has room, and an end.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee } from "./guarantee.ts"
import { eventually, expect, settled, soon } from "./keeping.ts"
import { called, Kind } from "./raw.ts"
import { answers, dial, failsWith, numbers, sameValues, talk, type ToServer } from "./talk.ts"

/** A stream of numbers from 0 on that knows how far it is, and whether it has ended. */
const counted = () => {
  const seen = { produced: 0, ended: 0 }
  const stream = <E = never>(to: number, end: Effect.Effect<void, E> = Effect.void): Stream.Stream<number, E> =>
    Stream.fromEffectRepeat(Effect.sync(() => seen.produced++)).pipe(
      Stream.take(to),
      Stream.concat(Stream.fromEffectDrain(end)),
      Stream.ensuring(Effect.sync(() => void seen.ended++))
    )
  return { seen, stream }
}

const untilEnded = (seen: { readonly ended: number }, count: number) =>
  eventually(
    Effect.sync(() => seen.ended),
    (ended) => ended === count,
    (ended) => `of ${count} streams that are over ${ended} are produced no more`
  )

const nothingPending = ({ stats }: ToServer) =>
  eventually(
    stats,
    ({ requests }) => requests.pending === 0,
    (stats) => `${stats?.requests.pending} are pending after all have ended`
  )

const whole = Effect.fnUntraced(function* (transport: Transport) {
  const { seen, stream } = counted()
  const { connection, other } = yield* talk(transport, { count: (to) => stream(to) }, { ticks: (to) => stream(to) })
  for (const [from, size] of [
    ["the server", 0],
    ["the server", 1],
    ["the server", 3000],
    ["the client", 300]
  ] as const) {
    seen.produced = 0
    const values = from === "the server" ? connection.stream("count", size) : other.stream("ticks", size)
    const got = yield* soon(Stream.runCollect(values), () => `a stream of ${size} values of ${from} did not end`)
    yield* sameValues(numbers(size), got, `values of ${from}`)
  }
  yield* untilEnded(seen, 4)
  yield* nothingPending(connection)
})

const overtaking = Effect.fnUntraced(function* (transport: Transport) {
  const { next, transport: address } = yield* called(transport)
  const connection = yield* dial(address)
  const server = yield* next
  const consuming = yield* Effect.forkChild(Stream.runCollect(connection.stream("count", 3)))
  const [asked] = yield* server.untilSaid(Kind.Request, 1, "a request for a stream")
  // Before it has heard of any room, and the end right behind.
  yield* server.wire.sendAll([
    server.frame(Kind.Values, asked!.number, "[1,2]"),
    server.frame(Kind.Values, asked!.number, "[3]"),
    server.frame(Kind.Success, asked!.number)
  ])
  yield* answers(Fiber.join(consuming), [1, 2, 3], "a stream whose values come at once")
})

const oneByOne = Effect.fnUntraced(function* (transport: Transport) {
  const { connection } = yield* talk(transport)
  const order: Array<number> = []
  let running = 0
  let most = 0
  const consuming = Stream.runForEach(connection.stream("count", 60, { window: 4 }), (n) =>
    Effect.gen(function* () {
      most = Math.max(most, ++running)
      if (n % 10 === 1) yield* Effect.sleep("10 millis")
      order.push(n)
      running--
    })
  )
  yield* soon(consuming, () => `a slow consumer got ${order.length} of 60 values`)
  yield* sameValues(
    numbers(60).map((n) => n + 1),
    order,
    "values"
  )
  yield* expect(most === 1, () => `${most} values were handled at once`)
})

const apart = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  const release = yield* Deferred.make<void>()
  const blocked = yield* Effect.forkChild(
    Stream.runCollect(Stream.tap(connection.stream("count", 500), () => Deferred.await(release)))
  )
  for (const size of [1000, 1000]) {
    const got = yield* soon(
      Stream.runCollect(connection.stream("count", size)),
      () => "a stream did not go on beside one that is blocked"
    )
    yield* expect(got.length === size, () => `${got.length} values came of ${size}`)
  }
  const ticks = yield* soon(Stream.runCollect(other.stream("ticks", 100)), () => "one of the other side did not go on")
  yield* expect(ticks.length === 100, () => `${ticks.length} values came of 100`)
  yield* answers(connection.request("echo", "on"), "on", "a request beside a stream that is blocked")
  yield* Deferred.succeed(release, undefined)
  const got = yield* soon(Fiber.join(blocked), () => "the one that was blocked did not go on")
  yield* expect(got.length === 500, () => `${got.length} values came of 500`)
})

const bounded = Effect.fnUntraced(function* (transport: Transport) {
  const { seen, stream } = counted()
  const { acceptor, connection } = yield* talk(transport, { count: (to) => stream(to) })
  const release = yield* Deferred.make<void>()
  const window = 8
  const handled = 3
  const count = 5_000
  const got: Array<number> = []
  const consuming = yield* Effect.forkChild(
    Stream.runForEach(connection.stream("count", count, { window }), (n) =>
      Effect.andThen(
        n === handled ? Deferred.await(release) : Effect.void,
        Effect.sync(() => void got.push(n))
      )
    )
  )
  // What the consumer has handled, what it has taken at once behind that, what is underway, and the one that waits to be sent.
  const most = handled + 2 * window + 1
  const ahead = yield* settled(() => seen.produced, most)
  yield* expect(
    ahead > handled && ahead <= most,
    () => `${ahead} values were produced for a consumer that has handled ${handled}`
  )
  const before = yield* acceptor.stats
  yield* answers(connection.request("echo", "on"), "on", "a request beside a stream that waits")
  const after = yield* acceptor.stats
  yield* expect(after.messagesOut === before.messagesOut + 1, () => "the stream went on")
  yield* Deferred.succeed(release, undefined)
  yield* soon(Fiber.join(consuming), () => `a stream ended at ${got.length} of ${count} values`)
  yield* sameValues(numbers(count), got, "values")
})

const ends = Effect.fnUntraced(function* (transport: Transport) {
  const { seen, stream } = counted()
  const { connection } = yield* talk(transport, {
    count: (to) =>
      to === 0
        ? stream(5)
        : to === 1
          ? stream(5, Effect.fail({ code: 1, words: "no more" }))
          : stream(5, Effect.die("a fault of a stream"))
  })
  const got: Array<number> = []
  const taking = (to: number) => {
    seen.produced = 0
    got.length = 0
    return Stream.runForEach(connection.stream("count", to), (n) => Effect.sync(() => void got.push(n)))
  }
  yield* soon(taking(0), () => "a stream that ends did not end")
  yield* sameValues(numbers(5), got, "values")
  yield* answers(Effect.flip(taking(1)), { code: 1, words: "no more" }, "a stream that fails")
  yield* sameValues(numbers(5), got, "values before a failure")
  yield* failsWith(taking(2), "HandlerFailed", "a stream that dies")
  yield* untilEnded(seen, 3)
  yield* nothingPending(connection)
})

const given = Effect.fnUntraced(function* (transport: Transport) {
  const { seen, stream } = counted()
  const { acceptor, connection } = yield* talk(transport, { count: (to) => stream(to) })
  const first = yield* soon(
    Stream.runCollect(Stream.take(connection.stream("count", 1_000_000), 5)),
    () => "taking 5 of a long stream did not end"
  )
  yield* sameValues(numbers(5), first, "values")
  yield* untilEnded(seen, 1)
  const consuming = yield* Effect.forkChild(
    Stream.runForEach(connection.stream("count", 1_000_000), () => Effect.never)
  )
  yield* eventually(
    acceptor.stats,
    ({ handled }) => handled.running === 1,
    () => "a stream did not begin"
  )
  yield* soon(Fiber.interrupt(consuming), () => "a consumer could not be interrupted")
  yield* untilEnded(seen, 2)
  seen.produced = 0
  const failing = Stream.runForEach(connection.stream("count", 1_000_000), (n) =>
    n === 40 ? Effect.fail("the consumer fails" as const) : Effect.void
  )
  yield* answers(Effect.flip(failing), "the consumer fails", "a consumer that fails")
  yield* untilEnded(seen, 3)
  yield* nothingPending(connection)
  yield* eventually(
    acceptor.stats,
    ({ handled }) => handled.running === 0,
    (stats) => `${stats?.handled.running} streams are produced that nobody consumes`
  )
  yield* answers(connection.request("echo", "on"), "on", "a request after streams that were given up")
})

const leaves = Effect.fnUntraced(function* (transport: Transport) {
  const { seen, stream } = counted()
  const { connection, other } = yield* talk(transport, { count: (to) => stream(to) }, { ticks: (to) => stream(to) })
  const consuming = yield* Effect.forkChild(
    Stream.runForEach(connection.stream("count", 1_000_000), (n) => (n >= 50 ? Effect.never : Effect.void))
  )
  const ticking = yield* Effect.forkChild(Stream.runForEach(other.stream("ticks", 1_000_000), () => Effect.never))
  yield* settled(() => seen.produced, 1_000_000)
  yield* soon(connection.close, () => "close did not end while streams are consumed")
  yield* untilEnded(seen, 2)
  const given = yield* Effect.forkChild(Effect.exit(Fiber.join(ticking)))
  yield* Fiber.interrupt(ticking)
  yield* Fiber.interrupt(consuming)
  yield* soon(Fiber.join(given), () => "a consumer did not end")
})

/** All of them. */
export const streams: ReadonlyArray<Guarantee> = [
  { id: "K22", name: "a stream has each value once and in order, and an end", run: whole },
  { id: "K21", name: "values that come before anything else of a stream are delivered", run: overtaking },
  { id: "K22", name: "a value that is handled slowly is handled before the next", run: oneByOne },
  { id: "K23", name: "a stream that is blocked blocks neither others nor requests", run: apart },
  {
    id: "K24 I12",
    name: "a stream goes no further ahead of its consumer than its window, and loses nothing",
    run: bounded
  },
  { id: "K31", name: "a consumer sees how a stream ends, behind its values", run: ends },
  { id: "I13 I14", name: "a stream that is consumed no further is produced no further", run: given },
  { id: "I14", name: "the streams of a connection that is closed are produced no further", run: leaves }
]
