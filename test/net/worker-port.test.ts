import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Logger, Queue, Scope } from "effect"
import { Worker } from "node:worker_threads"
import { it } from "troupe/testing/vitest"
import type { Wire } from "../../src/net/Transport.ts"
import { TransportError, type WireClosed } from "../../src/net/TransportError.ts"
import { PortWire } from "../../src/net/transport/node/internal/PortWire.ts"
import * as WorkerPort from "../../src/net/transport/node/WorkerPort.ts"
import { Both, both, channel } from "./transports.ts"

const maxFrame = 64 * 1024

const portOf = (wire: Wire) => {
  assert.instanceOf(wire, PortWire)
  return wire["port"]
}

it.conforms("worker port", {
  make: Effect.map(channel, ({ port1, port2 }) => new Both(port1, port2, maxFrame)),
  lose: (wire) => Effect.sync(() => portOf(wire).close()),
  withMaxFrame: (transport, maxFrame) => both(transport).withMaxFrame(maxFrame)
})

const echo = (wire: Wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))

const lives = (wire: Wire) =>
  Effect.gen(function* () {
    yield* wire.send(Uint8Array.of(1, 2))
    const [frame] = yield* wire.receive
    assert.deepStrictEqual([...frame], [1, 2])
  })

const script = new URL("./program/worker.ts", import.meta.url)

/** Starts a thread that does what it is told. */
const thread = (does: string, data: object = {}, options: WorkerPort.Options = {}) =>
  WorkerPort.start(script, { ...options, worker: { workerData: { does, ...data } } })

/** A thread that connects, its wire, and what becomes of it. */
const connecting = (does: string, data: object = {}) =>
  Effect.gen(function* () {
    const wires = yield* Deferred.make<Wire>()
    const ends = yield* Queue.unbounded<WireClosed>()
    const transport = yield* thread(does, data)
    yield* transport.listen((wire) =>
      Effect.gen(function* () {
        yield* Deferred.succeed(wires, wire)
        yield* Queue.offer(ends, yield* wire.closed)
      })
    )
    return { transport, wire: Deferred.await(wires), end: Queue.take(ends) }
  })

const silently = Effect.provide(Logger.layer([]))

describe("threads", () => {
  it.live("worker port: a thread connects to the one that has started it", () =>
    Effect.gen(function* () {
      const { end, wire } = yield* connecting("connects")
      const it = yield* wire
      yield* lives(it)
      yield* it.close
      assert.strictEqual((yield* end).by, "this side")
    })
  )

  it.live("worker port: a thread is connected to by the one that has started it, several times", () =>
    Effect.gen(function* () {
      const transport = yield* thread("listens")
      const wires = yield* Effect.replicateEffect(transport.connect, 3)
      yield* Effect.forEach(wires, lives, { concurrency: "unbounded" })
      yield* Effect.scoped(Effect.flatMap(transport.connect, lives))
    })
  )

  it.live("worker port: a worker that somebody else has started", () =>
    Effect.gen(function* () {
      const worker = yield* Effect.acquireRelease(
        Effect.sync(() => new Worker(script, { workerData: { does: "listens" } })),
        (worker) => Effect.promise(() => worker.terminate())
      )
      const transport = WorkerPort.make(worker)
      assert.strictEqual(transport.address, `worker ${worker.threadId}`)
      yield* Effect.scoped(Effect.flatMap(transport.connect, lives))
      yield* Effect.promise(() => worker.terminate())
      assert.strictEqual((yield* Effect.flip(transport.connect)).reason, "NotListening")
    })
  )

  it.live("worker port: 64 MB go to another thread", () =>
    Effect.gen(function* () {
      const { wire } = yield* connecting("counts", { bytes: 64 * 1024 * 1024 })
      const it = yield* wire
      for (let at = 0; at < 1024; at++) yield* it.send(new Uint8Array(64 * 1024))
      yield* it.receive
    })
  )

  it.live("worker port: a thread that ends in order has its wire closed in order, and what it sent is there", () =>
    Effect.gen(function* () {
      const { end, wire } = yield* connecting("ends")
      const it = yield* wire
      assert.strictEqual((yield* end).by, "the other side")
      assert.deepStrictEqual([...(yield* it.receive)[0]], [1])
    })
  )

  it.live("worker port: a thread that exits loses its wire", () =>
    Effect.gen(function* () {
      const { end } = yield* connecting("exits")
      assert.strictEqual((yield* end).by, "loss")
    })
  )

  it.live("worker port: a thread that fails loses its wire, which says why, and so does the log", () =>
    Effect.gen(function* () {
      const logged = yield* Deferred.make<string>()
      const logger = Logger.make(({ message }) => Deferred.doneUnsafe(logged, Exit.succeed(String(message))))
      const end = yield* Effect.provide(
        Effect.flatMap(connecting("fails"), ({ end }) => end),
        Logger.layer([logger])
      )
      assert.strictEqual(end.by, "loss")
      assert.include(end.detail, "a fault of the thread")
      assert.include(yield* Deferred.await(logged), "a fault of the thread")
    })
  )

  it.live("worker port: a thread ends with its scope, which loses its wires", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const transport = yield* Scope.provide(thread("listens"), scope)
      const wire = yield* transport.connect
      yield* lives(wire)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* wire.closed).by, "loss")
      assert.strictEqual((yield* Effect.flip(transport.connect)).reason, "NotListening")
    })
  )

  it.live(
    "worker port: a thread that ends while it is connected to is NotListening, and one that can't start is too",
    () =>
      Effect.gen(function* () {
        const nothing = yield* thread("nothing")
        assert.strictEqual((yield* Effect.flip(nothing.connect)).reason, "NotListening")
        const missing = yield* WorkerPort.start(new URL("./program/missing.ts", import.meta.url))
        assert.strictEqual((yield* Effect.flip(missing.connect)).reason, "NotListening")
        const wrong = yield* Effect.flip(WorkerPort.start("missing.ts"))
        assert.instanceOf(wrong, TransportError)
        assert.strictEqual(wrong.reason, "InvalidAddress")
      }).pipe(silently)
  )

  it.live("worker port: a port that is used for other messages is TimedOut, and goes on", () =>
    Effect.gen(function* () {
      const worker = yield* Effect.acquireRelease(
        Effect.sync(() => new Worker(script, { workerData: { does: "answers" } })),
        (worker) => Effect.promise(() => worker.terminate())
      )
      const ask = Effect.callback<unknown>((resume) => {
        worker.once("message", (answer) => resume(Effect.succeed(answer)))
        worker.postMessage("a question", [])
      })
      assert.deepStrictEqual(yield* ask, { message: "a question" })
      const transport = WorkerPort.make(worker, { connectTimeout: "50 millis" })
      assert.strictEqual((yield* Effect.flip(transport.connect)).reason, "TimedOut")
      assert.deepStrictEqual(yield* ask, { message: "a question" })
    })
  )
})

describe("ports", () => {
  it.live("worker port: there are no more wires than maxConnections, and one that is closed makes room", () =>
    Effect.gen(function* () {
      const { port1, port2 } = yield* channel
      const { wires } = yield* WorkerPort.make(port1, { maxConnections: 1 }).listen(echo)
      const transport = WorkerPort.make(port2)
      const wire = yield* transport.connect
      assert.strictEqual((yield* Effect.flip(transport.connect)).reason, "TooManyConnections")
      yield* wire.close
      yield* Effect.repeat(wires, { until: (wires) => wires === 0 })
      yield* transport.connect
    })
  )

  it.live("worker port: an end that never listened answers at once, and one that is closed too", () =>
    Effect.gen(function* () {
      const { port1, port2 } = yield* channel
      WorkerPort.make(port1)
      const transport = WorkerPort.make(port2)
      assert.strictEqual((yield* Effect.flip(transport.connect)).reason, "NotListening")
      port1.close()
      assert.strictEqual((yield* Effect.flip(transport.connect)).reason, "NotListening")
    })
  )

  it.live("worker port: both ends listen and connect at the same time", () =>
    Effect.gen(function* () {
      const { port1, port2 } = yield* channel
      for (const [near, far] of [
        [port1, port2],
        [port2, port1]
      ] as const) {
        yield* WorkerPort.make(near).listen(echo)
        yield* Effect.flatMap(WorkerPort.make(far).connect, lives)
      }
    })
  )

  it.live(
    "worker port: a frame that its sender changes afterwards, and a view of a larger buffer, arrive as sent",
    () =>
      Effect.gen(function* () {
        const { port1, port2 } = yield* channel
        yield* WorkerPort.make(port1).listen(echo)
        const wire = yield* WorkerPort.make(port2).connect
        const frame = Uint8Array.of(0, 1, 2, 3).subarray(1, 3)
        yield* wire.send(frame)
        frame.fill(9)
        const [received] = yield* wire.receive
        assert.deepStrictEqual([...received], [1, 2])
        assert.strictEqual(received.buffer.byteLength, 2)
      })
  )

  it.live.each([
    ["a text", "text"],
    ["a list of no buffers", [1]],
    ["an object", {}],
    ["nothing", undefined]
  ] as const)("K38 worker port: %s closes the wire that it came in by, and no other", ([, message]) =>
    Effect.gen(function* () {
      const { port1, port2 } = yield* channel
      const ends = yield* Queue.unbounded<WireClosed>()
      yield* WorkerPort.make(port1).listen((wire) =>
        Effect.andThen(
          echo(wire),
          Effect.flatMap(wire.closed, (end) => Queue.offer(ends, end))
        )
      )
      const { connect } = WorkerPort.make(port2)
      const other = yield* connect
      portOf(yield* connect).postMessage(message, [])
      const end = yield* Queue.take(ends)
      assert.strictEqual(end.by, "loss")
      assert.include(end.detail, "what is no frame")
      yield* lives(other)
    })
  )

  it.live("I12 worker port: a side that sends more than was granted has its wire closed", () =>
    Effect.gen(function* () {
      const { port1, port2 } = yield* channel
      const ends = yield* Queue.unbounded<WireClosed>()
      yield* WorkerPort.make(port1).listen((wire) => Effect.flatMap(wire.closed, (end) => Queue.offer(ends, end)))
      const port = portOf(yield* WorkerPort.make(port2).connect)
      for (let at = 0; at < 100; at++) port.postMessage([new ArrayBuffer(64 * 1024)], [])
      const end = yield* Queue.take(ends)
      assert.strictEqual(end.by, "loss")
      assert.include(end.detail, "more than it may")
    })
  )

  it.live("worker port: who is closed and who was interrupted leaves no port open", () =>
    Effect.gen(function* () {
      const ports = Effect.sync(() => process.getActiveResourcesInfo().filter((it) => it === "MessagePort").length)
      const before = yield* ports
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { port1, port2 } = yield* channel
          yield* WorkerPort.make(port1).listen(echo)
          const { connect } = WorkerPort.make(port2)
          yield* Effect.scoped(Effect.replicateEffect(connect, 10))
          for (let at = 0; at < 10; at++) {
            const attempt = yield* Effect.forkChild(Effect.scoped(Effect.andThen(connect, Effect.never)))
            for (let turn = 0; turn < at; turn++) yield* Effect.yieldNow
            yield* Fiber.interrupt(attempt)
          }
        })
      )
      yield* Effect.repeat(ports, { until: (now) => now <= before })
    })
  )
})
