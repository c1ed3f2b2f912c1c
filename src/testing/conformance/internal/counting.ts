/**
 * What is promised about figures: they add up.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee } from "./guarantee.ts"
import { eventually, expect, soon } from "./keeping.ts"
import { answers, numbers, talk } from "./talk.ts"

const addUp = Effect.fnUntraced(function* (transport: Transport) {
  let pushed = 0
  const { acceptor, connection, other } = yield* talk(
    transport,
    { ask: (n) => (n % 3 === 0 ? Effect.fail({ code: n, words: "a third" }) : Effect.succeed(n)) },
    { pushed: () => Effect.sync(() => void pushed++) }
  )
  const run = Effect.all(
    [
      Effect.forEach(numbers(3000), (n) => Effect.ignore(connection.request("ask", n)), { concurrency: 32 }),
      Effect.forEach(numbers(2000), (n) => connection.tell("note", n)),
      Effect.forEach(numbers(1000), (n) => other.tell("pushed", n)),
      Effect.forEach(numbers(500), () => connection.send("a text")),
      Effect.forEach(numbers(500), () => other.receive)
    ],
    { concurrency: "unbounded", discard: true }
  )
  yield* soon(run, () => "10,000 messages did not get through")
  yield* answers(connection.request("nothing"), undefined, "a request behind all")
  yield* answers(other.request("called", 1), 3, "a request of the other side behind all")
  yield* eventually(
    acceptor.stats,
    ({ handled }) => handled.succeeded + handled.failed === 5001,
    (stats) => `${JSON.stringify(stats?.handled)} were handled of 5,001`
  )
  // Requests with their replies, tells, pushes, texts, and those behind all: 10,000 less those that make it round.
  const out = 3000 + 2000 + 500 + 1 + 1
  const back = 3000 + 1000 + 1 + 1
  const near = yield* connection.stats
  const far = yield* other.stats
  const all = yield* acceptor.stats
  const found = {
    out: [near.messagesOut, far.messagesIn, all.messagesIn],
    back: [near.messagesIn, far.messagesOut, all.messagesOut],
    requests: [near.requests.sent, near.requests.succeeded, near.requests.failed, near.requests.pending],
    otherRequests: [far.requests.sent, far.requests.succeeded, far.requests.failed, far.requests.pending],
    handled: [all.handled.succeeded, all.handled.failed, all.handled.running],
    otherHandled: [near.handled.succeeded, near.handled.failed, near.handled.running],
    dropped: [near.dropped, far.dropped, all.dropped].map(
      ({ duplicates, late, unknown }) => duplicates + late + unknown
    ),
    reconnects: [near.reconnects, far.reconnects]
  }
  const due = {
    out: [out, out, out],
    back: [back, back, back],
    requests: [3001, 2001, 1000, 0],
    otherRequests: [1, 1, 0, 0],
    handled: [4001, 1000, 0],
    otherHandled: [1001, 0, 0],
    dropped: [0, 0, 0],
    reconnects: [0, 0]
  }
  yield* expect(pushed === 1000, () => `${pushed} pushes were handled of 1000`)
  yield* answers(Effect.succeed(found), due, "the statistics")
  yield* eventually(
    Effect.all([connection.stats, other.stats]),
    ([a, b]) => a.bytesOut === b.bytesIn && a.bytesIn === b.bytesOut && a.bytesOut > out && a.bytesIn > back,
    (stats) =>
      `the bytes of the two sides do not agree: ${stats?.map((one) => `${one.bytesOut} out, ${one.bytesIn} in`).join("; ")}`
  )
  const { max, p50, p90, p99 } = near.latency
  yield* expect(
    p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= max && Number.isFinite(max),
    () => `of the latencies p50 is ${p50}, p90 ${p90}, p99 ${p99}, and max ${max}`
  )
})

const latencies = Effect.fnUntraced(function* (transport: Transport) {
  const { connection } = yield* talk(transport, { ask: (n) => Effect.as(Effect.sleep(n), n) })
  const asking = Effect.forEach([...numbers(18).map(() => 1), 60, 60], (n) =>
    connection.request("ask", n, { timeout: n === 60 ? Infinity : "10 seconds" })
  )
  yield* soon(asking, () => "slow requests did not end")
  const { max, p50, p90, p99 } = (yield* connection.stats).latency
  // How long they take at most nobody knows.
  yield* expect(
    p50 >= 0.9 && p50 <= p90 && p99 >= 55 && max >= 59 && p99 <= max * 1.1,
    () => `of 18 requests of 1 ms and 2 of 60 p50 is ${p50}, p90 ${p90}, p99 ${p99}, and max ${max}`
  )
})

const afterEnds = Effect.fnUntraced(function* (transport: Transport) {
  const { acceptor, connection, other } = yield* talk(transport, {
    ask: (n) => (n === 0 ? Effect.onInterrupt(Effect.never, () => Effect.sleep("20 millis")) : Effect.succeed(n))
  })
  for (const n of numbers(10)) if (n > 0) yield* answers(connection.request("ask", n), n, "a request")
  yield* soon(Stream.runDrain(connection.stream("count", 100)), () => "a stream did not end")
  yield* Effect.forkChild(Effect.ignore(connection.request("ask", 0)))
  yield* eventually(
    acceptor.stats,
    ({ handled }) => handled.running === 1,
    () => "a request was not counted as running"
  )
  const before = yield* other.stats
  yield* soon(connection.close, () => "close did not end")
  yield* eventually(
    acceptor.stats,
    ({ connections, handled }) => connections === 0 && handled.failed === 1,
    (stats) => `of one handler that the end of its connection interrupts ${stats?.handled.failed} were counted`
  )
  const after = yield* acceptor.stats
  yield* expect(
    after.messagesIn === before.messagesIn && after.handled.succeeded === 10 && after.handled.running === 0,
    () => `what a connection counted is not all there when it is gone: ${JSON.stringify(after)}`
  )
})

/** All of them. */
export const counting: ReadonlyArray<Guarantee> = [
  { id: "K44", name: "the statistics of both sides add up exactly over 10,000 messages", run: addUp },
  { id: "K44", name: "latencies are those that there were, whatever the deadlines", run: latencies },
  { id: "K44", name: "what a connection counted is not lost when it is gone", run: afterEnds }
]
