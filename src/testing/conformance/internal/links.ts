/**
 * What is promised about links: they come, go, are lost, and are closed, and everything that went over them has an end.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Acceptor from "../../../net/Acceptor.ts"
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
  happened,
  listen,
  made,
  numbers,
  otherOf,
  sameValues,
  talk,
  type ToServer,
  watched,
  within
} from "./talk.ts"

const quickly = { reconnect: Schedule.spaced("5 millis") }

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

const oneHeartbeat = Effect.fnUntraced(function* (transport: Transport, { lose }: Tested) {
  if (lose === undefined) return
  const { next, transport: address } = yield* called(transport)
  const { transport: dialed, wires } = watched(address)
  yield* dial(dialed, {}, { heartbeat: { interval: "40 millis", misses: 1_000_000 }, ...quickly })
  let server = yield* next
  let before = 0
  for (const lost of numbers(4)) {
    yield* server.untilSaid(Kind.Ping, 1, "a heartbeat")
    before = yield* Clock.currentTimeMillis
    yield* lose(wires[lost]!)
    server = yield* next
  }
  yield* server.untilSaid(Kind.Ping, 8, "heartbeats after four lost links")
  const pings = server.said(Kind.Ping).length
  const most = 1 + ((yield* Clock.currentTimeMillis) - before) / 40
  yield* expect(pings <= most, () => `${pings} came in the time of ${Math.floor(most)}`)
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
  { id: "K33", name: "after lost links one heartbeat runs", needs: "lose", run: oneHeartbeat },
  { id: "I3", name: "whatever comes in counts as a sign of life", run: anythingCounts },
  { id: "K34 I5", name: "a connection that was closed ends everything, and stays closed", run: closedStays },
  { id: "K34", name: "a close of the side that listens is told to the other as what it is", run: closedThere },
  { id: "K39", name: "where the first of several transports leads nowhere, the next one is taken", run: fallingBack },
  { id: "K8", name: "what connects to nobody fails, typed, and in time", run: nobodyThere },
  { id: "K35", name: "a new link takes the place of the old one, whose end changes nothing", run: replaced },
  { id: "K36", name: "many who use a connection first make one link", run: oneLink },
  { id: "K46", name: "a second acceptor on an address is AddressInUse, and the first goes on", run: twoAcceptors }
]
