/** Clients that do not keep up with what is pushed to them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch } from "effect"
import { Selectable } from "troupe"
import { Memory } from "troupe/net"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { enter, serve, socket } from "./rooms.ts"
import { program, until } from "./sockets.ts"

// What may be underway to a side that handles nothing.
const window = 256

describe("the backlog of a client", () => {
  it.effect(
    "K47 takes as many messages as it may have; the next one has the client disconnected, told, and counted",
    () =>
      Effect.gen(function* () {
        const server = yield* serve(Memory.make(), { backlog: { messages: 100 } })
        const events = yield* server.events
        const stuck = yield* Latch.make()
        const slow = yield* enter(server.transport, { reconnect: "never", onSaid: () => stuck.await })
        const told = yield* slow.client.events
        const quick = yield* enter(server.transport)
        const { id } = slow.client
        for (let said = 0; said < window + 100; said++) yield* server.push(id, "said", said)
        assert.deepStrictEqual((yield* server.stats).pushes, { sent: window, dropped: 0, waiting: 100 })

        const error = yield* Effect.flip(server.push(id, "said", -1))
        assert(error._tag === "ClientUnreachable")
        assert.strictEqual(error.reason, "TooSlow")
        // Nothing goes to it any more, in the same step; others are not held up.
        assert.strictEqual(yield* server.pushToAll("said", 1), 1)
        const after = yield* Effect.flip(server.push(id, "said", -2))
        assert(after._tag === "ClientUnreachable")
        assert.strictEqual(after.reason, "NotConnected")

        const gone = Effect.repeat(Selectable.take(events), { until: ({ _tag }) => _tag === "Disconnected" })
        const disconnected = yield* gone
        assert(disconnected._tag === "Disconnected")
        assert.strictEqual(disconnected.client.id, id)
        assert.strictEqual(disconnected.reason, "TooSlow")
        assert.deepStrictEqual(yield* Effect.map(server.clients, (clients) => clients.map((client) => client.id)), [
          quick.client.id
        ])
        const stats = yield* server.stats
        assert.deepStrictEqual(stats.pushes, { sent: window + 1, dropped: 101, waiting: 0 })
        assert.strictEqual(stats.tooSlow, 1)

        assert.strictEqual((yield* Selectable.take(told))._tag, "Connected")
        const end = yield* Selectable.take(told)
        assert(end._tag === "Disconnected")
        assert.strictEqual(end.dismissal?.reason, "TooSlow")
        assert.deepStrictEqual(slow.heard, [0])
      })
  )

  it.effect("K47 is over by its bytes as well, whichever comes first", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make(), { backlog: { bytes: 10_000 } })
      const stuck = yield* Latch.make()
      const { client } = yield* enter(server.transport, { reconnect: "never", onSaid: () => stuck.await })
      for (let said = 0; said < window; said++) yield* server.push(client.id, "said", said)
      const frame = new Uint8Array(4000)
      yield* server.push(client.id, "bytes", frame)
      yield* server.push(client.id, "bytes", frame)
      const error = yield* Effect.flip(server.push(client.id, "bytes", frame))
      assert.strictEqual(error._tag, "ClientUnreachable")
    })
  )

  it.effect("K47 goes out as the client takes it, and then there is room again", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make(), { backlog: { messages: 100 } })
      const stuck = yield* Latch.make()
      const { client, heard } = yield* enter(server.transport, { onSaid: () => stuck.await })
      const sent: Array<number> = []
      const pushAll = Effect.fnUntraced(function* (count: number) {
        for (let i = 0; i < count; i++) {
          yield* server.push(client.id, "said", sent.length)
          sent.push(sent.length)
        }
      })
      yield* pushAll(window + 100)
      yield* stuck.open
      yield* Effect.repeat(Effect.yieldNow, { until: () => heard.length === sent.length })
      yield* stuck.close
      // The client has said of all but the last few that it has them.
      yield* pushAll(window / 2 + 100)
      yield* stuck.open
      yield* Effect.repeat(Effect.yieldNow, { until: () => heard.length === sent.length })
      assert.deepStrictEqual(heard, sent)
      assert.strictEqual((yield* server.stats).tooSlow, 0)
    })
  )

  it.effect("has nothing in it that the other side could not take", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make({ maxFrame: 1000 }))
      const { client } = yield* enter(server.transport)
      const tooLarge = yield* Effect.flip(server.pushToAll("bytes", new Uint8Array(2000)))
      assert.strictEqual(tooLarge._tag, "FrameTooLarge")
      const wrong = yield* Effect.flip(server.push(client.id, "said", 1.5))
      assert.strictEqual(wrong._tag, "InvalidMessage")
      assert.deepStrictEqual((yield* server.stats).pushes, { sent: 0, dropped: 0, waiting: 0 })
      assert.strictEqual(yield* server.pushToAll("bytes", new Uint8Array(10)), 1)
    })
  )

  it.live(
    "K47 of a program that was stopped is bounded, and the others hear everything in order meanwhile",
    () =>
      Effect.gen(function* () {
        const { address: path } = yield* socket
        const server = yield* serve(Unix.make({ path }), { backlog: { messages: 1000 } })
        const frozen = yield* program(`
        import { Effect } from "effect"
        import { IpcClient } from "troupe/net"
        import { Rooms } from "./test/net/rooms.ts"
        import * as Unix from "troupe/net/unix"
        const nothing = () => Effect.void
        const handlers = { said: nothing, bytes: nothing, name: () => Effect.succeed("frozen") }
        const client = Effect.gen(function* () {
          const one = yield* IpcClient.connect(Unix.make({ path: ${JSON.stringify(path)} }), Rooms, { handlers })
          yield* one.subscribe("enter", "blue")
          console.log("entered")
          return yield* Effect.never
        })
        await Effect.runPromise(Effect.scoped(client))
      `)
        yield* frozen.said("entered")
        const [inside] = yield* server.members("blue")
        const quick = yield* enter(Unix.make({ path }))
        yield* quick.client.subscribe("enter", "blue")
        yield* frozen.kill("SIGSTOP")

        const sent: Array<number> = []
        const kilobyte = new Uint8Array(1024)
        const before = process.memoryUsage().arrayBuffers
        // In portions that the backlog of the quick one takes in any case.
        for (let portion = 0; portion < 20; portion++) {
          for (let i = 0; i < 500; i++) {
            yield* server.pushToGroup("blue", "said", sent.length)
            yield* server.pushToGroup("blue", "bytes", kilobyte)
            sent.push(sent.length)
          }
          yield* until(() => quick.heard.length === sent.length)
        }
        assert.deepStrictEqual(quick.heard, sent)
        assert.strictEqual((yield* server.stats).tooSlow, 1)
        assert.deepStrictEqual(
          (yield* server.members("blue")).map(({ id }) => id),
          [quick.client.id]
        )
        assert.isTrue((yield* inside!.stats).messagesOut < 2000)
        assert.isBelow(process.memoryUsage().arrayBuffers - before, 64 * 1024 * 1024)
        assert.strictEqual((yield* server.stats).pushes.waiting, 0)
        yield* frozen.kill("SIGCONT")
      }),
    30_000
  )
})
