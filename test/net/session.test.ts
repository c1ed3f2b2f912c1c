import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { createServer, type Socket } from "node:net"
import { join } from "node:path"
import { Acceptor, Authentication, Connection, Protocol, type Transport } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { routesOf } from "../../src/net/internal/session/codec.ts"
import { Counters } from "../../src/net/internal/session/Counters.ts"
import { meet, reach } from "../../src/net/internal/session/handshake.ts"
import { decode, encode, Kind } from "../../src/net/internal/session/packet.ts"
import { type Owner, Session } from "../../src/net/internal/session/Session.ts"
import { deadlinesFor } from "../../src/process/internal/deadlines.ts"
import { directory } from "../support/files.ts"
import { explore } from "../support/schedules.ts"

/** A wire to a side that takes nothing and says nothing. */
const stuck: Transport.Wire = {
  transport: "test",
  peer: { address: "nowhere" },
  maxFrame: 1024,
  send: () => Effect.never,
  sendAll: () => Effect.never,
  receive: Effect.never,
  closed: Effect.never,
  close: Effect.void
}

const ownerOf = (fiber: Fiber.Fiber<unknown, unknown>): Owner => ({
  counters: new Counters(),
  heartbeat: { interval: Duration.seconds(1), misses: 3 },
  deadlines: deadlinesFor(fiber),
  take: () => true,
  onVerified: () => {},
  onRoom: () => {}
})

describe("a session", () => {
  it.effect("has the routes that all connections of its protocol have", () =>
    Effect.sync(() => {
      const { client, server } = Protocol.make("test:shared", { server: [Rpc.make("note", { payload: Schema.Int })] })
      assert.strictEqual(routesOf(server), routesOf(server))
      assert.notStrictEqual<unknown>(routesOf(server), routesOf(client))
    })
  )

  it.effect("is closed at once where what writes has died: nothing more will be written", () =>
    Effect.gen(function* () {
      const broken = { ...stuck, sendAll: () => Effect.die("the wire is broken") }
      const session = new Session(broken, "one", ownerOf(yield* Effect.fiber))
      const running = yield* Effect.forkChild(session.run([]), { startImmediately: true })
      session.say(Kind.Pong, 0)
      yield* session.close
      yield* Fiber.interrupt(running)
    })
  )

  it.effect("writes what was posted before it began, and all that is posted while it writes, in its order", () =>
    explore(
      Effect.gen(function* () {
        const sent: Array<number> = []
        let [writing, most] = [0, 0]
        const slow: Transport.Wire = {
          ...stuck,
          sendAll: (frames) =>
            Effect.gen(function* () {
              most = Math.max(most, ++writing)
              yield* Effect.sleep("1 millis")
              for (const frame of frames) sent.push(decode(frame)!.number)
              writing--
            })
        }
        const session = new Session(slow, "one", ownerOf(yield* Effect.fiber))
        session.say(Kind.Interrupt, 1)
        session.say(Kind.Interrupt, 2)
        const running = yield* Effect.forkChild(session.run([]))
        yield* Effect.yieldNow
        for (const number of [3, 4, 5]) {
          session.say(Kind.Interrupt, number)
          yield* Effect.yieldNow
        }
        yield* session.close
        assert.deepStrictEqual([sent, most], [[1, 2, 3, 4, 5], 1])
        yield* Fiber.interrupt(running)
      }),
      { schedules: 1_000 }
    )
  )

  it.effect("tells that there is room again when what was too much is written, and not before", () =>
    Effect.gen(function* () {
      const written = yield* Deferred.make<void>()
      let told = 0
      const owner: Owner = { ...ownerOf(yield* Effect.fiber), onRoom: () => void told++ }
      const session = new Session({ ...stuck, sendAll: () => Deferred.await(written) }, "one", owner)
      const running = yield* Effect.forkChild(session.run([]), { startImmediately: true })
      const frame = encode(Kind.Bytes, 0, new Uint8Array(600 * 1024))
      session.post(frame)
      assert.isFalse(session.isBehind)
      session.post(frame)
      assert.isTrue(session.isBehind)
      assert.strictEqual(told, 0)
      yield* Deferred.succeed(written, undefined)
      yield* session.close
      assert.deepStrictEqual([session.isBehind, told], [false, 1])
      yield* Fiber.interrupt(running)
    })
  )

  it.effect("leaves no heartbeat behind where the ping itself ends it", () =>
    explore(
      Effect.gen(function* () {
        const session = new Session(stuck, "one", ownerOf(yield* Effect.fiber))
        const running = yield* Effect.forkChild(session.run([]))
        yield* Effect.sleep("500 millis")
        // The first one is being written; of those behind it there are as many as may wait.
        for (let i = 0; i <= 65_536; i++) {
          session.say(Kind.Pong, 0)
          if (i === 0) yield* Effect.sleep("1 millis")
        }
        assert.include((yield* Fiber.join(running)).message, "65537 frames wait")
      }),
      { schedules: 10 }
    )
  )

  it.live("I12 grants room for tells while it handles those that came with them", () =>
    Effect.gen(function* () {
      const Notes = Protocol.make("test:notes", { server: [Rpc.make("note", { payload: Schema.Int })] })
      const transport = Unix.make({ path: join(yield* directory, "notes.sock") })
      const sockets: Array<Socket> = []
      const onSocket = (message: unknown) => void sockets.push((message as { readonly socket: Socket }).socket)
      yield* Effect.acquireRelease(
        Effect.sync(() => subscribe("net.server.socket", onSocket)),
        () => Effect.sync(() => unsubscribe("net.server.socket", onSocket))
      )
      // How much had been written when each was handled.
      const written: Array<number> = []
      const turns = new Set<number>()
      let turn = 0
      yield* Acceptor.make(transport, Notes, {
        authenticator: Authentication.open,
        handlers: {
          note: () =>
            Effect.sync(() => {
              setImmediate(() => turn++)
              turns.add(turn)
              written.push(sockets[0]!.bytesWritten)
            })
        }
      })
      const caller = { protocol: Notes.name, instance: undefined, connection: "teller", credentials: undefined }
      const wire = yield* reach(transport, caller)
      yield* meet(wire, caller)
      const [first, ...others] = Array.from({ length: 256 }, (_, n) => encode(Kind.Tell, 0, String(n), "note"))
      yield* wire.sendAll([first!, ...others])
      yield* Effect.repeat(Effect.sleep("1 millis"), { until: () => written.length === 256 })
      // All in one event, at the end of which everything else goes out.
      assert.strictEqual(turns.size, 1)
      assert.strictEqual(written[127], written[0])
      assert.isAbove(written[128]!, written[127]!)
      const granted = (yield* wire.receive).map(decode)
      assert.deepStrictEqual(
        granted.map((packet) => [packet?.kind, packet?.number]),
        granted.map(() => [Kind.MoreTells, 128])
      )
    })
  )
})

describe("a packet", () => {
  it("has its own route, whichever were read before", () => {
    const routes = Array.from({ length: 2000 }, (_, n) => `${"route".repeat(n % 40)} ${n}`)
    for (const route of [...routes, ...routes.toReversed(), ...routes.flatMap((one) => [one, one])]) {
      assert.strictEqual(decode(encode(Kind.Tell, 0, "1", route))?.route, route)
    }
  })
})

describe("one that connects", () => {
  it.live("says who it is before the other side has said a word, where it has no credentials to wait for", () =>
    Effect.gen(function* () {
      const transport = Unix.make({ path: join(yield* directory, "silent.sock") })
      // Beneath the transport, so that nobody answers.
      const heard = yield* silent(transport.address)
      yield* Effect.forkScoped(Connection.connect(transport, Protocol.make("test:early", {}), { reconnect: "never" }))
      yield* Effect.repeat(Effect.sleep("1 millis"), { until: () => heard().includes('"protocol":"test:early"') })
    })
  )
})

const silent = (path: string) =>
  Effect.gen(function* () {
    let heard = ""
    const server = createServer((socket) => {
      socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")))
      socket.on("error", () => {})
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(path, () => resume(Effect.void))),
      () => Effect.sync(() => server.close())
    )
    return () => heard
  })
