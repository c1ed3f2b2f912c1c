/**
 * What is promised about frames: whole, once, in order, of any bytes, and no faster than the other side takes them.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { FrameTooLarge } from "../../../net/TransportError.ts"
import type { Transport, Wire } from "../../../net/Transport.ts"
import type { Able, Guarantee } from "./guarantee.ts"
import { broken, expect, settled, soon } from "./keeping.ts"
import { ends, large, numbered, numberOf, opened, pair, same, some, take, takeAll } from "./wires.ts"

const mebibyte = 1024 * 1024

const crossing = (frames: (wire: Wire) => ReadonlyArray<Uint8Array>) =>
  Effect.fnUntraced(function* (transport: Transport) {
    const { client, server } = yield* pair(transport)
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      const sent = frames(from)
      const sending = yield* Effect.forkChild(Effect.forEach(sent, from.send))
      yield* same(sent, yield* take(to, sent.length))
      yield* soon(Fiber.join(sending), () => "a send did not end, though its frame was taken")
    }
  })

const refused = (wire: Wire, sending: Effect.Effect<void, unknown>, bytes: number) =>
  Effect.gen(function* () {
    const result = yield* soon(Effect.result(sending), () => "sending a frame that is too large did not end")
    if (result._tag === "Success") return yield* broken("it was sent")
    const { failure } = result
    if (!(failure instanceof FrameTooLarge)) return yield* broken(`sending it failed with ${String(failure)}`)
    const right = failure.direction === "out" && failure.bytes === bytes && failure.limit === wire.maxFrame
    yield* expect(right, () => `of ${bytes} bytes, with ${wire.maxFrame} allowed, the error says: ${failure.message}`)
  })

const tooLargeOut = Effect.fnUntraced(function* (transport: Transport) {
  const { client, server } = yield* pair(transport)
  const oversized = new Uint8Array(client.maxFrame + 1)
  yield* refused(client, client.send(oversized), oversized.length)
  yield* client.send(numbered(1, 10))
  yield* refused(client, client.sendAll([numbered(7, 10), oversized, numbered(8, 10)]), oversized.length)
  yield* client.send(numbered(2, 10))
  yield* same([numbered(1, 10), numbered(2, 10)], yield* take(server, 2))
})

const tooLargeIn = Effect.fnUntraced(function* (transport: Transport, { withMaxFrame }: Able) {
  const { client: other, listening, next, server } = yield* pair(transport)
  if (withMaxFrame === undefined) return
  const bytes = server.maxFrame + 1
  const careless = yield* withMaxFrame(listening.transport, bytes).connect
  const reader = yield* next
  yield* Effect.forkChild(Effect.ignore(careless.send(new Uint8Array(bytes))))
  const told = yield* soon(Effect.result(reader.receive), () => "a receive of the frame did not end")
  if (told._tag === "Success") return yield* broken("the frame was received")
  const { failure } = told
  const isTold = failure instanceof FrameTooLarge && failure.direction === "in" && failure.bytes > failure.limit
  yield* expect(
    isTold && failure.limit === server.maxFrame,
    () => `of ${bytes} bytes that came, with ${server.maxFrame} allowed, its reader was told: ${failure.message}`
  )
  yield* ends(reader, "this side", "the side whose limit was broken")
  const closed = yield* soon(careless.closed, () => "the wire of the peer that broke the limit was not closed")
  yield* expect(closed.by !== "this side", () => "the wire was closed by the peer that broke the limit, itself")
  yield* other.send(numbered(3, 10))
  yield* same([numbered(3, 10)], yield* take(server, 1))
})

const lists = Effect.fnUntraced(function* (transport: Transport) {
  const { client, server } = yield* pair(transport)
  const sent = Array.from({ length: 300 }, (_, at) => numbered(at, (at * 37) % 900))
  const sending = yield* Effect.forkChild(
    Effect.gen(function* () {
      yield* client.sendAll(some(sent.slice(0, 1)))
      yield* client.sendAll(some(sent.slice(1, 100)))
      yield* client.send(sent[100]!)
      yield* client.sendAll(some(sent.slice(101)))
    })
  )
  yield* same(sent, yield* take(server, sent.length))
  yield* Fiber.join(sending)
})

const severalSenders = Effect.fnUntraced(function* (transport: Transport) {
  const { client, server } = yield* pair(transport)
  const senders = 8
  const each = 60
  const size = large(client)
  const sending = yield* Effect.forkChild(
    Effect.forEach(
      Array.from({ length: senders }, (_, sender) => sender),
      (sender) =>
        Effect.forEach(
          Array.from({ length: each }, (_, at) => at),
          (at) => client.send(numbered(sender * each + at, at % 3 === 0 ? size : at))
        ),
      { concurrency: "unbounded" }
    )
  )
  const received = yield* take(server, senders * each)
  const last = new Array<number>(senders).fill(-1)
  for (const [at, frame] of received.entries()) {
    const number = numberOf(frame)
    if (number === undefined) return yield* broken(`frame ${at} that arrived is none that was sent`)
    const sender = Math.floor(number / each)
    const due = (last[sender] ?? 0) + 1
    yield* expect(number % each === due, () => `sender ${sender}'s frame ${number % each} came where ${due} was due`)
    last[sender] = due
  }
  yield* Fiber.join(sending)
})

const echo = Effect.fnUntraced(function* (transport: Transport) {
  const count = 10_000
  const { client, server } = yield* pair(transport)
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.flatMap(server.receive, server.sendAll))))
  const sent: Array<Uint8Array> = []
  for (let at = 0; at < count; at++) {
    const limit = Math.min(at % 100 === 0 ? 20_000 : 300, client.maxFrame)
    const frame = new Uint8Array(yield* Random.nextIntBetween(0, limit + 1))
    const seed = yield* Random.nextIntBetween(0, 256)
    for (let byte = 0; byte < frame.length; byte++) frame[byte] = seed + byte * 11
    sent.push(frame)
  }
  const sending = yield* Effect.forkChild(Effect.forEach(sent, client.send, { discard: true }))
  yield* same(sent, yield* take(client, count))
  yield* Fiber.join(sending)
})

const slowReader = Effect.fnUntraced(function* (transport: Transport, { underway = 16 * mebibyte }: Able) {
  const { client, server } = yield* pair(transport)
  const size = large(client)
  const most = Math.ceil(underway / size)
  const total = most + Math.max(100, Math.ceil(most / 4))
  let sent = 0
  const sending = yield* Effect.forkChild(
    Effect.forEach(
      Array.from({ length: total }, (_, at) => at),
      (at) => Effect.tap(client.send(numbered(at, size)), () => Effect.sync(() => void sent++)),
      { discard: true }
    )
  )
  const accepted = yield* settled(() => sent, most)
  const limit = `${underway} bytes may be underway`
  yield* expect(
    accepted <= most,
    () => `${accepted} frames of ${size} bytes were sent to a side that took none; ${limit}`
  )
  const received = yield* take(server, total)
  const numbers = received.map(numberOf)
  const wrong = numbers.findIndex((number, at) => number !== at)
  yield* expect(wrong < 0, () => `frame ${String(numbers[wrong])} came where ${wrong} was due, after the wait`)
  yield* expect(numbers.length === total, () => `${numbers.length} frames arrived of ${total} that were sent`)
  yield* soon(Fiber.join(sending), () => "a sender that waited did not go on when the other side took")
})

const bothSlow = Effect.fnUntraced(function* (transport: Transport, { underway = 16 * mebibyte }: Able) {
  const { client, server } = yield* pair(transport)
  const size = large(client)
  const total = Math.ceil(underway / size) + 100
  // The one direction is full: the other is not to wait for it.
  const filling = yield* Effect.forkChild(Effect.forever(client.send(numbered(0, size))))
  yield* settled(() => 0, 1)
  const sending = yield* Effect.forkChild(
    Effect.forEach(
      Array.from({ length: total }, (_, at) => at),
      (at) => server.send(numbered(at, size)),
      { discard: true }
    )
  )
  const received = yield* take(client, total)
  yield* expect(
    received.every((frame, at) => numberOf(frame) === at),
    () => "the frames were not those that were sent"
  )
  yield* Fiber.join(sending)
  yield* Fiber.interrupt(filling)
})

const interruptedReceive = Effect.fnUntraced(function* (transport: Transport) {
  const { client, server } = yield* pair(transport)
  const count = 1000
  const waiting = yield* Effect.forkChild(server.receive)
  yield* Effect.yieldNow
  yield* soon(Fiber.interrupt(waiting), () => "a receive that waited could not be interrupted")
  const sending = yield* Effect.forkChild(
    Effect.forEach(
      Array.from({ length: count }, (_, at) => at),
      (at) => Effect.andThen(client.send(numbered(at, 20)), at % 7 === 0 ? Effect.sleep("1 millis") : Effect.yieldNow)
    )
  )
  const received: Array<Uint8Array> = []
  const taking = Effect.gen(function* () {
    while (received.length < count) {
      const fiber = yield* Effect.forkChild(server.receive, { startImmediately: true })
      const turns = yield* Random.nextIntBetween(0, 4)
      for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      if (exit._tag === "Success") received.push(...exit.value)
      else yield* Effect.sleep("1 millis")
    }
  })
  yield* soon(taking, () => `after interrupted receives ${received.length} of ${count} frames were there to be taken`)
  yield* same(
    Array.from({ length: count }, (_, at) => numbered(at, 20)),
    received
  )
  yield* Fiber.join(sending)
})

const interruptedSend = Effect.fnUntraced(function* (transport: Transport) {
  const { client, server } = yield* pair(transport)
  const size = large(client)
  const done: Array<number> = []
  let next = 0
  const filling = Effect.forever(
    Effect.suspend(() => {
      const number = next++
      return Effect.tap(client.send(numbered(number, size)), () => Effect.sync(() => void done.push(number)))
    })
  )
  for (let round = 0; round < 4; round++) {
    const sending = yield* Effect.forkChild(filling)
    yield* settled(() => next, Number.POSITIVE_INFINITY)
    yield* soon(Fiber.interrupt(sending), () => "a send that waited could not be interrupted")
  }
  const last = next
  const receiving = yield* Effect.forkChild(takeAll(server))
  yield* soon(client.send(numbered(last, size)), () => "after an interrupted send the next one did not end")
  done.push(last)
  yield* client.close
  const { frames } = yield* Fiber.join(receiving)
  const arrived: Array<number> = []
  for (const [at, frame] of frames.entries()) {
    const number = numberOf(frame)
    const whole = number !== undefined && frame.length === size
    if (!whole) return yield* broken(`frame ${at} that arrived, of ${frame.length} bytes, is none that was sent`)
    arrived.push(number)
  }
  const wrong = arrived.findIndex((number, at) => at > 0 && number <= arrived[at - 1]!)
  yield* expect(wrong < 0, () => `frame ${arrived[wrong]} came after ${arrived[wrong - 1]}`)
  const lost = done.find((number) => !arrived.includes(number))
  yield* expect(lost === undefined, () => `frame ${lost}, whose send succeeded, did not arrive`)
  yield* ends(server, "the other side", "the other side")
})

// A fiber with a small budget is put off wherever it may be: also between a look at what is there and the wait for more.
const anyBudget = Effect.fnUntraced(function* (transport: Transport) {
  const { open } = yield* opened(transport)
  const rounds = Effect.gen(function* () {
    const { client, server } = yield* open
    const sent = Array.from({ length: 24 }, (_, at) => numbered(at, large(client)))
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.flatMap(server.receive, server.sendAll))))
    for (const frame of sent) {
      yield* client.send(frame)
      yield* same([frame], yield* take(client, 1))
    }
    const sending = yield* Effect.forkChild(Effect.forEach(sent, client.send, { discard: true }))
    yield* same(sent, yield* take(client, sent.length))
    yield* soon(Fiber.join(sending), () => "a send did not end, though its frame was taken")
  })
  for (let budget = 3; budget <= 10; budget++) {
    yield* Effect.provideService(rounds, Scheduler.MaxOpsBeforeYield, budget)
  }
})

const anyBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)

/** All of them. */
export const frames: ReadonlyArray<Guarantee> = [
  {
    name: "frames arrive in the order in which they were sent",
    run: crossing(() => Array.from({ length: 1000 }, (_, at) => numbered(at, (at * 53) % 700)))
  },
  { name: "an empty frame arrives", run: crossing(() => [new Uint8Array(0), numbered(1, 9), new Uint8Array(0)]) },
  { name: "a frame of one byte arrives", run: crossing(() => [Uint8Array.of(0), Uint8Array.of(255)]) },
  {
    id: "K45",
    name: "a frame may have any bytes",
    run: crossing(() => [anyBytes, anyBytes.toReversed(), new Uint8Array(100), new Uint8Array(100).fill(255)])
  },
  {
    name: "a frame of as many bytes as maxFrame says arrives",
    run: crossing((wire) => [numbered(1, 10), numbered(2, wire.maxFrame), numbered(3, wire.maxFrame), numbered(4, 10)])
  },
  {
    name: "a frame above maxFrame is refused with FrameTooLarge, nothing of its list is sent, and the wire goes on",
    run: tooLargeOut
  },
  {
    id: "K38",
    name: "a peer that sends a frame above maxFrame has its wire closed, which its reader is told, and no other is",
    needs: "withMaxFrame",
    run: tooLargeIn
  },
  { name: "frames that are sent in one go arrive in the order of the list", run: lists },
  { name: "frames that several fibers send do not mix, and each fiber's arrive in its order", run: severalSenders },
  { name: "what a side sends arrives whole and once: 10,000 frames come back from an echo as they were", run: echo },
  { id: "I12", name: "a sender waits for a side that does not take, and nothing is lost by it", run: slowReader },
  { name: "the one direction goes on while the other is full", run: bothSlow },
  { name: "an interrupted receive has taken nothing", run: interruptedReceive },
  {
    name: "whoever waits to receive or to send goes on, wherever its scheduler puts it off",
    run: anyBudget
  },
  { name: "an interrupted send has sent its whole frame or nothing, and those after it are sent", run: interruptedSend }
]
