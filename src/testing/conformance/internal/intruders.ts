/**
 * What is promised about those who speak otherwise than they should: they harm nobody, and are counted or sent away.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee, Tested } from "./guarantee.ts"
import { eventually, expect, soon } from "./keeping.ts"
import { calling, Kind } from "./raw.ts"
import { answers, dial, listen, numbers } from "./talk.ts"

const garbage = (size: number) =>
  Effect.gen(function* () {
    const frame = new Uint8Array(size)
    for (let at = 0; at < size; at++) frame[at] = yield* Random.nextIntBetween(0, 256)
    return frame
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
export const intruders: ReadonlyArray<Guarantee> = [
  { id: "K15", name: "frames of no known kind are dropped and counted", run: unknownKinds },
  { id: "K38", name: "malformed frames harm nobody, and are counted", run: malformed },
  { id: "K38", name: "who speaks something else is not let in, and sent away", run: strangers },
  {
    id: "K38",
    name: "who sends too large a frame is disconnected, and no other with it",
    needs: "withMaxFrame",
    run: oversized
  }
]
