/**
 * What is promised about connecting and listening.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { isTransport, type Transport, type Wire } from "../../../net/Transport.ts"
import { TransportError } from "../../../net/TransportError.ts"
import type { Guarantee } from "./guarantee.ts"
import { broken, eventually, expect, soon } from "./keeping.ts"
import { ends, numbered, opened, pair, same, take, takeAll } from "./wires.ts"

const within = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const value = yield* Scope.provide(effect, scope)
    return { value, close: Scope.close(scope, Exit.void) }
  })

const refused = (
  attempt: Effect.Effect<unknown, unknown, Scope.Scope>,
  doing: TransportError["doing"],
  reason: TransportError["reason"],
  transport: Transport
) =>
  Effect.gen(function* () {
    const result = yield* soon(Effect.result(attempt), () => `the ${doing} did not end`)
    if (result._tag === "Success") return yield* broken(`the ${doing} succeeded`)
    const { failure } = result
    if (!(failure instanceof TransportError)) return yield* broken(`the ${doing} failed with ${String(failure)}`)
    const told = `${failure.doing}, ${failure.reason}, ${failure.transport}`
    const due = `${doing}, ${reason}, ${transport.name}`
    yield* expect(told === due, () => `the error says "${told}" where "${due}" was due: ${failure.message}`)
  })

const echo = (wire: Wire): Effect.Effect<void> =>
  Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))

const answers = Effect.fnUntraced(function* (wire: Wire, number: number) {
  yield* wire.send(numbered(number, 100))
  yield* same([numbered(number, 100)], yield* take(wire, 1))
})

const toldApart = Effect.fnUntraced(function* (transport: Transport) {
  yield* expect(isTransport(transport), () => "isTransport denies that it is one")
  const { client, listening, server } = yield* pair(transport)
  yield* expect(isTransport(listening.transport), () => "isTransport denies it of the one that was listened on")
  yield* expect(listening.transport.address !== "", () => "it has no address")
  for (const wire of [client, server]) {
    yield* expect(wire.transport === transport.name, () => `a wire of ${transport.name} says ${wire.transport}`)
    yield* expect(wire.peer.address !== "", () => "a wire has no address of its peer")
    yield* expect(wire.maxFrame === client.maxFrame, () => "its sides have different limits")
  }
})

const notListening = Effect.fnUntraced(function* (transport: Transport) {
  const { close, value } = yield* within(opened(transport))
  yield* close
  const { connect } = value.listening.transport
  yield* refused(connect, "connect", "NotListening", transport)
  // Also for a fiber that its scheduler puts off between the attempt and the wait for what comes of it.
  for (let budget = 3; budget <= 10; budget++) {
    const attempt = Effect.provideService(connect, Scheduler.MaxOpsBeforeYield, budget)
    yield* refused(attempt, "connect", "NotListening", transport)
  }
})

const inUse = Effect.fnUntraced(function* (transport: Transport) {
  const { listening, open } = yield* opened(transport)
  const first = yield* open
  yield* refused(
    listening.transport.listen(() => Effect.never),
    "listen",
    "AddressInUse",
    transport
  )
  yield* first.client.send(numbered(1, 10))
  yield* same([numbered(1, 10)], yield* take(first.server, 1))
  const second = yield* open
  yield* second.client.send(numbered(2, 10))
  yield* same([numbered(2, 10)], yield* take(second.server, 1))
})

const listensAgain = Effect.fnUntraced(function* (transport: Transport) {
  const first = yield* within(opened(transport))
  const { client } = yield* first.value.open
  yield* first.close
  yield* ends(client, "the other side", "the side that was connected")
  const { open } = yield* opened(first.value.listening.transport)
  const again = yield* open
  yield* again.client.send(numbered(1, 10))
  yield* same([numbered(1, 10)], yield* take(again.server, 1))
})

const listenerCloses = Effect.fnUntraced(function* (transport: Transport) {
  let serving = 0
  let ended = 0
  const serve = () =>
    Effect.ensuring(
      Effect.andThen(
        Effect.sync(() => void serving++),
        Effect.never
      ),
      Effect.sync(() => void ended++)
    )
  const { close, value: listening } = yield* within(transport.listen(serve))
  const wires = yield* Effect.replicateEffect(listening.transport.connect, 5)
  yield* eventually(
    listening.wires,
    (wires) => wires === 5 && serving === 5,
    (wires) => `${wires} wires were counted and ${serving} served, of 5 that were connected`
  )
  yield* soon(close, () => "closing the scope of a listener did not end")
  yield* expect(ended === 5, () => `of 5 fibers that serve ${ended} were interrupted when the scope was closed`)
  for (const wire of wires) yield* ends(wire, "the other side", "a side that was connected")
  yield* refused(listening.transport.connect, "connect", "NotListening", transport)
})

const servedToEnd = Effect.fnUntraced(function* (transport: Transport) {
  const serve = (wire: Wire) => Effect.ignore(wire.send(numbered(1, 10)))
  const listening = yield* transport.listen(serve)
  const client = yield* listening.transport.connect
  const { end, frames } = yield* takeAll(client)
  yield* same([numbered(1, 10)], frames)
  yield* expect(end.by === "the other side", () => `the wire was told to be closed by ${end.by}`)
  yield* eventually(
    listening.wires,
    (wires) => wires === 0,
    (wires) => `${wires} wires were open after the only one was served`
  )
})

const otherDies = Effect.fnUntraced(function* (transport: Transport) {
  let served = 0
  const serve = (wire: Wire) => (served++ === 0 ? Effect.die("a fault of serve") : echo(wire))
  // The transport may log the fault, which is none of who runs the case.
  const listening = yield* Effect.provide(transport.listen(serve), Logger.layer([]))
  const first = yield* listening.transport.connect
  yield* soon(first.closed, () => "the wire whose serving died was not closed")
  const second = yield* listening.transport.connect
  yield* answers(second, 1)
})

const many = Effect.fnUntraced(function* (transport: Transport) {
  const count = 100
  const listening = yield* transport.listen(echo)
  const { close } = yield* within(
    Effect.gen(function* () {
      const connecting = Effect.forEach(
        Array.from({ length: count }, (_, at) => at),
        Effect.fnUntraced(function* (at) {
          const wire = yield* listening.transport.connect
          yield* answers(wire, at)
          return wire
        }),
        { concurrency: "unbounded" }
      )
      yield* soon(connecting, () => `not all of ${count} that connected at once were served`)
    })
  )
  const open = yield* listening.wires
  yield* expect(open === count, () => `${open} wires were counted, and ${count} are open`)
  yield* close
  yield* eventually(
    listening.wires,
    (wires) => wires === 0,
    (wires) => `${wires} wires were open after all were closed`
  )
})

const interruptedConnect = Effect.fnUntraced(function* (transport: Transport) {
  const { listening, open } = yield* opened(transport)
  for (let round = 0; round < 40; round++) {
    const connecting = yield* Effect.forkChild(Effect.scoped(Effect.andThen(listening.transport.connect, Effect.never)))
    for (let turn = 0; turn < round % 8; turn++) yield* Effect.yieldNow
    yield* soon(Fiber.interrupt(connecting), () => "an attempt to connect could not be interrupted")
  }
  yield* eventually(
    listening.wires,
    (wires) => wires === 0,
    (wires) => `${wires} wires were left open by attempts that were interrupted`
  )
  const one = yield* open
  void one
})

/** All of them. */
export const listening: ReadonlyArray<Guarantee> = [
  { name: "transports and wires tell what they are, where they lead, and the limit of a frame", run: toldApart },
  { name: "connecting where nobody listens is NotListening", run: notListening },
  { id: "K46", name: "listening where another listens is AddressInUse, and the first goes on", run: inUse },
  { name: "an address can be listened on again when its listener is closed", run: listensAgain },
  {
    id: "K48",
    name: "a listener's end interrupts those who serve, closes their wires, and has new ones refused",
    run: listenerCloses
  },
  { name: "a wire is closed in order when its serving ends", run: servedToEnd },
  { name: "a serving that dies closes its own wire and no other", run: otherDies },
  { name: "a hundred connect at once, and each has a wire of its own", run: many },
  { name: "an interrupted attempt to connect leaves nothing open", run: interruptedConnect }
]
