/**
 * What is promised about the end of a wire: by this side, by the other side, or by loss.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Transport, Wire } from "../../../net/Transport.ts"
import type { WireClosed } from "../../../net/TransportError.ts"
import type { Able, Guarantee } from "./guarantee.ts"
import { broken, eventually, expect, settled, soon } from "./keeping.ts"
import * as Wires from "./wires.ts"

interface Ends {
  readonly near: Wire
  readonly far: Wire
  readonly able: Able
}

// What is promised of a side is promised of both.
const eitherWay = (run: (ends: Ends) => Effect.Effect<unknown, unknown, Scope.Scope>) =>
  Effect.fnUntraced(function* (transport: Transport, able: Able) {
    const { open } = yield* Wires.opened(transport)
    const { client: near, server: far } = yield* open
    yield* run({ near, far, able })
    const { client, server } = yield* open
    yield* run({ near: server, far: client, able })
  })

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, at) => at)

const closesInOrder = eitherWay(
  Effect.fnUntraced(function* ({ far, near }: Ends) {
    const sent = numbers(500).map((at) => Wires.numbered(at, (at * 41) % 3000))
    const receiving = yield* Effect.forkChild(Wires.takeAll(far))
    yield* Effect.forEach(sent, near.send)
    yield* soon(near.close, () => "close did not end, though the other side takes")
    const { end, frames } = yield* Fiber.join(receiving)
    yield* Wires.same(sent, frames)
    yield* Wires.closedBy(end, "the other side", "a receive of the other side")
    yield* Wires.ends(far, "the other side", "the other side")
    yield* Wires.ends(near, "this side", "the side that closed it")
  })
)

const drains = eitherWay(
  Effect.fnUntraced(function* ({ far, near }: Ends) {
    const sent = numbers(20).map((at) => Wires.numbered(at, 50))
    yield* Effect.forkChild(Effect.andThen(Effect.forEach(sent, near.send), near.close))
    // The side that takes only now knows already that there is an end.
    yield* settled(() => 0, 1)
    const { end, frames } = yield* Wires.takeAll(far)
    yield* Wires.same(sent, frames)
    yield* Wires.closedBy(end, "the other side", "a receive that came after what was there")
    yield* Wires.failsClosed(far.receive, "the other side", "the next receive")
  })
)

const afterClose = eitherWay(
  Effect.fnUntraced(function* ({ near }: Ends) {
    yield* soon(near.close, () => "close did not end")
    yield* Wires.failsClosed(near.send(Wires.numbered(1, 5)), "this side", "a send after close")
    yield* Wires.failsClosed(near.sendAll([Wires.numbered(1, 5)]), "this side", "a sendAll after close")
    const oversized = new Uint8Array(near.maxFrame + 1)
    yield* Wires.failsClosed(near.send(oversized), "this side", "a send of a frame above maxFrame after close")
    const { end } = yield* Wires.takeAll(near)
    yield* Wires.closedBy(end, "this side", "a receive after close")
  })
)

const twice = eitherWay(
  Effect.fnUntraced(function* ({ far, near }: Ends) {
    const watching = yield* Effect.forkChild(Effect.all([near.closed, near.closed], { concurrency: "unbounded" }))
    yield* Effect.yieldNow
    const closing = Effect.all([near.close, near.close, near.close], { concurrency: "unbounded" })
    yield* soon(closing, () => "closing it three times at once did not end")
    yield* soon(near.close, () => "closing it again did not end")
    const ends = yield* soon(Fiber.join(watching), () => "of two that wait for its end not both were told")
    const again = yield* soon(near.closed, () => "who asks after its end was not told of it")
    for (const end of [...ends, again]) yield* Wires.closedBy(end, "this side", "the side that closed it")
    yield* Wires.ends(far, "the other side", "the other side")
    yield* soon(far.close, () => "the other side's close did not end")
    yield* Wires.ends(far, "the other side", "the other side, after it closed it as well,")
  })
)

const bothAtOnce = eitherWay(
  Effect.fnUntraced(function* ({ far, near }: Ends) {
    yield* soon(Effect.all([near.close, far.close], { concurrency: "unbounded" }), () => "the closes did not end")
    for (const wire of [near, far]) {
      const { by } = yield* soon(wire.closed, () => "a side was not told of the end")
      yield* expect(by !== "loss", () => "a wire that both sides closed in order was told to be lost")
    }
  })
)

const closeWakes = eitherWay(
  Effect.fnUntraced(function* ({ far, near }: Ends) {
    const nearReceive = yield* Effect.forkChild(near.receive)
    const farReceive = yield* Effect.forkChild(far.receive)
    yield* settled(() => 0, 1)
    yield* soon(near.close, () => "close did not end while a receive waits")
    yield* Wires.failsClosed(Fiber.join(nearReceive), "this side", "a receive that waited when its side closed")
    yield* Wires.failsClosed(Fiber.join(farReceive), "the other side", "a receive that waited at the other side")
  })
)

const sendsFail = eitherWay(
  Effect.fnUntraced(function* ({ far, near }: Ends) {
    const frame = Wires.numbered(1, Wires.large(near))
    const sending = yield* Effect.forkChild(Wires.sendUntilClosed(near, frame))
    yield* settled(() => 0, 1)
    yield* Effect.forkChild(far.close)
    // To a sender it looks like either, loss or close: what it had sent is not taken any more.
    const failure = yield* soon(Effect.flip(Fiber.join(sending)), () => "a send that waited did not end with the wire")
    if (failure._tag !== "WireClosed") return yield* broken(`a send that waited failed with ${failure.message}`)
    yield* expect(failure.by !== "this side", () => "a send was told that its own side closed the wire")
  })
)

const scopeCloses = Effect.fnUntraced(function* (transport: Transport) {
  const { listening, open } = yield* Wires.opened(transport)
  const scope = yield* Scope.make()
  const { client, server } = yield* Scope.provide(open, scope)
  yield* client.send(Wires.numbered(1, 30))
  yield* soon(Scope.close(scope, Exit.void), () => "closing the scope of a wire did not end")
  yield* Wires.ends(client, "this side", "the side whose scope was closed")
  const { end, frames } = yield* Wires.takeAll(server)
  yield* Wires.same([Wires.numbered(1, 30)], frames)
  yield* Wires.closedBy(end, "the other side", "the other side")
  yield* eventually(
    listening.wires,
    (wires) => wires === 0,
    (wires) => `${wires} wires were open after the only one was closed`
  )
})

const lost = eitherWay(
  Effect.fnUntraced(function* ({ able: { lose }, far, near }: Ends) {
    if (lose === undefined) return
    const ended: Array<WireClosed> = []
    yield* Effect.forkScoped(Effect.tap(near.closed, (end) => Effect.sync(() => void ended.push(end))))
    const waiting = yield* Effect.forkChild(near.receive)
    yield* settled(() => 0, 1)
    yield* lose(far)
    yield* Wires.ends(near, "loss", "the side that lost the other")
    yield* Wires.failsClosed(Fiber.join(waiting), "loss", "a receive that waited")
    yield* Wires.failsClosed(near.receive, "loss", "a receive after the loss")
    yield* Wires.failsClosed(near.send(Wires.numbered(1, 5)), "loss", "a send after the loss")
    yield* soon(near.close, () => "close after the loss did not end")
    yield* Wires.ends(near, "loss", "the side that lost the other, and then closed the wire,")
    yield* settled(() => ended.length, 1)
    yield* expect(ended.length === 1, () => `it was told ${ended.length} times that the wire is closed`)
  })
)

const lostAmidSending = eitherWay(
  Effect.fnUntraced(function* ({ able: { lose }, far, near }: Ends) {
    if (lose === undefined) return
    const sending = yield* Effect.forkChild(Wires.sendUntilClosed(near, Wires.numbered(1, Wires.large(near))))
    yield* settled(() => 0, 1)
    yield* lose(far)
    yield* Wires.failsClosed(Fiber.join(sending), "loss", "a send that waited")
  })
)

const othersLive = Effect.fnUntraced(function* (transport: Transport, { lose }: Able) {
  const { listening, open } = yield* Wires.opened(transport)
  if (lose === undefined) return
  const first = yield* open
  const second = yield* open
  yield* lose(first.client)
  yield* Wires.ends(first.server, "loss", "the side that lost the other")
  yield* second.client.send(Wires.numbered(1, 30))
  yield* Wires.same([Wires.numbered(1, 30)], yield* Wires.take(second.server, 1))
  const third = yield* open
  yield* third.server.send(Wires.numbered(2, 30))
  yield* Wires.same([Wires.numbered(2, 30)], yield* Wires.take(third.client, 1))
  yield* eventually(
    listening.wires,
    (wires) => wires === 2,
    (wires) => `${wires} wires were counted where two are open, and one was lost`
  )
})

/** All of them. */
export const ends: ReadonlyArray<Guarantee> = [
  { name: "what was sent before close arrives, and then both sides know who closed the wire", run: closesInOrder },
  { name: "a receive takes what came before the close, and fails then", run: drains },
  { name: "send and receive fail with WireClosed after close", run: afterClose },
  { name: "closing a wire twice is closing it once, and whoever asks is told of it once", run: twice },
  { name: "both sides may close a wire at once", run: bothAtOnce },
  { name: "close ends the receives that wait, on both sides", run: closeWakes },
  { name: "a send that waits fails when the other side closes the wire", run: sendsFail },
  { name: "a wire is closed in order with the scope that it was connected in", run: scopeCloses },
  {
    name: "a side whose peer is lost is told so once, its receives and sends fail, and it may still close the wire",
    needs: "lose",
    run: lost
  },
  { name: "a send that waits fails when the other side is lost", needs: "lose", run: lostAmidSending },
  { name: "a wire that is lost takes no other along", needs: "lose", run: othersLive }
]
