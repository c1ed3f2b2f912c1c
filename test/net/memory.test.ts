import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { it } from "troupe/testing/vitest"
import * as Memory from "../../src/net/transport/Memory.ts"
import { TransportError } from "../../src/net/TransportError.ts"

it.conforms("memory", { make: Effect.sync(() => Memory.make({ maxFrame: 64 * 1024 })) })

it.effect("memory: a frame that its sender changes afterwards, and one of Node's buffers, arrives as it was sent", () =>
  Effect.gen(function* () {
    const transport = Memory.make()
    yield* transport.listen((wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll))))
    const wire = yield* transport.connect
    for (const frame of [Uint8Array.of(1, 2), Buffer.from([1, 2])]) {
      yield* wire.send(frame)
      frame[0] = 9
      const [received] = yield* wire.receive
      assert.deepStrictEqual([...received], [1, 2])
    }
  })
)

it.effect("K43 memory: two values are two addresses", () =>
  Effect.gen(function* () {
    yield* Memory.make().listen(() => Effect.never)
    const error = yield* Effect.flip(Memory.make().connect)
    assert.strictEqual(error.reason, "NotListening")
  })
)

it.effect("memory: there are no more wires than maxConnections, and one that is closed makes room", () =>
  Effect.gen(function* () {
    const transport = Memory.make({ maxConnections: 2 })
    const { wires } = yield* transport.listen((wire) => Effect.asVoid(wire.closed))
    const first = yield* transport.connect
    yield* transport.connect
    const error = yield* Effect.flip(transport.connect)
    assert.instanceOf(error, TransportError)
    assert.strictEqual(error.reason, "TooManyConnections")
    yield* first.close
    yield* transport.connect
    assert.strictEqual(yield* wires, 2)
  })
)

it.effect("memory: a frame goes through a chain of 5,000 wires", () =>
  Effect.gen(function* () {
    const first = Memory.make()
    let last = yield* echo(first)
    for (let at = 0; at < 5000; at++) last = yield* relay(last)
    yield* last.send(Uint8Array.of(7))
    const [frame] = yield* last.receive
    assert.deepStrictEqual([...frame], [7])
  })
)

const echo = (transport: ReturnType<typeof Memory.make>) =>
  Effect.andThen(
    transport.listen((wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))),
    transport.connect
  )

// Passes on what comes in by a wire of its own, and back.
const relay = (next: Effect.Success<ReturnType<typeof echo>>) =>
  Effect.gen(function* () {
    const transport = Memory.make()
    yield* transport.listen((wire) =>
      Effect.ignore(
        Effect.forever(
          Effect.gen(function* () {
            yield* next.sendAll(yield* wire.receive)
            yield* wire.sendAll(yield* next.receive)
          })
        )
      )
    )
    return yield* transport.connect
  })
