/**
 * A consumer that is slower than its producer: what waits is bounded by the windows, however long the stream is.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import { type DataStream, Memory } from "troupe/net"
import type { Transport } from "../../src/net/Transport.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { heapUsed } from "../support/heap.ts"
import { talk } from "./streams.ts"

// A million take half a minute over each transport: fewer are what every run of the tests does.
const count = process.env["TROUPE_STREAMS"] === "full" ? 1_000_000 : 50_000
const size = 1024
const window = 64

const Megabyte = 1024 * 1024

const transports: ReadonlyArray<readonly [string, Effect.Effect<Transport, unknown, Scope.Scope>]> = [
  ["memory", Effect.sync(() => Memory.make())],
  ["unix", Effect.map(directory, (folder) => Unix.make({ path: join(folder, "slow.sock") }))]
]

/** All that is in use, without garbage: on the heap, and the bytes of chunks and frames beside it. */
const inUse = Effect.map(heapUsed, (heap) => heap + process.memoryUsage().arrayBuffers)

const numberOf = ({ payload }: DataStream.Chunk): number =>
  new DataView(payload.buffer, payload.byteOffset).getUint32(0)

const payload = new Uint8Array(size)
const view = new DataView(payload.buffer)
const numbered = (n: number): Uint8Array => {
  view.setUint32(0, n)
  return payload
}

/** Takes in what a consumer is given that gives way after each chunk, and how much is in use meanwhile. */
const slowly = () => {
  const seen = { handled: 0, last: 0, isOrdered: true, size: 0 }
  const memory: Array<number> = []
  const take = (chunk: DataStream.Chunk) =>
    Effect.gen(function* () {
      const n = numberOf(chunk)
      if (n <= seen.last) seen.isOrdered = false
      seen.last = n
      seen.size += chunk.payload.length
      if (++seen.handled % (count / 10) === 0) memory.push(yield* inUse)
      yield* Effect.yieldNow
    })
  return { seen, memory, take }
}

for (const [name, make] of transports) {
  describe(`${name}, ${count.toLocaleString("en")} chunks of ${size} bytes`, () => {
    it.live(
      "I12 a slow consumer: the producer is suspended at the windows, and memory is bounded by them",
      () =>
        Effect.gen(function* () {
          const { here, there, toClient, toServer } = yield* talk(yield* make)
          const { memory, seen, take } = slowly()
          let sent = 0
          let lead = 0
          const before = yield* inUse
          const receiver = yield* here.register(
            toServer,
            "s",
            (chunk) => {
              lead = Math.max(lead, sent - seen.handled)
              return take(chunk)
            },
            { window }
          )
          const sender = yield* there.open(toClient, "s", { window })
          for (let n = 1; n <= count; n++) {
            yield* sender.send(numbered(n))
            sent++
          }
          yield* sender.end
          yield* receiver.ended
          assert.deepStrictEqual(seen, { handled: count, last: count, isOrdered: true, size: count * size })
          // The windows of both sides, and one that is handled; the producer was held there.
          assert.isAtMost(lead, 2 * window + 1)
          assert.isAbove(lead, window)
          assert.strictEqual(memory.length, 10)
          const [first = 0, ...others] = memory
          assert.isBelow(first - before, 4 * Megabyte)
          assert.isBelow(Math.max(...others) - first, Megabyte)
        }),
      900_000
    )

    it.live(
      "I12 K25 a slow consumer of a latency-first stream: no send waits, each chunk is handled or counted as dropped",
      () =>
        Effect.gen(function* () {
          const { here, there, toClient, toServer } = yield* talk(yield* make)
          const { seen, take } = slowly()
          const before = yield* inUse
          const memory: Array<number> = []
          const receiver = yield* here.register(toServer, "s", take, { window })
          const sender = yield* there.open(toClient, "s", { mode: "latency-first", window })
          for (let n = 1; n <= count; n++) {
            yield* sender.send(numbered(n))
            if (n % 16 === 0) yield* Effect.yieldNow
            if (n % (count / 10) === 0) memory.push(yield* inUse)
          }
          yield* sender.end
          yield* receiver.ended
          const [there_, here_] = [yield* sender.stats, yield* receiver.stats]
          assert.strictEqual(there_.accepted, count)
          assert.strictEqual(here_.handled, seen.handled)
          assert.strictEqual(here_.handled + here_.dropped + there_.dropped, count)
          assert.isAbove(here_.dropped + there_.dropped, count / 2)
          assert.isTrue(seen.isOrdered)
          assert.isBelow(Math.max(...memory) - before, 4 * Megabyte)
        }),
      900_000
    )
  })
}
