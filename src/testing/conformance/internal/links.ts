/**
 * What is promised about links: they come, go, are lost, and are closed, and everything that went over them has an end.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Acceptor from "../../../net/Acceptor.ts"
import type { Selectable } from "../../../channel/Selectable.ts"
import type { Heartbeat } from "../../../net/Connection.ts"
import type { TellError } from "../../../net/ConnectionError.ts"
import * as Strategy from "../../../net/Strategy.ts"
import * as Memory from "../../../net/transport/Memory.ts"
import type { Transport } from "../../../net/Transport.ts"
import { TransportError } from "../../../net/TransportError.ts"
import type { Guarantee, Tested } from "./guarantee.ts"
import { broken, eventually, expect, settled, soon } from "./keeping.ts"
import { called, calling, Kind } from "./raw.ts"
import {
  answers,
  dial,
  failsWith,
  Gates,
  listen,
  made,
  numbers,
  otherOf,
  sameValues,
  tagOf,
  talk,
  type ToServer,
  watched,
  within
} from "./talk.ts"

const quickly = { reconnect: Schedule.spaced("5 millis") }

/** What has happened at an acceptor. */
const happened = (events: Selectable<{ readonly _tag: string }>): ReadonlyArray<string> => {
  const tags: Array<string> = []
  for (let event = events.pollUnsafe(); event !== undefined; event = events.pollUnsafe()) {
    if (Exit.isSuccess(event)) tags.push(event.value._tag)
  }
  return tags
}

const untilGone = (acceptor: { readonly stats: Effect.Effect<Acceptor.Stats> }) =>
  eventually(
    acceptor.stats,
    ({ connections }) => connections === 0,
    (stats) => `${stats?.connections} connections are there whose other side is gone`
  )

const lostWithPending = Effect.fnUntraced(function* (transport: Transport, { lose }: Tested) {
  if (lose === undefined) return
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass, count: () => Stream.never })
  const events = yield* acceptor.events
  const { transport: address, wires } = watched(acceptor.transport)
  const connection = yield* dial(address, { called: gates.pass }, quickly)
  const other = yield* otherOf(acceptor, connection)
  const asking = yield* Effect.forEach(numbers(20), (n) =>
    Effect.forkChild(connection.request("ask", n, { timeout: "1 hour" }))
  )
  const consuming = yield* Effect.forkChild(Stream.runDrain(connection.stream("count", 1)))
  const calling = yield* Effect.forkChild(other.request("called", 20, { timeout: "1 hour" }))
  yield* gates.until(21)
  yield* lose(wires[0]!)
  for (const fiber of asking) {
    const error = yield* failsWith(Fiber.join(fiber), "Unavailable", "a request whose link was lost")
    yield* expect(error.delivery === "uncertain", () => `its delivery is said to be ${error.delivery}`)
  }
  const ended = yield* failsWith(Fiber.join(consuming), "Unavailable", "a stream whose link was lost")
  yield* expect(ended.delivery === "uncertain", () => `its delivery is said to be ${ended.delivery}`)
  yield* failsWith(Fiber.join(calling), "Unavailable", "a request of the side that listens")
  yield* gates.untilInterrupted(21)
  // The connection goes on, and the handlers of before do not.
  gates.open(30)
  yield* answers(connection.request("ask", 30), 30, "a request after the link was lost")
  const { reconnects, requests } = yield* connection.stats
  yield* expect(
    requests.pending === 0 && requests.failed === 21 && reconnects === 1,
    () => `${requests.pending} are pending, ${requests.failed} failed of 21, and there were ${reconnects} reconnects`
  )
  yield* sameValues(["Connected", "Disconnected", "Connected"].toSorted(), happened(events).toSorted(), "events")
})

const heartbeat: Heartbeat = { interval: "40 millis", misses: 3 }

const silentClient = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass }, { heartbeat })
  const events = yield* acceptor.events
  const before = yield* Clock.currentTimeMillis
  const silent = yield* calling(acceptor.transport)
  yield* silent.say(Kind.Request, 1, "1", "ask")
  const live = yield* dial(acceptor.transport, {}, { heartbeat })
  yield* gates.untilInterrupted(1)
  const after = (yield* Clock.currentTimeMillis) - before
  yield* expect(after >= 115, () => `it was given up after ${after} ms, with 3 heartbeats of 40 ms`)
  yield* eventually(
    acceptor.stats,
    ({ connections }) => connections === 1,
    (stats) => `there are ${stats?.connections} connections, and one of two is silent`
  )
  yield* soon(silent.wire.closed, () => "the wire to a silent peer was not closed")
  yield* answers(live.request("echo", "on"), "on", "a request of one that is not silent")
  yield* sameValues(["Connected", "Connected", "Disconnected"], happened(events).toSorted(), "events")
  yield* expect(silent.said(Kind.Ping).length >= 3, () => "it was not asked whether it is there")
})

const silentServer = Effect.fnUntraced(function* (transport: Transport) {
  const { next, transport: address } = yield* called(transport)
  const connection = yield* dial(address, {}, { heartbeat })
  const server = yield* next
  const asking = yield* Effect.forkChild(connection.request("ask", 1, { timeout: "1 hour" }))
  yield* server.untilSaid(Kind.Request, 1, "a request")
  const closed = yield* soon(connection.closed, () => "a client did not notice that its server is silent")
  yield* expect(closed.by === "loss", () => `it is said to be closed by ${closed.by}`)
  const error = yield* failsWith(Fiber.join(asking), "Unavailable", "a request to a silent server")
  yield* expect(error.delivery === "uncertain", () => `its delivery is said to be ${error.delivery}`)
  const pings = server.said(Kind.Ping).length
  yield* expect(pings === 3, () => `${pings} heartbeats were sent before it was given up after 3`)
})

const anythingCounts = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport, {}, { heartbeat })
  const caller = yield* calling(acceptor.transport)
  // It answers no ping, and says things that nobody knows.
  yield* Effect.forkScoped(
    Effect.ignore(Effect.forever(Effect.andThen(caller.wire.send(Uint8Array.of(99)), Effect.sleep("10 millis"))))
  )
  yield* caller.untilSaid(Kind.Ping, 8, "heartbeats")
  const { connections } = yield* acceptor.stats
  yield* expect(connections === 1, () => "one that says something was given up")
})

const closedStays = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass })
  const events = yield* acceptor.events
  const { transport: address, wires } = watched(acceptor.transport)
  const connection = yield* dial(address, {}, quickly)
  const states = yield* Effect.forkChild(Stream.runCollect(connection.changes), { startImmediately: true })
  const asking = yield* Effect.forkChild(connection.request("ask", 1))
  const receiving = yield* Effect.forkChild(connection.receive)
  yield* gates.until(1)
  yield* soon(Effect.andThen(connection.close, connection.close), () => "close did not end")
  yield* failsWith(Fiber.join(asking), "ConnectionClosed", "a request that waited when its connection was closed")
  yield* failsWith(Fiber.join(receiving), "ConnectionClosed", "a receive that waited")
  const doings: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
    ["a request", connection.request("echo", "a")],
    ["a request that may be retried", connection.request("echo", "a", { retry: "once-handled" })],
    ["a tell", connection.tell("note", 1)],
    ["a message", connection.send("a")],
    ["a stream", Stream.runDrain(connection.stream("count", 1))],
    ["a receive", connection.receive]
  ]
  for (const [what, doing] of doings) yield* failsWith(doing, "ConnectionClosed", `${what} after close`)
  yield* untilGone(acceptor)
  yield* gates.untilInterrupted(1)
  yield* settled(() => wires.length, 1)
  const { accepted } = yield* acceptor.stats
  yield* expect(accepted === 1 && wires.length === 1, () => `after close it connected ${wires.length - 1} times`)
  const last = (yield* soon(Fiber.join(states), () => "its changes did not end")).at(-1)
  yield* expect(last?._tag === "Closed", () => `its last state is ${last?._tag}`)
  yield* sameValues(["Connected", "Disconnected"], happened(events), "events")
})

const closedThere = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  yield* soon(other.close, () => "close did not end at the side that listens")
  const { by } = yield* soon(connection.closed, () => "the other side was not told of the close")
  yield* expect(by === "the other side", () => `it was told that ${by} closed it`)
  yield* failsWith(connection.request("echo", "a"), "ConnectionClosed", "a request after the other side closed")
})

const oneLink = Effect.fnUntraced(function* (transport: Transport) {
  const handled: Array<number> = []
  const acceptor = yield* listen(transport, { note: (n) => Effect.sync(() => void handled.push(n)) })
  const { transport: address, wires } = watched(acceptor.transport)
  const lazy = yield* made(address, {}, quickly)
  yield* settled(() => wires.length, 0)
  yield* expect(wires.length === 0, () => "a link was made before its first use")
  const using = Effect.forEach(
    numbers(40),
    (n) => (n % 2 === 0 ? lazy.tell("note", n) : Effect.asVoid(lazy.request("ask", n))),
    { concurrency: "unbounded", discard: true }
  )
  yield* soon(using, () => "the first uses of a connection did not end")
  yield* expect(wires.length === 1, () => `${wires.length} links were made by 40 that used it first`)
  yield* answers(lazy.request("nothing"), undefined, "a request")
  yield* sameValues(
    numbers(40).filter((n) => n % 2 === 0),
    handled,
    "tells"
  )
})

const fallingBack = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport)
  const here = acceptor.transport
  const [gone, too] = [Memory.make(), Memory.make()]
  const connection = yield* dial(Strategy.of(gone, here))
  const state = yield* connection.state
  yield* expect(
    state._tag === "Connected" && state.transport === here.name,
    () => `it is ${state._tag}, where it was to be connected over the second of its transports`
  )
  yield* answers(connection.request("echo", "over the second"), "over the second", "a request over the second")
  const all = dial(Strategy.of(gone, too))
  const { attempts } = yield* failsWith(Effect.scoped(all), "ConnectionFailed", "connecting where nobody listens")
  yield* sameValues(
    [gone.address, too.address],
    attempts.map(({ address }) => address),
    "the addresses of its attempts"
  )
})

const nobodyThere = Effect.fnUntraced(function* (transport: Transport) {
  const gone = yield* within(listen(transport))
  yield* gone.close
  const address = gone.value.transport
  const { attempts } = yield* failsWith(Effect.scoped(dial(address)), "ConnectionFailed", "connecting to nobody")
  const [{ error }] = attempts
  yield* expect(
    error._tag === "TransportError" && error.reason === "NotListening",
    () => `connecting to nobody failed with ${error.message}`
  )
  const sends: ReadonlyArray<readonly [string, (to: ToServer) => Effect.Effect<unknown, TellError>]> = [
    ["a tell", (to) => to.tell("note", 1)],
    ["a message", (to) => to.send("a")]
  ]
  const doings: ReadonlyArray<readonly [string, (to: ToServer) => Effect.Effect<unknown, unknown>]> = [
    ...sends,
    ["a request", (to) => to.request("echo", "a", { timeout: "1 hour" })],
    ["a stream", (to) => Stream.runDrain(to.stream("count", 1))],
    ["a receive", (to) => Effect.andThen(Effect.ignore(to.tell("note", 1)), to.receive)]
  ]
  for (const [what, doing] of doings) {
    yield* failsWith(Effect.flatMap(made(address), doing), "ConnectionClosed", `${what} that connects to nobody once`)
  }
  for (const [what, doing] of sends) {
    const connection = yield* made(address, {}, { reconnect: Schedule.spaced("1 hour") })
    const first = yield* failsWith(doing(connection), "Unavailable", `${what} that connects to nobody`)
    yield* expect(first.delivery === "not sent", () => `its delivery is said to be ${first.delivery}`)
    yield* failsWith(doing(connection), "Unavailable", `${what} while the next attempt is waited for`)
    const asked = connection.request("echo", "a", { timeout: "30 millis" })
    const error = yield* failsWith(asked, "Unavailable", "a request whose deadline comes before the next attempt")
    yield* expect(error.delivery === "not sent", () => `its delivery is said to be ${error.delivery}`)
  }
})

const replaced = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const told: Array<string> = []
  const release = yield* Deferred.make<void>()
  let running = 0
  let most = 0
  const acceptor = yield* listen(transport, {
    ask: gates.pass,
    note: (n) =>
      Effect.gen(function* () {
        most = Math.max(most, ++running)
        told.push(`begins ${n}`)
        if (n === 1) yield* Deferred.await(release)
        told.push(`ends ${n}`)
      }).pipe(Effect.ensuring(Effect.sync(() => running--)))
  })
  const events = yield* acceptor.events
  const first = yield* calling(acceptor.transport, "replaced")
  yield* first.say(Kind.Request, 1, "1", "ask")
  yield* first.wire.sendAll([first.frame(Kind.Tell, 0, "1", "note"), first.frame(Kind.Tell, 0, "2", "note")])
  yield* gates.until(1)
  yield* eventually(
    Effect.sync(() => told.length),
    (length) => length === 1,
    () => "a tell was not handled"
  )
  // It comes back, and the side that listens has not noticed yet that the old link is gone.
  const second = yield* calling(acceptor.transport, "replaced")
  yield* second.say(Kind.Tell, 0, "3", "note")
  yield* gates.untilInterrupted(1)
  yield* Deferred.succeed(release, undefined)
  yield* soon(first.wire.closed, () => "the old link was not closed")
  yield* eventually(
    Effect.sync(() => told.includes("ends 3")),
    (held) => held,
    () => "a tell over the new link was not handled"
  )
  yield* sameValues(["begins 1", "begins 3", "ends 3"], told, "steps of tells")
  yield* expect(most === 1, () => "tells over the old link and the new one were handled at once")
  const connections = yield* eventually(
    acceptor.connections,
    (connections) => connections.length === 1,
    (connections) => `there are ${connections?.length} connections`
  )
  yield* second.say(Kind.Request, 5, '"there"', "echo")
  yield* second.untilSaid(Kind.Success, 1, "an answer over the new link, after the old one ended")
  yield* expect(yield* connections[0]!.isConnected, () => "the end of the old link ended the new one")
  yield* sameValues(["Connected", "Connected", "Disconnected"], happened(events).toSorted(), "events")
})

const stops = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const notes: Array<number> = []
  const acceptor = yield* listen(
    transport,
    {
      ask: gates.pass,
      note: (n) =>
        Effect.andThen(
          gates.pass(n),
          Effect.sync(() => void notes.push(n))
        )
    },
    { stopTimeout: "1 hour" }
  )
  const connection = yield* dial(acceptor.transport)
  const other = yield* dial(acceptor.transport)
  const greeted = yield* soon(acceptor.transport.connect, () => "connecting did not end")
  yield* soon(greeted.receive, () => "one that connects was not greeted")
  const admitted = yield* Effect.forkChild(connection.request("ask", 1))
  const once = yield* Effect.forkChild(other.request("ask", 2, { retry: "once-handled" }))
  yield* connection.tell("note", 3)
  yield* gates.until(3)
  const stopping = yield* Effect.forkChild(acceptor.stop)
  const refused = yield* eventually(
    Effect.result(Effect.scoped(dial(acceptor.transport))),
    (result) => result._tag === "Failure",
    () => "one that stops lets others in"
  )
  yield* expect(
    refused._tag === "Failure" && refused.failure._tag === "ConnectionFailed",
    () => "connecting to one that stops failed in another way"
  )
  const late = yield* Effect.forkChild(connection.request("echo", "too late", { timeout: "1 hour" }))
  yield* settled(() => gates.interrupted.length, 0)
  yield* expect(stopping.pollUnsafe() === undefined, () => "it did not wait for what it had admitted")
  for (const n of [1, 2, 3]) gates.open(n)
  yield* answers(Fiber.join(admitted), 1, "a request that was admitted")
  yield* answers(Fiber.join(once), 2, "a request that was admitted and may be retried")
  yield* soon(Fiber.join(stopping), () => "stop did not end, though all is answered")
  yield* sameValues([3], notes, "tells that were admitted")
  const error = yield* failsWith(Fiber.join(late), "Unavailable", "a request to one that stops")
  yield* expect(
    error.delivery === "not sent",
    () => `of a request to one that stops it was said that it is ${error.delivery}`
  )
  yield* soon(connection.closed, () => "a connection was not closed")
  yield* soon(greeted.closed, () => "a wire on which nobody was let in was not closed")
  yield* soon(acceptor.stop, () => "stopping twice is not stopping once")
})

// Who is amid meeting when it stops.
const stopsAmidMeeting = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const judging = new Gates()
  const acceptor = yield* listen(
    transport,
    { ask: gates.pass },
    {
      stopTimeout: "1 hour",
      authenticator: {
        methods: ["none"],
        authenticate: (_challenge, _claim) =>
          Effect.as(judging.pass(judging.begun.length), { identity: { account: "somebody" } })
      }
    }
  )
  judging.open(0)
  const connection = yield* dial(acceptor.transport)
  const admitted = yield* Effect.forkChild(connection.request("ask", 1))
  yield* gates.until(1)
  const meeting = yield* Effect.forkChild(Effect.result(Effect.scoped(dial(acceptor.transport))))
  yield* judging.until(2)
  const stopping = yield* Effect.forkChild(acceptor.stop, { startImmediately: true })
  judging.open(1)
  const met = yield* soon(Fiber.join(meeting), () => "one that was amid meeting when it stopped was not told")
  yield* expect(met._tag === "Failure", () => "one that was amid meeting when it stopped was let in")
  const { accepted } = yield* acceptor.stats
  yield* expect(accepted === 1, () => `${accepted} were let in, and one before it stopped`)
  gates.open(1)
  yield* answers(Fiber.join(admitted), 1, "a request that was admitted")
  yield* soon(Fiber.join(stopping), () => "stop did not end")
})

const stopsInTime = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const handlers = { ask: gates.pass, count: () => Stream.never }
  const acceptor = yield* listen(transport, handlers, { stopTimeout: "60 millis" })
  const events = yield* acceptor.events
  const connection = yield* dial(acceptor.transport)
  const endless = yield* Effect.forkChild(connection.request("ask", 1, { timeout: "1 hour" }))
  const stream = yield* Effect.forkChild(Stream.runDrain(connection.stream("count", 1)))
  yield* gates.until(1)
  yield* soon(acceptor.stop, () => "stop did not end, though its time is over")
  const failed = yield* soon(Effect.flip(Fiber.join(endless)), () => "a request that was not answered did not end")
  yield* expect(["Unavailable", "ConnectionClosed"].includes(tagOf(failed)), () => `it failed with ${tagOf(failed)}`)
  yield* soon(Effect.exit(Fiber.join(stream)), () => "a stream did not end")
  yield* expect(gates.interrupted.length === 1, () => "a handler goes on after it stopped")
  const { connections, handled } = yield* acceptor.stats
  yield* expect(
    connections === 0 && handled.running === 0,
    () => `${connections} connections are there, and ${handled.running} handlers run`
  )
  yield* sameValues(["Connected", "Disconnected"], happened(events), "events")
  const again = yield* listen(acceptor.transport)
  const next = yield* dial(again.transport)
  yield* answers(next.request("echo", "again"), "again", "a request where one was stopped")
})

const twoAcceptors = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport)
  const connection = yield* dial(acceptor.transport)
  const second = yield* Effect.result(listen(acceptor.transport))
  if (second._tag === "Success") return yield* broken("a second acceptor listens on the same address")
  const { failure } = second
  yield* expect(
    failure instanceof TransportError && failure.reason === "AddressInUse",
    () => `a second acceptor failed with ${failure.message}`
  )
  yield* answers(connection.request("echo", "on"), "on", "a request to the first")
  const other = yield* dial(acceptor.transport)
  yield* answers(other.request("echo", "on"), "on", "a request of another to the first")
})

const garbage = (size: number) =>
  Effect.gen(function* () {
    const frame = new Uint8Array(size)
    for (let at = 0; at < size; at++) frame[at] = yield* Random.nextIntBetween(0, 256)
    return frame
  })

const malformed = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport)
  const good = yield* dial(acceptor.transport)
  const bad = yield* calling(acceptor.transport)
  // Of each kind that there is: cut off, with too long a number, with a route that is longer than the frame.
  for (const kind of numbers(130)) {
    if (kind === Kind.Ping) continue
    yield* bad.wire.sendAll([
      Uint8Array.of(kind),
      Uint8Array.of(kind, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(kind, 1, 0xff, 0x7f, 65),
      Uint8Array.of(kind, 1, 3, 97, 115, 107, 0, 123)
    ])
    if (kind % 10 === 0) yield* answers(good.request("echo", "on"), "on", "a request of another client")
  }
  for (const size of numbers(300)) yield* bad.wire.send(yield* garbage(size % 40))
  yield* answers(good.request("echo", "on"), "on", "a request of another client")
  yield* bad.say(Kind.Request, 7_000_001, '"lives"', "echo")
  yield* eventually(
    Effect.sync(() => bad.packets.some(({ kind, number }) => kind === Kind.Success && number === 7_000_001)),
    (answered) => answered,
    () => "the connection that sent them was not answered any more"
  )
  const { dropped } = yield* acceptor.stats
  yield* expect(dropped.unknown > 300, () => `${dropped.unknown} frames were counted as not understood`)
})

const unknownKinds = Effect.fnUntraced(function* (transport: Transport) {
  let handled = 0
  const acceptor = yield* listen(transport, {
    ask: (n) => Effect.sync(() => (handled++, n)),
    note: () => Effect.sync(() => void handled++)
  })
  const caller = yield* calling(acceptor.transport)
  const kinds = [0, 22, 23, 63, 100, 127, 0x80, 0x96, 0xff]
  const known = caller.frame(Kind.Request, 1, "1", "ask")
  for (const kind of kinds) {
    const frame = known.slice()
    frame[0] = kind
    yield* caller.wire.send(frame)
  }
  yield* caller.wire.send(new Uint8Array(0))
  // Those of meeting have no place here.
  for (const kind of [Kind.Greeting, Kind.Hello, Kind.Welcome, Kind.Refusal]) yield* caller.say(kind, 0, "{}")
  yield* caller.say(Kind.Request, 2, "1", "ask")
  yield* caller.untilSaid(Kind.Success, 1, "the answer of what is known")
  const { dropped } = yield* acceptor.stats
  const due = kinds.length + 5
  yield* expect(dropped.unknown === due, () => `${dropped.unknown} were counted of ${due} that nobody knows`)
  yield* expect(handled === 1, () => `${handled} were handled, of one that is known`)
  yield* expect(
    caller.packets.length === 1,
    () => `${caller.packets.length} packets came back, where one answer was due`
  )
})

const strangers = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport)
  const good = yield* dial(acceptor.transport)
  const count = 12
  for (const n of numbers(count)) {
    const wire = yield* soon(acceptor.transport.connect, () => "connecting did not end")
    yield* Effect.ignore(wire.send(n === 0 ? new Uint8Array(0) : yield* garbage(n * 20)))
    const { by } = yield* soon(wire.closed, () => "one that speaks something else was not sent away")
    yield* expect(by === "the other side", () => `it was told that ${by} closed the wire`)
  }
  yield* eventually(
    acceptor.stats,
    ({ refused }) => refused.other === count,
    (stats) => `${stats?.refused.other} were counted of ${count} that speak something else`
  )
  const { accepted } = yield* acceptor.stats
  yield* expect(accepted === 1, () => `${accepted} were let in of 1`)
  yield* answers(good.request("echo", "on"), "on", "a request of another client")
})

const oversized = Effect.fnUntraced(function* (transport: Transport, { withMaxFrame }: Tested) {
  if (withMaxFrame === undefined) return
  const acceptor = yield* listen(transport)
  const events = yield* acceptor.events
  const good = yield* dial(acceptor.transport)
  const { maxFrame } = yield* soon(Effect.scoped(acceptor.transport.connect), () => "connecting did not end")
  const larger = withMaxFrame(acceptor.transport, maxFrame + 1000)
  const bad = yield* dial(larger)
  const error = yield* soon(
    Effect.flip(bad.request("bytes", new Uint8Array(maxFrame + 100))),
    () => "a request with too large a frame did not end"
  )
  yield* expect(error._tag === "Unavailable", () => `it failed with ${error._tag}`)
  yield* soon(bad.closed, () => "the connection of one that breaks the limit was not closed")
  yield* answers(good.request("echo", "on"), "on", "a request of another client")
  const why = yield* soon(
    Effect.gen(function* () {
      while (true) {
        const event = events.pollUnsafe()
        if (event === undefined) yield* Effect.sleep("2 millis")
        else if (Exit.isSuccess(event) && event.value._tag === "Disconnected") return event.value.error
      }
    }),
    () => "nobody was told that the connection is closed"
  )
  yield* expect(
    why.by === "this side" && why.detail.includes(`${maxFrame}`),
    () => `the side that closed it says: ${why.message}`
  )
})

/** All of them. */
export const links: ReadonlyArray<Guarantee> = [
  {
    id: "K9 I5 K30",
    name: "a lost link ends what is pending over it, typed, and another is made",
    needs: "lose",
    run: lostWithPending
  },
  {
    id: "K32 I2",
    name: "a silent client is given up after its heartbeats, once, and no other with it",
    run: silentClient
  },
  {
    id: "K32 I2",
    name: "a silent server is given up after its heartbeats, and what is pending ends",
    run: silentServer
  },
  { id: "I3", name: "whatever comes in counts as a sign of life", run: anythingCounts },
  { id: "K34 I5", name: "a connection that was closed ends everything, and stays closed", run: closedStays },
  { id: "K34", name: "a close of the side that listens is told to the other as what it is", run: closedThere },
  { id: "K39", name: "where the first of several transports leads nowhere, the next one is taken", run: fallingBack },
  { id: "K8", name: "what connects to nobody fails, typed, and in time", run: nobodyThere },
  { id: "K35", name: "a new link takes the place of the old one, whose end changes nothing", run: replaced },
  { id: "K36", name: "many who use a connection first make one link", run: oneLink },
  { id: "K15", name: "frames of no known kind are dropped and counted", run: unknownKinds },
  { id: "K38", name: "malformed frames harm nobody, and are counted", run: malformed },
  { id: "K38", name: "who speaks something else is not let in, and sent away", run: strangers },
  {
    id: "K38",
    name: "who sends too large a frame is disconnected, and no other with it",
    needs: "withMaxFrame",
    run: oversized
  },
  { id: "K46", name: "a second acceptor on an address is AddressInUse, and the first goes on", run: twoAcceptors },
  { id: "K48", name: "who stops answers what was admitted, lets nobody in, and closes everything", run: stops },
  { id: "K48", name: "who is amid meeting one that stops is not let in", run: stopsAmidMeeting },
  { id: "K48", name: "who stops waits no longer than its time", run: stopsInTime }
]
