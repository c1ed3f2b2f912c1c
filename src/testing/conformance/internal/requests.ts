/**
 * What is promised about requests: each has one outcome, its own, in time.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Rpc } from "effect/rpc"
import * as Connection from "../../../net/Connection.ts"
import * as Protocol from "../../../net/Protocol.ts"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee } from "./guarantee.ts"
import { eventually, expect, soon } from "./keeping.ts"
import { answers, dial, failsWith, Gates, listen, numbers, Talk, talk, type ToServer } from "./talk.ts"
import { called, Kind } from "./raw.ts"

const nothingPending = (connection: ToServer) =>
  Effect.flatMap(connection.stats, ({ requests }) =>
    expect(requests.pending === 0, () => `${requests.pending} requests are pending after all have ended`)
  )

const inAnyOrder = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const { acceptor, connection: first } = yield* talk(transport, { ask: gates.pass })
  const second = yield* dial(acceptor.transport)
  const count = 60
  const asking = yield* Effect.forEach(numbers(count), (n) =>
    Effect.forkChild((n % 2 === 0 ? first : second).request("ask", n))
  )
  yield* gates.until(count)
  // The last that came is answered first, and then from the middle outwards.
  for (const n of numbers(count)
    .toSorted((a, b) => ((a * 37) % count) - ((b * 37) % count))
    .toReversed()) {
    gates.open(n)
    yield* Effect.yieldNow
  }
  for (const n of numbers(count)) yield* answers(Fiber.join(asking[n]!), n, `request ${n} of ${count}`)
  yield* nothingPending(first)
  yield* nothingPending(second)
})

const sideBySide = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const { connection } = yield* talk(transport, { ask: gates.pass })
  const slow = yield* Effect.forkChild(connection.request("ask", 1))
  yield* gates.until(1)
  for (const n of numbers(50)) yield* answers(connection.request("echo", `${n}`), `${n}`, "a request beside a slow one")
  yield* expect(slow.pollUnsafe() === undefined, () => "the slow one was answered before its handler was done")
  gates.open(1)
  yield* answers(Fiber.join(slow), 1, "the slow request")
})

const Newer = Protocol.make(Talk.name, {
  server: [
    Rpc.make("echo", { payload: Schema.String, success: Schema.String }),
    Rpc.make("newer", { success: Schema.Int }),
    Rpc.make("newerTell", { payload: Schema.Int }),
    Rpc.make("newerStream", { success: Schema.Int, stream: true }),
    // It was a number before.
    Rpc.make("ask", { payload: Schema.String, success: Schema.Int }),
    Rpc.make("bytes", { payload: Schema.Uint8Array, success: Schema.String })
  ]
})

const unknown = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport)
  const connection = yield* Connection.connect(acceptor.transport, Newer, { reconnect: "never" })
  const asked = yield* failsWith(connection.request("newer"), "UnknownRoute", "a request of a newer protocol")
  yield* expect(asked.route === "newer", () => `the error names the route ${asked.route}`)
  yield* failsWith(Stream.runDrain(connection.stream("newerStream")), "UnknownRoute", "a stream of a newer protocol")
  // Whoever got past the types.
  yield* failsWith(connection.request("never heard of" as "newer"), "UnknownRoute", "a request that no protocol has")
  yield* failsWith(connection.tell("never heard of" as "newer"), "UnknownRoute", "a tell that no protocol has")
  yield* connection.tell("newerTell", 1)
  yield* answers(connection.request("echo", "still there"), "still there", "a request after unknown ones")
  yield* eventually(
    acceptor.stats,
    ({ dropped }) => dropped.unknown === 1,
    (stats) => `a tell of a newer protocol was counted ${stats?.dropped.unknown} times as unknown`
  )
  const { requests } = yield* connection.stats
  yield* expect(requests.pending === 0, () => `${requests.pending} are pending after all have ended`)
})

const otherSchemas = Effect.fnUntraced(function* (transport: Transport) {
  let handled = 0
  const acceptor = yield* listen(transport, { ask: (n) => Effect.sync(() => (handled++, n)) })
  const connection = yield* Connection.connect(acceptor.transport, Newer, { reconnect: "never" })
  const payload = yield* failsWith(connection.request("ask", "seven"), "InvalidMessage", "a payload of another schema")
  yield* expect(
    payload.part === "payload" && payload.foundBy === "the other side",
    () => `the ${payload.part} is said to be wrong, as ${payload.foundBy} finds`
  )
  yield* expect(handled === 0, () => "its handler ran")
  const reply = yield* failsWith(
    connection.request("bytes", Uint8Array.of(1, 2)),
    "InvalidMessage",
    "a reply of another schema"
  )
  yield* expect(
    reply.part === "reply" && reply.foundBy === "this side",
    () => `the ${reply.part} is said to be wrong, as ${reply.foundBy} finds`
  )
  yield* answers(connection.request("echo", "still there"), "still there", "a request after wrong ones")
})

const typedErrors = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(
    transport,
    { ask: (code) => Effect.fail({ code, words: `no ${code}` }) },
    { called: (code) => Effect.fail({ code, words: `not ${code}` }) }
  )
  for (const code of [0, 1, -1]) {
    yield* answers(Effect.flip(connection.request("ask", code)), { code, words: `no ${code}` }, "a failure")
    yield* answers(Effect.flip(other.request("called", code)), { code, words: `not ${code}` }, "a client's failure")
  }
  const { requests } = yield* connection.stats
  yield* expect(requests.failed === 3, () => `${requests.failed} failures were counted of 3`)
})

const deaths = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(
    transport,
    {
      ask: (n) => (n === 0 ? Effect.die("a fault of a handler") : Effect.interrupt),
      echo: (text) => {
        // oxlint-disable-next-line troupe/no-throw -- what a handler of a user's may do
        if (text === "") throw new Error("a handler that throws")
        return Effect.succeed(text)
      }
    },
    { called: () => Effect.die("a fault of a client's handler") }
  )
  const died = yield* failsWith(connection.request("ask", 0), "HandlerFailed", "a request whose handler dies")
  yield* expect(died.how === "died", () => `it is said that it was ${died.how}`)
  const ended = yield* failsWith(connection.request("ask", 1), "HandlerFailed", "one whose handler interrupts itself")
  yield* expect(ended.how === "interrupted", () => `it is said that it ${ended.how}`)
  yield* failsWith(connection.request("echo", ""), "HandlerFailed", "a request whose handler throws")
  yield* failsWith(other.request("called", 1), "HandlerFailed", "a request whose handler dies at the client")
  yield* answers(connection.request("echo", "lives"), "lives", "a request after handlers that died")
})

const deadlines = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const { connection } = yield* talk(transport, { ask: gates.pass })
  const before = yield* Clock.currentTimeMillis
  const error = yield* failsWith(
    connection.request("ask", 1, { timeout: "100 millis" }),
    "Timeout",
    "a request whose handler is slow"
  )
  const took = (yield* Clock.currentTimeMillis) - before
  yield* expect(error.milliseconds === 100, () => `it says that it had ${error.milliseconds} ms`)
  // The clock may be set, and rounds.
  yield* expect(took >= 98, () => `it ended after ${took} ms, and had 100`)
  yield* nothingPending(connection)
  yield* gates.untilInterrupted(1)
})

const late = Effect.fnUntraced(function* (transport: Transport) {
  const { next, transport: address } = yield* called(transport)
  const connection = yield* dial(address)
  const server = yield* next
  yield* failsWith(connection.request("ask", 1, { timeout: "50 millis" }), "Timeout", "a request that is not answered")
  const [first] = yield* server.untilSaid(Kind.Request, 1, "a request")
  yield* server.untilSaid(Kind.Interrupt, 1, "word that nobody waits for it any more")
  const asking = yield* Effect.forkChild(connection.request("ask", 2))
  const [, second] = yield* server.untilSaid(Kind.Request, 2, "a second request")
  yield* server.say(Kind.Success, first!.number, "111")
  yield* server.say(Kind.Success, second!.number, "222")
  yield* answers(Fiber.join(asking), 222, "the request after one whose reply was late")
  // It is answered again, when nobody waits.
  yield* server.say(Kind.Success, second!.number, "333")
  yield* eventually(
    connection.stats,
    ({ dropped }) => dropped.late === 2,
    (stats) => `${stats?.dropped.late} late replies were counted of 2`
  )
  yield* nothingPending(connection)
})

const noDeadline = Effect.fnUntraced(function* (transport: Transport) {
  const { connection } = yield* talk(transport)
  for (const timeout of [0, -1, Number.NaN, "0 seconds"] as const) {
    yield* failsWith(connection.request("ask", 1, { timeout }), "InvalidArgument", `a deadline of ${timeout}`)
  }
  const { requests } = yield* connection.stats
  yield* expect(
    requests.sent === 0 && requests.pending === 0,
    () => `${requests.sent} were sent, and ${requests.pending} are pending`
  )
  yield* answers(connection.request("ask", 1, { timeout: Infinity }), 2, "a request without a deadline")
})

const interrupted = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const { connection, other } = yield* talk(transport, { ask: gates.pass }, { called: gates.pass })
  const asking = yield* Effect.forkChild(connection.request("ask", 1))
  const calling = yield* Effect.forkChild(other.request("called", 2))
  yield* gates.until(2)
  for (const fiber of [asking, calling]) {
    const exit = yield* soon(
      Effect.andThen(Fiber.interrupt(fiber), Fiber.await(fiber)),
      () => "a request could not be interrupted"
    )
    yield* expect(exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause), () => "an interrupted one went on")
  }
  yield* nothingPending(connection)
  yield* gates.untilInterrupted(2)
  yield* answers(connection.request("echo", "on"), "on", "a request after an interrupted one")
})

const fromHandlers = Effect.fnUntraced(function* (transport: Transport) {
  const asked = yield* Deferred.make<string, unknown>()
  const gates = new Gates()
  const { connection, other } = yield* talk(
    transport,
    {},
    {
      pushed: (_, server) => Deferred.into(server.request("echo", "from a push"), asked),
      called: (n, server) => Effect.orDie(Effect.andThen(server.request("ask", n), gates.pass(n)))
    }
  )
  yield* other.tell("pushed", 1)
  yield* answers(Deferred.await(asked), "from a push", "a request that the handler of a push makes")
  const values = yield* soon(
    Stream.runCollect(
      Stream.mapEffect(connection.stream("count", 40, { window: 4 }), (n) => connection.request("ask", n))
    ),
    () => "a consumer of a stream that makes requests did not end"
  )
  yield* expect(
    values.length === 40 && values[39] === 80,
    () => `it got ${values.length} answers, the last ${values.at(-1)}`
  )
  gates.open(1)
  yield* answers(other.request("called", 1), 1, "a request whose handler makes one")
})

const bothWait = Effect.fnUntraced(function* (transport: Transport) {
  const depth = 12
  const { connection } = yield* talk(
    transport,
    { ask: (n, client) => (n === 0 ? Effect.succeed(100) : Effect.orDie(client.request("called", n - 1))) },
    { called: (n, server) => (n === 0 ? Effect.succeed(200) : Effect.orDie(server.request("ask", n - 1))) }
  )
  yield* answers(connection.request("ask", depth), 100, `a call back and forth, ${depth} deep,`)
  const many = Effect.forEach(numbers(30), () => connection.request("ask", 3), { concurrency: "unbounded" })
  yield* answers(
    many,
    numbers(30).map(() => 200),
    "thirty at once that call back"
  )
})

const ownFaults = Effect.fnUntraced(function* (transport: Transport) {
  let asked = 0
  let handled = 0
  const acceptor = yield* listen(
    transport,
    {
      ask: (code) =>
        Effect.andThen(
          Effect.sync(() => void handled++),
          Effect.fail({ code, words: "no" })
        ),
      echo: (text) => Effect.sync(() => (handled++, text))
    },
    {
      authorize: (route) => {
        asked++
        return route === "echo" ? Effect.fail("echoes are for others") : Effect.void
      }
    }
  )
  const connection = yield* dial(acceptor.transport)
  const retry = { retry: "once-handled" } as const
  const wrong = yield* failsWith(
    connection.request("ask", "seven" as unknown as number, retry),
    "InvalidMessage",
    "a payload that is none of its schema"
  )
  yield* expect(wrong.foundBy === "this side" && asked === 0, () => "a payload that is wrong was sent")
  const denied = yield* failsWith(connection.request("echo", "a", retry), "PermissionDenied", "what is not allowed")
  yield* expect(denied.detail === "echoes are for others", () => `it was told "${denied.detail}"`)
  yield* expect(asked === 1 && handled === 0, () => `it was tried ${asked} times, and handled ${handled} times`)
  yield* answers(Effect.flip(connection.request("ask", 1, retry)), { code: 1, words: "no" }, "a typed failure")
  const { dropped, handled: counted } = yield* acceptor.stats
  yield* expect(
    asked === 2 && handled === 1 && counted.failed === 2 && dropped.duplicates === 0,
    () => `of two attempts ${asked} were made, ${handled} handled, and ${counted.failed} counted as failed`
  )
})

const tooLarge = Effect.fnUntraced(function* (transport: Transport) {
  let limit = Infinity
  const { acceptor, connection, other } = yield* talk(transport, {
    echo: (text) => Effect.succeed(text === "much" ? "x".repeat(limit) : text)
  })
  const { maxFrame } = yield* soon(Effect.scoped(acceptor.transport.connect), () => "connecting did not end")
  limit = maxFrame
  const much = new Uint8Array(limit)
  const out = yield* failsWith(connection.request("bytes", much), "FrameTooLarge", "a request above maxFrame")
  yield* expect(out.direction === "out" && out.limit === limit, () => `it is said to go ${out.direction}`)
  yield* failsWith(connection.request("echo", "much"), "FrameTooLarge", "a request whose reply is above maxFrame")
  yield* failsWith(connection.send(much), "FrameTooLarge", "a message above maxFrame")
  yield* failsWith(other.send(much), "FrameTooLarge", "a message of the other side above maxFrame")
  yield* answers(connection.request("echo", "on"), "on", "a request after too large ones")
  const most = much.subarray(64)
  yield* answers(
    Effect.map(connection.request("bytes", most), ({ length }) => length),
    most.length,
    "a large request"
  )
  yield* nothingPending(connection)
})

const dialogue = Effect.fnUntraced(function* (transport: Transport) {
  const notes: Array<string> = []
  const { connection, other } = yield* talk(
    transport,
    {
      note: (n) => Effect.sync(() => void notes.push(`noted ${n}`)),
      ask: (n, client) =>
        n < 0 ? Effect.fail({ code: n, words: "negative" }) : Effect.orDie(client.request("called", n + 1))
    },
    { pushed: (n) => Effect.sync(() => void notes.push(`pushed ${n}`)) }
  )
  const results = Effect.gen(function* () {
    const said: Array<unknown> = [
      yield* connection.request("echo", "héllo"),
      yield* connection.request("ask", 4),
      yield* Effect.flip(connection.request("ask", -4)),
      (yield* connection.request("nothing")) === undefined,
      [...(yield* connection.request("bytes", Uint8Array.of(0, 255, 128)))],
      yield* Stream.runCollect(connection.stream("count", 5)),
      yield* Stream.runCollect(other.stream("ticks", 3)),
      yield* other.request("called", 7)
    ]
    yield* connection.tell("note", 1)
    yield* connection.request("nothing")
    yield* other.tell("pushed", 2)
    yield* other.request("called", 0)
    yield* connection.send("text")
    said.push(yield* other.receive)
    yield* other.send(Uint8Array.of(1))
    const bytes = yield* connection.receive
    said.push(typeof bytes === "string" ? bytes : [...bytes], connection.id === other.id, yield* connection.isConnected)
    yield* connection.close
    const { by } = yield* other.closed
    said.push(by, (yield* Effect.flip(connection.request("nothing")))._tag, (yield* connection.closed).by)
    return said
  })
  const due = [
    "héllo",
    15,
    { code: -4, words: "negative" },
    true,
    [0, 255, 128],
    [1, 2, 3, 4, 5],
    [1, 2, 3],
    21,
    "text",
    [1],
    true,
    true,
    "the other side",
    "ConnectionClosed",
    "this side"
  ]
  yield* answers(results, due, "a dialogue")
  yield* answers(Effect.succeed(notes), ["noted 1", "pushed 2"], "what was told in it")
})

/** All of them. */
export const requests: ReadonlyArray<Guarantee> = [
  { id: "I1", name: "one dialogue has the same results over every transport", run: dialogue },
  { id: "K1", name: "each reply reaches whoever asked, in whatever order the replies come", run: inAnyOrder },
  { id: "K2 I20", name: "a route that the other side does not know is UnknownRoute, and harms nobody", run: unknown },
  { id: "I20", name: "a message of another schema is InvalidMessage, and harms nobody", run: otherSchemas },
  { id: "K3", name: "a handler's typed failure reaches whoever asked, as it is", run: typedErrors },
  { id: "K4", name: "a handler that dies is HandlerFailed to whoever asked, and harms nobody", run: deaths },
  { id: "K5", name: "a request ends at its deadline with Timeout, and leaves nothing pending", run: deadlines },
  {
    id: "K6",
    name: "a reply that comes too late is dropped and counted, and the next request is unaffected",
    run: late
  },
  { id: "K7", name: "a deadline of 0 or less is InvalidArgument, and nothing is sent", run: noDeadline },
  { id: "K10", name: "a slow request holds up no other", run: sideBySide },
  {
    id: "K11",
    name: "handlers of pushes and consumers of streams can ask over the same connection",
    run: fromHandlers
  },
  { id: "K12", name: "the two sides can ask each other while both wait", run: bothWait },
  { id: "K13", name: "an interrupted request leaves nothing pending, and interrupts its handler", run: interrupted },
  { id: "K19", name: "an error of the caller's own making is found in one attempt", run: ownFaults },
  { id: "K38", name: "what is above maxFrame is refused with FrameTooLarge, and the connection goes on", run: tooLarge }
]
