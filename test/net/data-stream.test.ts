/**
 * Data streams over each transport that there is: what is promised holds whatever carries it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Latch, Scope, Stream } from "effect"
import { join } from "node:path"
import { MessageChannel } from "node:worker_threads"
import { type DataStream, Memory } from "troupe/net"
import { type Transport, TypeId } from "../../src/net/Transport.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"
import * as WorkerPort from "../../src/net/transport/node/WorkerPort.ts"
import { directory } from "../support/files.ts"
import { collect, type Logged } from "../support/logs.ts"
import { until } from "./sockets.ts"
import { bytes, dial, numberOf, raw, sendNumbers, serve, talk, upTo } from "./streams.ts"

/** Both ends of a channel as one transport: who listens has the one, who connects the other. */
const ports: Effect.Effect<Transport, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new MessageChannel()),
    ({ port1 }) => Effect.sync(() => port1.close())
  ),
  ({ port1, port2 }) => {
    const listener = WorkerPort.make(port1)
    const { connect } = WorkerPort.make(port2)
    const both: Transport = {
      [TypeId]: TypeId,
      name: listener.name,
      address: listener.address,
      connect,
      listen: (serve) => Effect.map(listener.listen(serve), ({ wires }) => ({ transport: both, wires }))
    }
    return both
  }
)

const transports: ReadonlyArray<readonly [string, Effect.Effect<Transport, unknown, Scope.Scope>]> = [
  ["memory", Effect.sync(() => Memory.make())],
  ["unix", Effect.map(directory, (folder) => Unix.make({ path: join(folder, "streams.sock") }))],
  ["tcp", Effect.sync(() => Tcp.make({ host: "127.0.0.1", port: 0 }))],
  ["websocket", Effect.sync(() => WebSocket.make({ url: "ws://127.0.0.1:0/streams" }))],
  ["worker port", ports],
  ["grpc", Grpc.make({ host: "127.0.0.1", port: 0 })]
]

/** What there is to take now. */
const seen = <A>(source: { readonly pollUnsafe: () => Exit.Exit<A> | undefined }): Array<A> => {
  const all: Array<A> = []
  for (let next = source.pollUnsafe(); next !== undefined; next = source.pollUnsafe()) {
    if (Exit.isSuccess(next)) all.push(next.value)
  }
  return all
}

for (const [name, make] of transports) {
  describe(name, () => {
    it.live("K21 a first chunk that overtakes the reply is delivered, with the caller", () =>
      Effect.gen(function* () {
        const answer = yield* Latch.make()
        const scope = yield* Effect.scope
        const { here, toServer } = yield* talk(yield* make, {
          // It produces before it answers.
          start: ({ count, streamId }, client, there) =>
            Effect.gen(function* () {
              yield* Effect.forkIn(Effect.scoped(sendNumbers(there, client, streamId, upTo(count))), scope)
              yield* Latch.await(answer)
            })
        })
        const got: Array<number> = []
        const callers = new Set<string>()
        const receiver = yield* here.register(toServer, "s", (chunk, caller) =>
          Effect.gen(function* () {
            got.push(numberOf(chunk))
            callers.add(caller.id)
            // K11: the caller can be asked from in here.
            callers.add(yield* caller.request("echo", "asked"))
          })
        )
        const asking = yield* Effect.forkChild(toServer.request("start", { streamId: "s", count: 3, after: 0 }))
        yield* receiver.ended
        assert.deepStrictEqual(got, [1, 2, 3])
        assert.deepStrictEqual([...callers], [toServer.id, "asked"])
        assert.isUndefined(asking.pollUnsafe())
        yield* Latch.open(answer)
        yield* Fiber.join(asking)
      })
    )

    it.live("K22 chunks are handled one after the other, with all that they were sent with", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const got: Array<DataStream.Chunk> = []
        let running = 0
        let most = 0
        const receiver = yield* here.register(
          toServer,
          "s",
          (chunk) =>
            Effect.gen(function* () {
              most = Math.max(most, ++running)
              if (chunk.sequence === 1) yield* Effect.sleep("30 millis")
              got.push(chunk)
              running--
            }),
          { window: 4 }
        )
        const sender = yield* there.open(toClient, "s")
        const all = Uint8Array.from({ length: 256 }, (_, n) => n)
        yield* sender.send(all, { metadata: { type: "image", "naïve \u{1F600}": "" } })
        yield* sender.send(new Uint8Array())
        for (let n = 3; n <= 200; n++) yield* sender.send(bytes(n))
        yield* sender.end
        yield* receiver.ended
        assert.deepStrictEqual(
          got.map(({ sequence }) => sequence),
          upTo(200)
        )
        assert.strictEqual(most, 1)
        assert.deepStrictEqual(got[0]?.payload, all)
        assert.deepStrictEqual(got[0]?.metadata, { type: "image", "naïve \u{1F600}": "" })
        assert.deepStrictEqual(got[1]?.payload, new Uint8Array())
        assert.isAbove(got[0]?.timestamp ?? 0, 1_500_000_000_000)
        assert.deepStrictEqual(new Set(got.map(({ streamId }) => streamId)), new Set(["s"]))
        const { handled, received } = yield* receiver.stats
        assert.deepStrictEqual([received, handled], [200, 200])
      })
    )

    it.live("K23 K24 I12 a stream that is blocked holds its producer, and nothing else; nothing is lost", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const release = yield* Latch.make()
        const got: Array<number> = []
        const blocked = yield* here.register(
          toServer,
          "blocked",
          (chunk) =>
            Effect.andThen(
              Latch.await(release),
              Effect.sync(() => got.push(numberOf(chunk)))
            ),
          { window: 8 }
        )
        const sender = yield* there.open(toClient, "blocked", { window: 8 })
        let sent = 0
        const sending = yield* Effect.forkChild(
          Effect.forEach(upTo(500), (n) =>
            Effect.andThen(
              sender.send(bytes(n)),
              Effect.sync(() => sent++)
            )
          )
        )
        yield* until(() => sent === 17)
        for (let i = 0; i < 2; i++) {
          const other = yield* here.toStream(toServer, `other ${i}`)
          yield* Effect.forkChild(Effect.scoped(sendNumbers(there, toClient, `other ${i}`, upTo(300))))
          const numbers = yield* Stream.runCollect(Stream.map(other, numberOf))
          assert.deepStrictEqual(numbers, upTo(300))
        }
        assert.strictEqual(yield* toServer.request("echo", "on"), "on")
        // One that is handled, and the windows of both sides.
        assert.strictEqual(sent, 17)
        const { waiting } = yield* blocked.stats
        assert.deepStrictEqual([waiting, (yield* sender.stats).waiting], [8, 8])
        yield* Latch.open(release)
        yield* Fiber.join(sending)
        yield* sender.end
        yield* blocked.ended
        assert.deepStrictEqual(got, upTo(500))
      })
    )

    it.live("K25 a latency-first stream never waits: where there is no room, a drop is counted", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const release = yield* Latch.make()
        const got: Array<number> = []
        const receiver = yield* here.register(
          toServer,
          "s",
          (chunk) =>
            Effect.andThen(
              Latch.await(release),
              Effect.sync(() => got.push(numberOf(chunk)))
            ),
          { window: 4 }
        )
        const sender = yield* there.open(toClient, "s", { mode: "latency-first", window: 1000 })
        const received = (count: number) =>
          Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), receiver.stats), {
            until: (stats) => stats.received === count
          })
        yield* sender.send(bytes(1))
        yield* received(1)
        for (let n = 2; n <= 5; n++) yield* sender.send(bytes(n))
        assert.strictEqual((yield* received(5)).dropped, 0)
        yield* sender.send(bytes(6))
        assert.strictEqual((yield* received(6)).dropped, 1)
        for (let n = 7; n <= 20; n++) yield* sender.send(bytes(n))
        assert.strictEqual((yield* received(20)).dropped, 15)
        yield* Latch.open(release)
        yield* sender.end
        yield* receiver.ended
        assert.deepStrictEqual(got, [1, 17, 18, 19, 20])
        // On the side that sends: within one turn of it nothing leaves.
        const narrow = yield* there.open(toClient, "narrow", { mode: "latency-first", window: 2 })
        const chunks = yield* here.toStream(toServer, "narrow")
        const dropped = yield* Effect.sync(() =>
          upTo(10).map((n) => {
            Effect.runSync(narrow.send(bytes(n)))
            return Effect.runSync(narrow.stats).dropped
          })
        )
        assert.deepStrictEqual(dropped, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        yield* Effect.forkChild(narrow.end)
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(chunks, ({ sequence }) => sequence)), [9, 10])
        assert.strictEqual((yield* here.stats).gaps, 1)
      })
    )

    it.live("K26 a receiver that dies or fails on a chunk has the next, and the failures are counted", () => {
      const lines: Array<Logged> = []
      return Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const got: Array<number> = []
        const receiver = yield* here.register(toServer, "s", (chunk) => {
          const n = numberOf(chunk)
          if (n === 2) return Effect.die("a defect")
          if (n === 3) return Effect.fail("a failure")
          if (n === 4) return Effect.interrupt
          return Effect.sync(() => got.push(n))
        })
        yield* Effect.scoped(sendNumbers(there, toClient, "s", upTo(6)))
        yield* receiver.ended
        assert.deepStrictEqual(got, [1, 5, 6])
        const { failed, handled } = yield* receiver.stats
        assert.deepStrictEqual([handled, failed], [3, 3])
        assert.strictEqual(lines.filter(({ message }) => message.includes('"s" failed at chunk')).length, 3)
      }).pipe(Effect.provide(collect(lines)))
    })

    it.live("K27 an unregistered stream drains what is here; what comes later is refused and counted", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const release = yield* Latch.make()
        const got: Array<number> = []
        const receiver = yield* here.register(toServer, "s", (chunk) =>
          Effect.andThen(
            Latch.await(release),
            Effect.sync(() => got.push(numberOf(chunk)))
          )
        )
        const sender = yield* there.open(toClient, "s")
        for (const n of upTo(5)) yield* sender.send(bytes(n))
        yield* Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), receiver.stats), {
          until: ({ received }) => received === 5
        })
        const draining = yield* Effect.forkChild(receiver.unregister)
        const error = yield* Effect.flip(sender.ended)
        assert.deepStrictEqual([error._tag, "by" in error ? error.by : ""], ["StreamClosed", "the other side"])
        assert.strictEqual((yield* Effect.flip(sender.send(bytes(6))))._tag, "StreamClosed")
        // One that goes on all the same.
        const refused = yield* Effect.flip(toClient.request("@stream.chunks", raw("s", [6, 7])))
        assert.deepStrictEqual([refused._tag, "reason" in refused ? refused.reason : ""], ["StreamRefused", "Closed"])
        yield* toClient.tell("@stream.chunk", raw("s", [8], true))
        yield* toClient.request("echo", "behind it")
        assert.deepStrictEqual((yield* here.stats).refused, {
          NotRegistered: 0,
          NotProducer: 0,
          Closed: 3,
          Malformed: 0
        })
        assert.isUndefined(draining.pollUnsafe())
        yield* Latch.open(release)
        yield* Fiber.join(draining)
        assert.deepStrictEqual(got, upTo(5))
        assert.strictEqual((yield* Effect.flip(receiver.ended))._tag, "StreamClosed")
      })
    )

    it.live("K28 who registers again in mid-flight has the new chunks, behind the old ones", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const release = yield* Latch.make()
        const got: Array<string> = []
        const first = yield* here.register(toServer, "s", (chunk) =>
          Effect.andThen(
            Latch.await(release),
            Effect.sync(() => got.push(`first ${numberOf(chunk)}`))
          )
        )
        const sender = yield* there.open(toClient, "s")
        for (const n of upTo(3)) yield* sender.send(bytes(n))
        yield* Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), first.stats), {
          until: ({ received }) => received === 3
        })
        const second = yield* here.register(toServer, "s", (chunk) =>
          Effect.sync(() => got.push(`second ${numberOf(chunk)}`))
        )
        for (const n of [4, 5, 6]) yield* sender.send(bytes(n))
        yield* Latch.open(release)
        yield* sender.end
        yield* second.ended
        assert.deepStrictEqual(got, ["first 1", "first 2", "first 3", "second 4", "second 5", "second 6"])
        assert.strictEqual((yield* Effect.flip(first.ended))._tag, "StreamClosed")
        assert.strictEqual((yield* here.stats).receiving, 0)
      })
    )

    it.live("K31 the receiver sees the end, or the failure with its words, behind all chunks", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const whole = yield* here.toStream(toServer, "whole")
        const sent = yield* Effect.forkChild(there.fromStream(toClient, "whole", Stream.make(bytes(1), bytes(2))))
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(whole, numberOf)), [1, 2])
        yield* Fiber.join(sent)
        const got: Array<number> = []
        const taking = (streamId: string, chunks: Stream.Stream<DataStream.Chunk, DataStream.ReceiveError>) =>
          Effect.map(
            Effect.flip(Stream.runForEach(chunks, (chunk) => Effect.sync(() => got.push(numberOf(chunk))))),
            (error) => [error._tag, error.streamId === streamId, error.message.includes("out of paper")] as const
          )
        const failing = yield* here.toStream(toServer, "failing")
        const sender = yield* there.open(toClient, "failing")
        yield* sender.send(bytes(1))
        yield* Effect.forkChild(sender.fail("out of paper"))
        assert.deepStrictEqual(yield* taking("failing", failing), ["StreamFailed", true, true])
        const source = Stream.concat(Stream.make(bytes(2)), Stream.fail("out of paper"))
        const other = yield* here.toStream(toServer, "other")
        const exit = yield* Effect.forkChild(Effect.exit(there.fromStream(toClient, "other", source)))
        assert.deepStrictEqual(yield* taking("other", other), ["StreamFailed", true, true])
        assert.deepStrictEqual(yield* Fiber.join(exit), Exit.fail("out of paper"))
        assert.deepStrictEqual(got, [1, 2])
        // A producer that goes before the end.
        const left = yield* here.toStream(toServer, "left")
        yield* Effect.scoped(Effect.flatMap(there.open(toClient, "left"), ({ send }) => send(bytes(3))))
        assert.strictEqual((yield* taking("left", left))[0], "StreamFailed")
        assert.strictEqual((yield* there.stats).sending, 0)
        assert.strictEqual((yield* here.stats).receiving, 0)
      })
    )

    it.live("I13 I14 a stream that its receiver cancels is produced no further", () =>
      Effect.gen(function* () {
        const { here, there, toClient, toServer } = yield* talk(yield* make)
        const ended = yield* Deferred.make<string>()
        const endless = (end: (how: string) => Effect.Effect<unknown>) =>
          Stream.concat(Stream.map(Stream.range(1, 100), bytes), Stream.never).pipe(
            Stream.onExit((exit) => end(exit._tag))
          )
        const first = yield* here.toStream(toServer, "first")
        const sending = yield* Effect.forkChild(
          Effect.exit(
            there.fromStream(
              toClient,
              "first",
              endless((how) => Deferred.succeed(ended, how))
            )
          )
        )
        // The source has nothing to send when it is cancelled.
        assert.strictEqual((yield* Stream.runCollect(Stream.take(first, 100))).length, 100)
        const exit = yield* Fiber.join(sending)
        assert.strictEqual(Exit.isFailure(exit) && (yield* Effect.flip(exit))._tag, "StreamClosed")
        yield* Deferred.await(ended)
        // With the scope of its registration, and its handler in the midst of a chunk.
        const began = yield* Latch.make()
        const interrupted = yield* Deferred.make<void>()
        const scope = yield* Scope.make()
        yield* here
          .register(toServer, "second", () =>
            Effect.onInterrupt(Effect.andThen(Latch.open(began), Effect.never), () =>
              Deferred.succeed(interrupted, undefined)
            )
          )
          .pipe(Scope.provide(scope))
        const sender = yield* there.open(toClient, "second")
        yield* sender.send(bytes(1))
        yield* Latch.await(began)
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.await(interrupted)
        assert.strictEqual((yield* Effect.flip(sender.ended))._tag, "StreamClosed")
        assert.strictEqual((yield* here.stats).receiving + (yield* there.stats).sending, 0)
      })
    )

    it.live("K41 a chunk from somebody else than its producer is refused and counted", () =>
      Effect.gen(function* () {
        const { server, there, toClient, here, toServer } = yield* talk(yield* make)
        const other = yield* dial(server.transport)
        yield* other.connection.request("echo", "hello")
        const events = yield* there.events
        const got: Array<number> = []
        const receiver = yield* there.register(toClient, "s", (chunk) => Effect.sync(() => got.push(numberOf(chunk))))
        const sender = yield* here.open(toServer, "s")
        yield* sender.send(bytes(1))
        const foreign = yield* other.streams.open(other.connection, "s")
        yield* foreign.send(bytes(666))
        const error = yield* Effect.flip(foreign.ended)
        assert.deepStrictEqual([error._tag, "reason" in error ? error.reason : ""], ["StreamRefused", "NotProducer"])
        yield* other.connection.tell("@stream.chunk", raw("s", [2], true))
        yield* other.connection.request("@stream.close", { streamId: "s", by: "producer", detail: "so there" })
        const unknown = yield* Effect.flip(other.connection.request("@stream.chunks", raw("t", [1])))
        assert.strictEqual("reason" in unknown ? unknown.reason : "", "NotRegistered")
        const malformed = yield* Effect.flip(other.connection.request("@stream.chunks", Uint8Array.of(0, 200)))
        assert.strictEqual("reason" in malformed ? malformed.reason : "", "Malformed")
        yield* sender.send(bytes(2))
        yield* sender.end
        yield* receiver.ended
        assert.deepStrictEqual(got, [1, 2])
        assert.deepStrictEqual((yield* there.stats).refused, {
          NotRegistered: 1,
          NotProducer: 2,
          Closed: 0,
          Malformed: 1
        })
        assert.deepStrictEqual(
          seen(events).map((event) => (event._tag === "Refused" ? [event.reason, event.connection] : event._tag)),
          [
            ["NotProducer", other.connection.id],
            ["NotProducer", other.connection.id],
            ["NotRegistered", other.connection.id],
            ["Malformed", other.connection.id]
          ]
        )
      })
    )

    it.live("K42 gaps and duplicates are noticed, typed and counted", () =>
      Effect.gen(function* () {
        const { here, toClient, toServer } = yield* talk(yield* make)
        const events = yield* here.events
        const got: Array<number> = []
        const receiver = yield* here.register(toServer, "s", (chunk) => Effect.sync(() => got.push(chunk.sequence)))
        // It asks what is produced, which this producer says nothing of.
        yield* Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), toServer.stats), {
          until: ({ requests }) => requests.succeeded === 2
        })
        const send = (...sequences: [number, ...Array<number>]) =>
          Effect.map(toClient.request("@stream.chunks", raw("s", sequences)), ({ next }) => next)
        assert.strictEqual(yield* send(1, 2, 3), 4)
        // What comes again is not handled again, and what is missing is waited for.
        assert.strictEqual(yield* send(2, 3, 4), 5)
        assert.strictEqual(yield* send(7, 8), 5)
        assert.strictEqual(yield* send(5), 6)
        // Where chunks may be lost they are not waited for.
        yield* toClient.tell("@stream.chunk", raw("s", [9], true))
        yield* toClient.tell("@stream.chunk", raw("s", [8], true))
        yield* toClient.request("echo", "behind it")
        yield* until(() => got.length === 6)
        assert.deepStrictEqual(got, [1, 2, 3, 4, 5, 9])
        const { duplicates, gaps } = yield* receiver.stats
        assert.deepStrictEqual([gaps, duplicates], [2, 3])
        const stats = yield* here.stats
        assert.deepStrictEqual([stats.gaps, stats.duplicates], [2, 3])
        const told = seen(events).map((event) =>
          event._tag === "Refused" ? "" : `${event._tag} of ${event.expected} at ${event.sequence}`
        )
        assert.deepStrictEqual(told, [
          "Duplicate of 4 at 2",
          "Duplicate of 4 at 3",
          "Gap of 5 at 7",
          "Gap of 6 at 9",
          "Duplicate of 10 at 8"
        ])
      })
    )

    it.live("K30 I10 a link that is lost is told to the sender; the stream goes on from what was acknowledged", () =>
      Effect.gen(function* () {
        const transport = yield* make
        const wires: Array<{ readonly close: Effect.Effect<void> }> = []
        const server = yield* serve(transport)
        const client = yield* dial({
          ...server.transport,
          connect: Effect.tap(server.transport.connect, (wire) => Effect.sync(() => wires.push(wire)))
        })
        yield* client.connection.request("echo", "hello")
        const [toClient] = yield* server.acceptor.connections
        const down: Array<number> = []
        const up: Array<number> = []
        const receiver = yield* client.streams.register(
          client.connection,
          "down",
          (chunk) =>
            Effect.andThen(
              Effect.sleep("100 micros"),
              Effect.sync(() => down.push(numberOf(chunk)))
            ),
          { window: 4 }
        )
        const other = yield* server.streams.register(
          toClient!,
          "up",
          (chunk) =>
            Effect.andThen(
              Effect.sleep("100 micros"),
              Effect.sync(() => up.push(numberOf(chunk)))
            ),
          { window: 4 }
        )
        const sender = yield* server.streams.open(toClient!, "down")
        const sending = yield* Effect.forkChild(
          Effect.andThen(
            Effect.forEach(upTo(300), (n) => sender.send(bytes(n))),
            sender.end
          )
        )
        const states: Array<DataStream.SenderState> = []
        yield* Effect.forkChild(Stream.runForEach(sender.changes, (state) => Effect.sync(() => states.push(state))))
        const rising = yield* Effect.forkChild(
          Effect.scoped(sendNumbers(client.streams, client.connection, "up", upTo(300)))
        )
        for (const at of [20, 120, 220]) {
          yield* until(() => down.length >= at)
          yield* wires.at(-1)!.close
        }
        yield* Fiber.join(sending)
        yield* Fiber.join(rising)
        yield* receiver.ended
        yield* other.ended
        assert.deepStrictEqual(down, upTo(300))
        assert.deepStrictEqual(up, upTo(300))
        const uncertain = states.flatMap((state) => (state._tag === "Uncertain" ? [state] : []))
        assert.isAbove(uncertain.length, 0)
        for (const { acknowledged, sent } of uncertain) assert.isBelow(acknowledged, sent)
        // From there: nothing comes again but what the window had room for behind it, each time.
        assert.isAtMost((yield* client.streams.stats).duplicates, 3 * 4)
        assert.isAtMost((yield* server.streams.stats).duplicates, 3 * 4)
        assert.strictEqual((yield* client.connection.stats).reconnects, 3)
      })
    )
  })
}
