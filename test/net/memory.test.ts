import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
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

it.explore(
  "memory: under any schedule, receives that are interrupted take nothing, and sends that wait go on",
  Effect.gen(function* () {
    const count = 12
    const transport = Memory.make({ maxFrame: 1024 * 1024 })
    yield* transport.listen((wire) =>
      Effect.ignore(
        Effect.forEach(
          Array.from({ length: count }, (_, at) => at),
          // Two of them are more than may be underway.
          (at) => wire.send(new Uint8Array(600_000).fill(at))
        )
      )
    )
    const wire = yield* transport.connect
    const received: Array<number> = []
    while (received.length < count) {
      const receiving = yield* Effect.forkChild(wire.receive)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(receiving)
      const exit = yield* Fiber.await(receiving)
      if (exit._tag === "Success") received.push(...exit.value.map((frame) => frame[0] ?? -1))
    }
    if (received.some((number, at) => number !== at)) return yield* Effect.fail(`received ${received.join()}`)
    const end = yield* wire.closed
    if (end.by !== "the other side") return yield* Effect.fail(end)
  }),
  { schedules: 200 }
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
    const { refused, wires } = yield* transport.listen((wire) => Effect.asVoid(wire.closed))
    const first = yield* transport.connect
    yield* transport.connect
    const error = yield* Effect.flip(transport.connect)
    assert.instanceOf(error, TransportError)
    assert.strictEqual(error.reason, "TooManyConnections")
    assert.strictEqual(yield* refused ?? Effect.succeed(-1), 1)
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
