/**
 * What is promised about requests that may be retried: the other side handles each once.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { Flag } from "../../../net/internal/session/packet.ts"
import type { Transport } from "../../../net/Transport.ts"
import type { Guarantee, Tested } from "./guarantee.ts"
import { eventually, expect, settled, soon } from "./keeping.ts"
import { bodyOf, calling, Kind } from "./raw.ts"
import { answers, dial, Gates, listen, numbers, watched } from "./talk.ts"

const once = { retry: "once-handled", timeout: "30 seconds" } as const
const quickly = { reconnect: Schedule.spaced("5 millis") }

const ask = (n: number, flags: number = Flag.Once) => [JSON.stringify(n), "ask", flags] as const

// What is sent again though it arrived, as by somebody who was told that it did not.
const sentAgain = Effect.fnUntraced(function* (transport: Transport) {
  const handled: Array<number> = []
  const acceptor = yield* listen(transport, { ask: (n) => Effect.sync(() => handled.push(n)) })
  const first = yield* calling(acceptor.transport, "retries")
  yield* first.say(Kind.Request, 1, ...ask(10))
  yield* first.untilSaid(Kind.Success, 1, "the answer of a request")
  yield* first.say(Kind.Request, 1, ...ask(10))
  yield* first.untilSaid(Kind.Success, 2, "the answer of a request that came again")
  // Over a new link of the same connection.
  const second = yield* calling(acceptor.transport, "retries")
  yield* second.say(Kind.Request, 1, ...ask(10))
  const [again] = yield* second.untilSaid(Kind.Success, 1, "the answer of a request that came again over a new link")
  yield* expect(bodyOf(again!) === "1", () => `it was answered ${bodyOf(again!)}`)
  yield* expect(handled.length === 1, () => `it was handled ${handled.length} times`)
  const { dropped } = yield* acceptor.stats
  yield* expect(dropped.duplicates === 2, () => `${dropped.duplicates} duplicates were counted of 2`)
  // Whoever has the answer needs it no more, and the number is free.
  yield* second.say(Kind.Settled, 1)
  yield* second.say(Kind.Request, 1, ...ask(11))
  const [, other] = yield* second.untilSaid(Kind.Success, 2, "the answer of another request")
  yield* expect(bodyOf(other!) === "2", () => `what was settled was answered again, with ${bodyOf(other!)}`)
})

const joins = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass })
  const first = yield* calling(acceptor.transport, "joins")
  yield* first.wire.sendAll([first.frame(Kind.Request, 1, ...ask(1)), first.frame(Kind.Request, 1, ...ask(1))])
  yield* gates.until(1)
  const second = yield* calling(acceptor.transport, "joins")
  yield* second.say(Kind.Request, 1, ...ask(1))
  yield* eventually(
    acceptor.stats,
    ({ dropped }) => dropped.duplicates === 2,
    (stats) => `${stats?.dropped.duplicates} duplicates were counted of 2`
  )
  yield* expect(gates.begun.length === 1, () => `its handler runs ${gates.begun.length} times`)
  gates.open(1)
  const [answer] = yield* second.untilSaid(Kind.Success, 1, "the answer, over the link that it was asked over last")
  yield* expect(bodyOf(answer!) === "1", () => `it was answered ${bodyOf(answer!)}`)
  yield* settled(() => second.packets.length, 1)
  const answered = second.said(Kind.Success).length
  yield* expect(answered === 1 && gates.begun.length === 1, () => `it was answered ${answered} times`)
  yield* expect(gates.interrupted.length === 0, () => "its handler was interrupted with the link")
})

const notOnce = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass })
  const caller = yield* calling(acceptor.transport)
  const frame = caller.frame(Kind.Request, 1, ...ask(1, 0))
  yield* caller.wire.sendAll([frame, frame])
  yield* gates.until(1)
  yield* caller.wire.send(frame)
  yield* settled(() => gates.begun.length, 1)
  yield* expect(gates.begun.length === 1, () => `the handler of one number runs ${gates.begun.length} times at once`)
  gates.open(1)
  yield* caller.untilSaid(Kind.Success, 1, "the answer of a request")
})

const callersApart = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass })
  const callers = yield* Effect.forEach(numbers(5), () => calling(acceptor.transport))
  for (const [at, caller] of callers.entries()) {
    yield* caller.say(Kind.Request, 1, ...ask(at * 10))
    yield* caller.say(Kind.Request, 2, ...ask(at * 10 + 1, 0))
  }
  yield* gates.until(10)
  for (const n of numbers(50).toReversed()) gates.open(n)
  for (const [at, caller] of callers.entries()) {
    const said = yield* caller.untilSaid(Kind.Success, 2, "the answers of a caller")
    for (const packet of said) {
      const due = at * 10 + packet.number - 1
      yield* expect(bodyOf(packet) === `${due}`, () => `caller ${at} was answered ${bodyOf(packet)} in place of ${due}`)
    }
    yield* expect(said.length === 2, () => `a caller of 2 requests got ${said.length} answers`)
  }
})

const overLinks = Effect.fnUntraced(function* (transport: Transport, { lose }: Tested) {
  if (lose === undefined) return
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass })
  const { transport: address, wires } = watched(acceptor.transport)
  const connection = yield* dial(address, {}, quickly)
  const asking = yield* Effect.forkChild(connection.request("ask", 7, once))
  yield* gates.until(1)
  for (const links of [1, 2, 3]) {
    yield* lose(wires.at(-1)!)
    yield* eventually(
      acceptor.stats,
      ({ dropped }) => dropped.duplicates === links,
      () => "a request that is retried was not asked again over a new link"
    )
  }
  gates.open(7)
  yield* answers(Fiber.join(asking), 7, "a request whose link was lost three times")
  yield* expect(gates.begun.length === 1, () => `it was handled ${gates.begun.length} times`)
  const { reconnects } = yield* connection.stats
  yield* expect(reconnects === 3, () => `${reconnects} reconnects were counted of 3`)
  yield* eventually(
    acceptor.stats,
    ({ handled }) => handled.succeeded === 1 && handled.failed === 0 && handled.running === 0,
    (stats) => `the acceptor has counted ${JSON.stringify(stats?.handled)} where one was handled`
  )
})

const resumes = Effect.fnUntraced(function* (transport: Transport, { lose }: Tested) {
  if (lose === undefined) return
  const handled: Array<number> = []
  const acceptor = yield* listen(transport, {
    ask: (n) =>
      Effect.gen(function* () {
        for (let turn = 0; turn < n % 5; turn++) yield* Effect.yieldNow
        handled.push(n)
        return n
      })
  })
  const { transport: address, wires } = watched(acceptor.transport)
  const connection = yield* dial(address, {}, quickly)
  const count = 300
  const asking = yield* Effect.forkChild(
    Effect.forEach(
      numbers(count),
      (n) =>
        Effect.andThen(
          Effect.suspend(() => (n % 60 === 30 ? lose(wires.at(-1)!) : Effect.void)),
          connection.request("ask", n, once)
        ),
      { concurrency: 8 }
    )
  )
  yield* answers(Fiber.join(asking), numbers(count), "300 requests over links that are lost")
  yield* expect(
    handled.length === count && new Set(handled).size === count,
    () => `${count} requests were handled ${handled.length} times, and ${new Set(handled).size} of them at all`
  )
  const { reconnects } = yield* connection.stats
  yield* expect(reconnects > 0, () => "no link was lost")
  // Nothing is kept of what was answered.
  yield* soon(connection.close, () => "close did not end")
})

/** All of them. */
export const retries: ReadonlyArray<Guarantee> = [
  { id: "K16", name: "a request that is sent again though it arrived is handled once", run: sentAgain },
  { id: "K17", name: "a request that comes again while it is handled joins the result", run: joins },
  { id: "K17", name: "a number that is in use is not handled anew", run: notOnce },
  { id: "K18", name: "callers that use the same numbers see their own replies alone", run: callersApart },
  {
    id: "K16 K17",
    name: "a request that is retried over one link after the other is handled once, and counted once",
    needs: "lose",
    run: overLinks
  },
  {
    id: "I10",
    name: "after a link was lost, requests that are retried go on without a gap or a duplicate",
    needs: "lose",
    run: resumes
  }
]
