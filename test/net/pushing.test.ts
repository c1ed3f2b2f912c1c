import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, type Scope } from "effect"
import { join } from "node:path"
import { MessageChannel } from "node:worker_threads"
import type { FrameTooLarge, WireClosed } from "../../src/net/TransportError.ts"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import { isPushing, type Pushing } from "../../src/net/transport/internal/Pushing.ts"
import * as Memory from "../../src/net/transport/Memory.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"
import * as WorkerPort from "../../src/net/transport/node/WorkerPort.ts"
import { Network } from "../../src/testing/index.ts"
import { directory } from "../support/files.ts"
import { bytes, served, text, until } from "./sockets.ts"

const host = "127.0.0.1"
const maxFrame = 64 * 1024

type Sides = { readonly listening: Transport; readonly connecting: (listening: Transport) => Transport }

const alone = <E>(transport: Effect.Effect<Transport, E, Scope.Scope>) =>
  Effect.orDie(Effect.map(transport, (listening): Sides => ({ listening, connecting: (transport) => transport })))

const transports: Readonly<Record<string, Effect.Effect<Sides, never, Scope.Scope>>> = {
  memory: alone(Effect.sync(() => Memory.make({ maxFrame }))),
  simulated: alone(Effect.map(Network.make({ maxFrame }), (network) => network.transport("near", "far"))),
  unix: alone(Effect.map(directory, (folder) => Unix.make({ path: join(folder, "wire.sock"), maxFrame }))),
  tcp: alone(Effect.sync(() => Tcp.make({ host, port: 0, maxFrame }))),
  websocket: alone(Effect.sync(() => WebSocket.make({ url: `ws://${host}:0/`, maxFrame }))),
  grpc: alone(Grpc.make({ host, port: 0, maxFrame })),
  "worker port": Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new MessageChannel()),
      ({ port1, port2 }) =>
        Effect.sync(() => {
          port1.close()
          port2.close()
        })
    ),
    ({ port1, port2 }): Sides => {
      const other = WorkerPort.make(port2, { maxFrame })
      return { listening: WorkerPort.make(port1, { maxFrame }), connecting: () => other }
    }
  )
}

const pushing = (wire: Wire): Wire & Pushing => {
  if (!isPushing(wire)) return assert.fail("it can't push")
  return wire
}

/** A wire with both of its ends. */
const pair = (sides: Effect.Effect<Sides, never, Scope.Scope>) =>
  Effect.gen(function* () {
    const { connecting, listening } = yield* sides
    const { next, transport } = yield* served(listening)
    const near = yield* connecting(transport).connect
    return { near: pushing(near), far: pushing(yield* next) }
  })

/** Keeps what a wire hands over, and what it is told of its end. */
const attached = (wire: Pushing, onFrames: (frames: ReadonlyArray<Uint8Array>) => void = () => {}) =>
  Effect.withFiber(({ currentDispatcher }) =>
    Effect.sync(() => {
      const heard: Array<string> = []
      const receiver = {
        onFrames: (frames: ReadonlyArray<Uint8Array>) => {
          for (const frame of frames) heard.push(text(frame))
          onFrames(frames)
        },
        onEnd: (why: WireClosed | FrameTooLarge) => {
          heard.push(why._tag === "WireClosed" ? `closed by ${why.by}` : `too large, ${why.direction}`)
        }
      }
      wire.incoming.attach(receiver, currentDispatcher)
      return heard
    })
  )

for (const [name, sides] of Object.entries(transports)) {
  describe(`${name}: a wire that hands over`, () => {
    it.live("what was there and what comes, in order, and the end once behind it", () =>
      Effect.gen(function* () {
        const { far, near } = yield* pair(sides)
        yield* near.send(bytes("before"))
        // On the wires themselves it is known how much waits.
        yield* until(() => Reflect.get(far.incoming, "waiting") > 0)
        const heard = yield* attached(far)
        const sent = Array.from({ length: 500 }, (_, at) => `${at}`)
        for (const one of sent.slice(0, 250)) yield* near.send(bytes(one))
        yield* near.sendAll([bytes(sent[250]!), ...sent.slice(251).map(bytes)])
        yield* near.close
        yield* until(() => heard.length >= sent.length + 2)
        assert.deepStrictEqual(heard, ["before", ...sent, "closed by the other side"])
        yield* far.close
        assert.lengthOf(heard, sent.length + 2)
      })
    )

    it.live("and its receiver may answer, and close it, where it stands", () =>
      Effect.gen(function* () {
        const { far, near } = yield* pair(sides)
        const heard = yield* attached(far, (frames) => {
          for (const frame of frames) {
            if (text(frame) === "end") Effect.runFork(far.close)
            else assert.strictEqual(far.sendUnsafe(frame), "sent")
          }
        })
        yield* near.sendAll([bytes("one"), bytes("two")])
        const answers: Array<string> = []
        while (answers.length < 2) answers.push(...(yield* near.receive).map(text))
        assert.deepStrictEqual(answers, ["one", "two"])
        yield* near.send(bytes("end"))
        assert.strictEqual((yield* near.closed).by, "the other side")
        yield* until(() => heard.length === 4)
        assert.deepStrictEqual(heard, ["one", "two", "end", "closed by this side"])
      })
    )

    it.live("and is told to pause: the other side waits, nothing is lost, and it goes on", () =>
      Effect.gen(function* () {
        const { far, near } = yield* pair(sides)
        let received = 0
        const heard = yield* attached(far, (frames) => {
          received += frames.length
        })
        far.incoming.pause()
        const frame = new Uint8Array(maxFrame)
        let sent = 0
        let answer = near.sendUnsafe(frame)
        while (true) {
          if (answer === "sent") sent++
          else if (answer !== "full") assert.fail(answer.message)
          // Full for as long as the system may take to pass on what it has.
          else if (yield* Effect.map(Effect.timeoutOption(near.send(frame), "100 millis"), (it) => it._tag === "None"))
            break
          else sent++
          answer = near.sendUnsafe(frame)
        }
        assert.isBelow(sent * maxFrame, 16 * 1024 * 1024)
        assert.strictEqual(received, 0)
        assert.deepStrictEqual(heard, [])
        far.incoming.resume()
        yield* until(() => received === sent)
        yield* near.close
        yield* until(() => heard.at(-1) === "closed by the other side")
        assert.lengthOf(heard, sent + 1)
      })
    )

    it.live("and refuses to send what is too large, or when it is closed", () =>
      Effect.gen(function* () {
        const { far, near } = yield* pair(sides)
        const large = near.sendUnsafe(new Uint8Array(maxFrame + 1))
        assert.isTrue(typeof large === "object" && large._tag === "FrameTooLarge" && large.direction === "out")
        yield* near.close
        const closed = near.sendUnsafe(new Uint8Array(maxFrame + 1))
        assert.isTrue(typeof closed === "object" && closed._tag === "WireClosed" && closed.by === "this side")
        yield* far.closed
        const heard = yield* attached(far)
        yield* until(() => heard.length > 0)
        assert.deepStrictEqual(heard, ["closed by the other side"])
      })
    )
  })
}

const limited: Readonly<Record<string, (maxFrame: number, port?: number) => Effect.Effect<Transport>>> = {
  tcp: (maxFrame, port = 0) => Effect.succeed(Tcp.make({ host, port, maxFrame })),
  websocket: (maxFrame, port = 0) => Effect.succeed(WebSocket.make({ url: `ws://${host}:${port}/`, maxFrame })),
  grpc: (maxFrame, port = 0) => Effect.orDie(Grpc.make({ host, port, maxFrame }))
}

for (const [name, make] of Object.entries(limited)) {
  it.live(`${name}: who closes a wire as soon as it is told of the end does not change why it ended`, () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(yield* make(10))
      const port = Number(/:(\d+)\/?$/.exec(transport.address)?.[1])
      const careless = yield* (yield* make(100, port)).connect
      const wire = pushing(yield* next)
      const told = yield* Deferred.make<WireClosed | FrameTooLarge>()
      yield* Effect.withFiber(({ currentDispatcher }) =>
        Effect.sync(() => {
          const onEnd = (why: WireClosed | FrameTooLarge) => {
            Effect.runFork(wire.close)
            Deferred.doneUnsafe(told, Exit.succeed(why))
          }
          wire.incoming.attach({ onFrames: () => {}, onEnd }, currentDispatcher)
        })
      )
      yield* careless.send(new Uint8Array(11))
      assert.strictEqual((yield* Deferred.await(told))._tag, "FrameTooLarge")
      assert.match((yield* wire.closed).detail, /frame/)
      // A goodbye over a stream socket has no words.
      assert.strictEqual((yield* careless.closed).detail === "", name === "tcp")
    })
  )
}

describe("a wire in memory that hands over", () => {
  it.effect("does so in a task of its own, and not on the stack of who sends", () =>
    Effect.gen(function* () {
      const { far, near } = yield* pair(transports["memory"]!)
      const told = yield* Deferred.make<void>()
      const heard = yield* attached(far, () => Deferred.doneUnsafe(told, Exit.void))
      assert.strictEqual(near.sendUnsafe(bytes("x")), "sent")
      assert.deepStrictEqual(heard, [])
      yield* Deferred.await(told)
      assert.deepStrictEqual(heard, ["x"])
    })
  )
})

it.effect("a wire that wraps another is asked by the trait alone", () =>
  Effect.gen(function* () {
    const { near } = yield* pair(transports["memory"]!)
    assert.isFalse(isPushing({ ...near, send: () => Effect.void }))
  })
)
