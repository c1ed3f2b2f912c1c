/**
 * What data streams do with whatever they are given: chunks of any kind, frames by anybody, options, and servers with clients.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Schema, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Authentication, DataStream, IpcClient, IpcServer, Memory } from "troupe/net"
import { BatchWriter, decode, type Item, ItemWriter, Kind } from "../../src/net/internal/stream/batch.ts"
import { bytes, numberOf, raw, sendNumbers, Streams, talk, upTo } from "./streams.ts"

const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
const Places = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })))
const Numbered = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

describe("a frame of chunks", () => {
  it.prop(
    "K45 is read as it was written",
    [
      Schema.String,
      Schema.Literals([Kind.Reliable, Kind.Lossy, Kind.Behind]),
      Numbered,
      Schema.Array(
        Schema.Struct({ payload: Bytes, metadata: Schema.Record(Schema.String, Schema.String), timestamp: Numbered })
      )
    ],
    ([streamId, kind, from, chunks]) => {
      const items: Array<Item> = chunks.map(({ metadata, payload, timestamp }) => ({
        _tag: "Chunk",
        payload: Uint8Array.from(payload),
        metadata,
        timestamp
      }))
      items.push({ _tag: "Failure", detail: streamId }, { _tag: "End" })
      // Half a character can't be written.
      const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(streamId))
      const writer = new ItemWriter()
      const read = decode(
        new BatchWriter().write(
          name,
          kind,
          from,
          items.map((item) => writer.write(item))
        )
      )
      assert.deepStrictEqual(read?.streamId, name)
      assert.deepStrictEqual([read?.kind, read?.from], [kind, from])
      const kept = (item: Item) => (item._tag === "Chunk" ? [[...item.payload], item.timestamp] : item._tag)
      assert.deepStrictEqual(read?.items.map(kept), items.map(kept))
    }
  )

  it.prop("K38 of any bytes is read, or is none", [Bytes], ([any]) => {
    const read = decode(Uint8Array.from(any))
    if (read === undefined) return
    assert.isTrue(Number.isSafeInteger(read.from))
    assert.isAtMost(read.items.length, any.length)
  })
})

const chunk = new ItemWriter().write({ _tag: "Chunk", payload: bytes(0), metadata: {}, timestamp: 0 })

describe("a stream", () => {
  it.effect.prop(
    "K42 whatever order chunks come in, each is handled once, in order, and no gap is passed over",
    [Places],
    ([places]) =>
      Effect.gen(function* () {
        const { here, toClient, toServer } = yield* talk(Memory.make())
        const got: Array<number> = []
        yield* here.register(toServer, "s", (chunk) => Effect.sync(() => got.push(chunk.sequence)), { window: 8 })
        // It has asked what is produced, of which this producer says nothing.
        yield* Effect.repeat(toServer.stats, { until: ({ requests }) => requests.succeeded === 2 })
        let next = 1
        let gaps = 0
        let duplicates = 0
        for (const place of places) {
          if (place > next) gaps++
          if (place < next) duplicates++
          if (place === next) next++
          assert.strictEqual((yield* toClient.request("@stream.chunks", raw("s", [place]))).next, next)
        }
        const stats = yield* here.stats
        assert.deepStrictEqual([stats.gaps, stats.duplicates], [gaps, duplicates])
        yield* Effect.repeat(Effect.yieldNow, { until: () => got.length === next - 1 })
        assert.deepStrictEqual(got, upTo(next - 1))
      }).pipe(Effect.scoped)
  )

  it.effect("waits for the frames that one was sent behind, whichever comes first; without those it is a gap", () =>
    Effect.gen(function* () {
      const { here, toClient, toServer } = yield* talk(Memory.make())
      const got: Array<number> = []
      yield* here.register(toServer, "s", (chunk) => Effect.sync(() => got.push(chunk.sequence)))
      yield* Effect.repeat(toServer.stats, { until: ({ requests }) => requests.succeeded === 2 })
      const send = (kind: Kind, from: number, count: number) =>
        Effect.forkChild(
          Effect.map(
            toClient.request(
              "@stream.chunks",
              new BatchWriter().write(
                "s",
                kind,
                from,
                Array.from({ length: count }, () => chunk)
              )
            ),
            ({ next }) => next
          )
        )
      const later = yield* send(Kind.Behind, 4, 2)
      const last = yield* send(Kind.Behind, 6, 1)
      yield* toClient.request("echo", "behind them")
      assert.isUndefined(later.pollUnsafe())
      const first = yield* send(Kind.Reliable, 1, 3)
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(later), yield* Fiber.join(last)], [4, 6, 7])
      assert.deepStrictEqual(got, upTo(6))
      assert.strictEqual((yield* here.stats).gaps, 0)
      const lost = yield* send(Kind.Behind, 9, 1)
      yield* toClient.request("echo", "behind it")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(lost), 7)
      assert.strictEqual((yield* here.stats).gaps, 1)
    })
  )

  it.effect("has four frames underway, so that some are on their way while others are handled", () =>
    Effect.gen(function* () {
      const there = yield* DataStream.make()
      const got: Array<number> = []
      const latch = yield* Latch.make(true)
      let underway = 0
      const scope = yield* Effect.scope
      const server = yield* IpcServer.make(Memory.make(), Streams, {
        authenticator: Authentication.open,
        handlers: {
          ...there.handlers,
          "@stream.chunks": (frame, client) =>
            Effect.gen(function* () {
              underway++
              yield* Latch.await(latch)
              underway--
              return yield* there.handlers["@stream.chunks"](frame, client)
            }),
          start: ({ count, streamId }, client) =>
            there
              .register(client, streamId, (chunk) => Effect.sync(() => got.push(numberOf(chunk))))
              .pipe(Effect.as(count), Effect.provideService(Scope.Scope, scope), Effect.orDie),
          echo: (text) => Effect.succeed(text)
        }
      })
      const here = yield* DataStream.make()
      const client = yield* IpcClient.make(server.transport, Streams, {
        handlers: { ...here.handlers, echo: (text) => Effect.succeed(text) }
      })
      yield* client.request("start", { streamId: "s", count: 0, after: 0 })
      const sender = yield* here.open(client, "s", { window: 8 })
      // Until it is known how much room there is, one goes alone.
      yield* sender.send(bytes(1))
      yield* Effect.repeat(sender.stats, { until: ({ acknowledged }) => acknowledged === 1 })
      yield* Latch.close(latch)
      for (let n = 2; n <= 9; n++) yield* sender.send(bytes(n))
      yield* Effect.repeat(Effect.yieldNow, { until: () => underway === 4 })
      yield* client.request("echo", "behind them")
      assert.strictEqual(underway, 4)
      yield* Latch.open(latch)
      yield* sender.end
      assert.deepStrictEqual(got, upTo(9))
      assert.strictEqual((yield* there.stats).gaps, 0)
    })
  )

  it.effect("takes only windows and places that there are", () =>
    Effect.gen(function* () {
      const { here, there, toClient, toServer } = yield* talk(Memory.make())
      for (const options of [{ window: 0 }, { window: 1.5 }, { window: Number.NaN }, { after: -1 }, { after: 0.5 }]) {
        const errors = [
          yield* Effect.flip(here.register(toServer, "s", () => Effect.void, options)),
          yield* Effect.flip(here.toStream(toServer, "s", options)),
          yield* Effect.flip(there.open(toClient, "s", options))
        ]
        assert.deepStrictEqual(
          errors.map(({ _tag }) => _tag),
          ["InvalidArgument", "InvalidArgument", "InvalidArgument"]
        )
      }
      yield* here.register(toServer, "s", () => Effect.void)
      yield* there.open(toClient, "s")
      assert.strictEqual((yield* Effect.flip(there.open(toClient, "s")))._tag, "StreamInUse")
      assert.deepStrictEqual([(yield* here.stats).receiving, (yield* there.stats).sending], [1, 1])
    })
  )

  it.effect("goes on behind a chunk, on both sides; those that the receiver has are not handled again", () =>
    Effect.gen(function* () {
      const { here, there, toClient, toServer } = yield* talk(Memory.make())
      const rest = yield* here.toStream(toServer, "rest", { after: 3 })
      yield* Effect.forkChild(Effect.scoped(sendNumbers(there, toClient, "rest", [4, 5], { after: 3 })))
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(rest, numberOf)), [4, 5])
      const again = yield* here.toStream(toServer, "again", { after: 3 })
      yield* Effect.forkChild(Effect.scoped(sendNumbers(there, toClient, "again", upTo(5))))
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(again, numberOf)), [4, 5])
      // Behind what the receiver waits for.
      yield* here.register(toServer, "late", () => Effect.void)
      const sender = yield* there.open(toClient, "late", { after: 3 })
      yield* sender.send(bytes(4))
      const error = yield* Effect.flip(sender.ended)
      assert.deepStrictEqual([error._tag, "sequence" in error ? error.sequence : -1], ["StreamLost", 0])
      assert.strictEqual((yield* here.stats).gaps, 1)
    })
  )

  it.effect("K38 with a chunk that no frame can carry fails with FrameTooLarge, and nothing else does", () =>
    Effect.gen(function* () {
      const { here, there, toClient, toServer } = yield* talk(Memory.make({ maxFrame: 4096 }))
      const chunks = yield* here.toStream(toServer, "small")
      yield* Effect.forkChild(
        there.fromStream(
          toClient,
          "small",
          Stream.map(Stream.range(1, 40), (n) => new Uint8Array(1000).fill(n))
        )
      )
      const sizes = yield* Stream.runCollect(Stream.map(chunks, ({ payload }) => payload[0]! + payload.length))
      assert.deepStrictEqual(
        sizes,
        upTo(40).map((n) => n + 1000)
      )
      yield* here.register(toServer, "large", () => Effect.void)
      const sender = yield* there.open(toClient, "large")
      yield* sender.send(new Uint8Array(5000))
      assert.strictEqual((yield* Effect.flip(sender.ended))._tag, "FrameTooLarge")
      assert.strictEqual(yield* toServer.request("echo", "on"), "on")
    })
  )

  it.effect("goes between a server and its clients as well", () =>
    Effect.gen(function* () {
      const there = yield* DataStream.make()
      const server = yield* IpcServer.make(Memory.make(), Streams, {
        authenticator: Authentication.open,
        handlers: {
          ...there.handlers,
          start: ({ count, streamId }, client) =>
            Effect.as(Effect.scoped(Effect.orDie(sendNumbers(there, client, streamId, upTo(count)))), count),
          echo: (text) => Effect.succeed(text)
        }
      })
      const here = yield* DataStream.make()
      const client = yield* IpcClient.make(server.transport, Streams, {
        handlers: { ...here.handlers, echo: (text) => Effect.succeed(text) }
      })
      const chunks = yield* here.toStream(client, "s")
      yield* Effect.forkChild(client.request("start", { streamId: "s", count: 100, after: 0 }))
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(chunks, numberOf)), upTo(100))
    })
  )
})
