/**
 * What is promised about an acceptor that stops: what it has admitted is answered, nobody else is let in, and all is closed.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee } from "./guarantee.ts"
import { eventually, expect, settled, soon } from "./keeping.ts"
import { answers, dial, failsWith, Gates, happened, listen, sameValues, tagOf } from "./talk.ts"

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

/** All of them. */
export const stopping: ReadonlyArray<Guarantee> = [
  { id: "K48", name: "who stops answers what was admitted, lets nobody in, and closes everything", run: stops },
  { id: "K48", name: "who is amid meeting one that stops is not let in", run: stopsAmidMeeting },
  { id: "K48", name: "who stops waits no longer than its time", run: stopsInTime }
]
