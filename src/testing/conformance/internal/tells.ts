/**
 * What is promised about tells, pushes, and messages beside all routes: in order, exactly, and no faster than they are taken.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { MessageWindow, TellWindow } from "../../../net/internal/session/windows.ts"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee } from "./guarantee.ts"
import { broken, eventually, expect, settled, soon } from "./keeping.ts"
import { answers, dial, failsWith, Gates, listen, numbers, otherOf, sameValues, talk } from "./talk.ts"
import { same } from "./wires.ts"

const oneEffect = Effect.fnUntraced(function* (transport: Transport) {
  const handled: Array<number> = []
  const { acceptor, connection } = yield* talk(transport, {
    note: (n) =>
      Effect.suspend(() => {
        handled.push(n)
        if (n === 2) return Effect.die("a fault of a handler")
        return n === 3 ? Effect.interrupt : Effect.void
      })
  })
  for (const n of [1, 2, 3, 4]) yield* connection.tell("note", n)
  yield* answers(connection.request("nothing"), undefined, "a request behind tells")
  yield* eventually(
    Effect.sync(() => handled.length),
    (length) => length >= 4,
    (length) => `of 4 tells ${length} were handled`
  )
  yield* sameValues([1, 2, 3, 4], handled, "tells")
  const stats = yield* connection.stats
  yield* expect(
    stats.messagesIn === 1 && stats.dropped.late === 0 && stats.dropped.unknown === 0,
    () => `${stats.messagesIn} messages came back, where the reply of the only request was due`
  )
  const { handled: counted } = yield* acceptor.stats
  yield* expect(
    counted.succeeded === 3 && counted.failed === 2,
    () => `${counted.succeeded} successes were counted of 3, and ${counted.failed} failures of 2`
  )
})

const inOrder = Effect.fnUntraced(function* (transport: Transport) {
  const handled: Array<number> = []
  let running = 0
  let most = 0
  const { connection } = yield* talk(transport, {
    note: (n) =>
      Effect.gen(function* () {
        most = Math.max(most, ++running)
        for (let turn = 0; turn < n % 3; turn++) yield* Effect.yieldNow
        handled.push(n)
        running--
      })
  })
  const count = 2000
  yield* soon(
    Effect.forEach(numbers(count), (n) => connection.tell("note", n), { discard: true }),
    () => "a tell did not end, though tells are handled"
  )
  yield* eventually(
    Effect.sync(() => handled.length),
    (length) => length >= count,
    (length) => `of ${count} tells ${length} were handled`
  )
  yield* sameValues(numbers(count), handled, "tells")
  yield* expect(most === 1, () => `${most} tells were handled at once`)
})

const tellsWait = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const handled: Array<number> = []
  const { connection } = yield* talk(transport, {
    note: (n) =>
      Effect.andThen(
        n === 0 ? gates.pass(0) : Effect.void,
        Effect.sync(() => void handled.push(n))
      )
  })
  const count = 5000
  let sent = 0
  const telling = yield* Effect.forkChild(
    Effect.forEach(numbers(count), (n) => Effect.tap(connection.tell("note", n), () => Effect.sync(() => sent++)), {
      discard: true
    })
  )
  yield* gates.until(1)
  const ahead = yield* settled(() => sent, TellWindow)
  yield* expect(
    ahead === TellWindow,
    () => `${ahead} tells were sent to a side that handles none: ${TellWindow} were due`
  )
  // One that waits and is interrupted is not sent.
  const interrupted = yield* Effect.forkChild(connection.tell("note", -1), { startImmediately: true })
  yield* soon(Fiber.interrupt(interrupted), () => "a tell that waits could not be interrupted")
  yield* answers(connection.request("echo", "beside"), "beside", "a request beside tells that wait")
  gates.open(0)
  yield* soon(Fiber.join(telling), () => `of ${count} tells ${sent} were sent once they were handled again`)
  yield* eventually(
    Effect.sync(() => handled.length),
    (length) => length >= count,
    (length) => `of ${count} tells ${length} were handled`
  )
  yield* sameValues(numbers(count), handled, "tells")
})

const messagesWait = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  for (const [from, to] of [
    [connection, other],
    [other, connection]
  ] as const) {
    const count = 2000
    let sent = 0
    const sending = yield* Effect.forkChild(
      Effect.forEach(numbers(count), (n) => Effect.tap(from.send(`${n}`), () => Effect.sync(() => sent++)), {
        discard: true
      })
    )
    const ahead = yield* settled(() => sent, MessageWindow)
    yield* expect(
      ahead === MessageWindow,
      () => `${ahead} messages were sent to a side that receives none: ${MessageWindow} were due`
    )
    yield* answers(connection.request("echo", "beside"), "beside", "a request beside messages that wait")
    yield* connection.tell("note", 1)
    const received: Array<number> = []
    const receiving = Effect.forEach(numbers(count), () =>
      Effect.map(to.receive, (message) => void received.push(Number(message)))
    )
    yield* soon(receiving, () => `of ${count} messages ${received.length} were received`)
    yield* soon(Fiber.join(sending), () => `of ${count} messages ${sent} were sent, and all were received`)
    yield* sameValues(numbers(count), received, "messages")
  }
})

const anyBytes = (size: number) =>
  Effect.map(Random.nextIntBetween(0, 256), (first) => Uint8Array.from({ length: size }, (_, at) => first + at * 89))

const texts = [
  "",
  " ",
  "\0",
  "null",
  '"quoted"',
  "\\u0041",
  "\r\n",
  "\uFEFFa mark at the beginning",
  "a mark \uFEFF within",
  "\u2028\u2029",
  "Grüße, 你好, 🙂, é",
  "🏳️‍🌈".repeat(500),
  "\uFFFD",
  "x".repeat(5000)
]

const exactly = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  const every = Uint8Array.from({ length: 256 }, (_, at) => at)
  const random = yield* Effect.forEach([0, 1, 2, 3, 127, 128, 1000, 16_384, 20_000], anyBytes)
  for (const [from, to] of [
    [connection, other],
    [other, connection]
  ] as const) {
    for (const bytes of [every, ...random]) {
      yield* from.send(bytes)
      const received = yield* soon(to.receive, () => "a message did not arrive")
      if (typeof received === "string") return yield* broken("bytes were received as a text")
      yield* same([bytes], [received])
    }
    for (const text of texts) {
      yield* from.send(text)
      yield* answers(to.receive, text, "a receive")
    }
  }
  for (const bytes of [every, ...random]) yield* same([bytes], [yield* connection.request("bytes", bytes)])
  for (const text of texts) yield* answers(connection.request("echo", text), text, "a request with a text")
  // What its sender changes afterwards, and its receiver, is theirs alone.
  const mine = Uint8Array.of(1, 2, 3)
  yield* connection.send(mine)
  mine[0] = 9
  yield* answers(
    Effect.map(other.receive, (bytes) => [...bytes]),
    [1, 2, 3] as Array<number | string>,
    "a receive"
  )
})

const halves = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  for (const half of ["\uD800", "a\uDC00b", "\uDE42\uD83D"]) {
    yield* failsWith(connection.send(half), "InvalidMessage", "a text with half a character")
    yield* answers(connection.request("echo", half), half, "a request with half a character")
  }
  yield* connection.send("whole")
  yield* answers(other.receive, "whole", "a receive")
})

const mixed = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  const sent = numbers(200).map((n) => (n % 3 === 0 ? `${n}` : Uint8Array.of(n, n)))
  yield* Effect.forkChild(Effect.forEach(sent, (message) => connection.send(message)))
  for (const [at, message] of sent.entries()) {
    const received = yield* soon(other.receive, () => `message ${at} did not arrive`)
    if (typeof message !== "string" && typeof received !== "string") yield* same([message], [received])
    else yield* expect(message === received, () => `message ${at} was sent as ${message}, and received as ${received}`)
  }
  // A receive that is interrupted has taken nothing.
  const receiving = yield* Effect.forkChild(other.receive, { startImmediately: true })
  yield* soon(Fiber.interrupt(receiving), () => "a receive that waits could not be interrupted")
  yield* connection.send("last")
  yield* answers(other.receive, "last", "a receive after an interrupted one")
})

const pushes = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport)
  const clients = yield* Effect.forEach(numbers(6), () =>
    Effect.gen(function* () {
      const got: Array<number> = []
      const connection = yield* dial(acceptor.transport, { pushed: (n) => Effect.sync(() => void got.push(n)) })
      return { connection, got, other: yield* otherOf(acceptor, connection) }
    })
  )
  const count = 100
  for (const n of numbers(count)) {
    yield* clients[0]!.other.tell("pushed", n)
    for (const { other } of clients.slice(1, 4)) yield* other.tell("pushed", 1000 + n)
    for (const one of yield* acceptor.connections) yield* one.tell("pushed", 2000 + n)
  }
  const due = (at: number) =>
    numbers(count).flatMap((n) => (at === 0 ? [n, 2000 + n] : at < 4 ? [1000 + n, 2000 + n] : [2000 + n]))
  for (const [at, { got }] of clients.entries()) {
    yield* eventually(
      Effect.sync(() => got.length),
      (length) => length >= due(at).length,
      (length) => `of ${due(at).length} pushes to client ${at} ${length} came`
    )
  }
  for (const [at, { connection, got, other }] of clients.entries()) {
    yield* soon(other.request("called", 1), () => "a request behind pushes did not end")
    yield* sameValues(due(at), got, `pushes to client ${at}`)
    yield* expect(connection.id === other.id, () => "a connection has two ids")
  }
})

const fromHandler = Effect.fnUntraced(function* (transport: Transport) {
  const told = yield* Deferred.make<number>()
  const { connection } = yield* talk(
    transport,
    { note: (n, client) => Effect.orDie(client.tell("pushed", n + 1)) },
    { pushed: (n) => Effect.asVoid(Deferred.succeed(told, n)) }
  )
  yield* connection.tell("note", 1)
  yield* answers(Deferred.await(told), 2, "a push in answer to a tell")
})

/** All of them. */
export const tells: ReadonlyArray<Guarantee> = [
  { id: "K14", name: "a tell is handled once and not answered, whatever becomes of it", run: oneEffect },
  { id: "K14", name: "tells are handled one after the other, in the order in which they were sent", run: inOrder },
  { id: "I12", name: "tells wait for a side that does not handle them, and requests do not", run: tellsWait },
  { id: "I12", name: "messages wait for a side that does not receive them, and all else does not", run: messagesWait },
  { id: "K45", name: "bytes arrive as bytes and texts as texts, exactly", run: exactly },
  { id: "K45", name: "a text that can't be sent exactly is refused", run: halves },
  { id: "K45", name: "messages arrive in order, whatever they are", run: mixed },
  { id: "K47", name: "a push to one, to some, and to all is received by those alone, in order", run: pushes },
  { id: "K47", name: "the handler of a tell can push to whoever told", run: fromHandler }
]
