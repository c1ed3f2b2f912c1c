/** Servers and their clients over unix sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Latch, Layer, Redacted, Schema, Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { existsSync, statSync } from "node:fs"
import { Message, Process, ProcessHost, Selectable } from "troupe"
import { Acceptor, Authentication, Delegate, IpcClient, IpcServer, Memory, Protocol } from "troupe/net"
import { meet, reach } from "../../src/net/internal/session/handshake.ts"
import { Kind } from "../../src/net/internal/session/packet.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { because } from "./absent.ts"
import { enter, Rooms, serve, socket, tapped } from "./rooms.ts"
import { transports } from "./transports.ts"
import { lose, stale, until } from "./sockets.ts"

/** Runs what real sockets answer, while time stands still. */
const untilEffect = <E>(holds: Effect.Effect<boolean, E>) =>
  TestClock.withLive(Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), holds), { until: (held) => held }))

const next = <A>(events: Selectable.Selectable<A>) => Selectable.take(events)

const Double = Rpc.make("double", { payload: Schema.Int, success: Schema.Int, error: Schema.String })
const Note = Rpc.make("note", { payload: Schema.Int })
const Doubles = Protocol.make("test:doubles", { server: [Double, Note] })

/** Doubles numbers, but for 13; zero has the answer that was noted. */
const Doubling = Process.make("test:doubling", { protocol: [Double, Note] })

const DoublingLive = Doubling.toLayer(
  Effect.fn(function* () {
    let noted = 0
    while (true) {
      const message = yield* Doubling.receive()
      if (message.topic === "note") noted = message.payload
      else if (message.payload === 13) yield* Message.replyFail(message, "not this one")
      else yield* Message.reply(message, message.payload === 0 ? noted : message.payload * 2)
    }
  })
)

class SumsServer extends Context.Service<SumsServer, IpcServer.IpcServer>()("test:sums-server") {}
class SumsClient extends Context.Service<SumsClient, IpcClient.IpcClient<typeof Double>>()("test:sums-client") {}

const Sums = Protocol.make("test:sums", { server: [Double] })

const services = Layer.unwrap(
  Effect.map(socket, (transport) =>
    IpcClient.layer(SumsClient, transport, Sums).pipe(
      Layer.provideMerge(
        IpcServer.layer(SumsServer, transport, Sums, {
          authenticator: Authentication.open,
          handlers: { double: (n) => Effect.succeed(n * 2) }
        })
      )
    )
  )
)

describe("a client", () => {
  it.live("is known by its id and account on both sides, and is let in by its secret alone", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const shared = Redacted.make("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")
      const server = yield* serve(transport, {
        authenticator: Authentication.sharedSecret((account) => Effect.succeed(account === "ada" ? shared : undefined))
      })
      const events = yield* server.events
      const { client } = yield* enter(transport, {
        credentials: Authentication.secret({ account: "ada", secret: shared })
      })
      const came = yield* next(events)
      assert(came._tag === "Connected")
      assert.strictEqual(came.client.id, client.id)
      assert.deepStrictEqual(yield* came.client.identity, { account: "ada" })
      assert.deepStrictEqual(yield* client.identity, { account: "ada" })

      const stranger = yield* Effect.flip(enter(transport))
      assert.strictEqual(stranger.attempts[0].error._tag, "AuthenticationFailed")
      const refused = yield* next(events)
      assert(refused._tag === "Refused")
      assert.strictEqual(refused.error._tag, "AuthenticationFailed")
      assert.strictEqual((yield* server.stats).refused.unauthenticated, 1)
    })
  )

  it.live("is told of by events when it comes and goes, and why it has gone", () =>
    Effect.gen(function* () {
      const tap = tapped(yield* socket)
      const server = yield* serve(tap.transport)
      const events = yield* server.events
      const reasonOf = Effect.fnUntraced(function* (client: { readonly id: string }) {
        const gone = yield* next(events)
        assert(gone._tag === "Disconnected")
        assert.strictEqual(gone.client.id, client.id)
        assert.isUndefined(yield* server.client(client.id))
        return gone.reason
      })

      const left = yield* enter(tap.transport, { reconnect: "never" })
      assert.strictEqual((yield* next(events))._tag, "Connected")
      yield* left.client.close
      assert.strictEqual(yield* reasonOf(left.client), "Left")

      const lost = yield* enter(tap.transport, { reconnect: "never" })
      assert.strictEqual((yield* next(events))._tag, "Connected")
      yield* lose(tap.latest())
      assert.strictEqual(yield* reasonOf(lost.client), "Lost")

      const dismissed = yield* enter(tap.transport, { reconnect: "never" })
      const told = yield* dismissed.client.events
      assert.strictEqual((yield* next(told))._tag, "Connected")
      assert.strictEqual((yield* next(events))._tag, "Connected")
      const known = yield* server.client(dismissed.client.id)
      yield* known!.disconnect("the room is closed")
      assert.strictEqual(yield* reasonOf(dismissed.client), "Dismissed")
      const end = yield* next(told)
      assert(end._tag === "Disconnected")
      assert.deepStrictEqual(end.dismissal, { reason: "Dismissed", detail: "the room is closed" })

      const stopped = yield* enter(tap.transport, { reconnect: "never" })
      assert.strictEqual((yield* next(events))._tag, "Connected")
      yield* server.stop
      assert.strictEqual(yield* reasonOf(stopped.client), "Stopped")
    })
  )

  it.live("asks for the health of the server, and learns why there is none", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const scope = yield* Scope.make()
      yield* Scope.provide(serve(transport), scope)
      const { client } = yield* enter(transport, { reconnect: "never" })
      yield* enter(transport)
      const health = yield* client.healthCheck()
      assert.strictEqual(health.clients, 2)
      assert.isTrue(Duration.isGreaterThan(health.roundTrip, Duration.zero))
      assert.isTrue(Duration.isGreaterThanOrEqualTo(health.uptime, Duration.zero))
      yield* Scope.close(scope, Exit.void)
      yield* client.closed
      assert.strictEqual((yield* Effect.flip(client.healthCheck()))._tag, "ConnectionClosed")
    })
  )

  it.effect("K5 is told that the health check took too long, when the server's program stands still", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const standstill = Protocol.make(Rooms.name, { server: [Rpc.make("@health")] })
      yield* Acceptor.make(transport, standstill, {
        authenticator: Authentication.open,
        handlers: { "@health": () => Effect.never }
      })
      const { client } = yield* enter(transport)
      const checking = yield* Effect.forkChild(Effect.flip(client.healthCheck({ timeout: "3 seconds" })), {
        startImmediately: true
      })
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(checking.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(checking)
      assert(error._tag === "Timeout")
      assert.strictEqual(error.milliseconds, 3000)
    })
  )

  it.live("K11 asks from within a push, and from within a stream", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const server = yield* serve(transport)
      const answers: Array<string> = []
      const { client } = yield* enter(transport, {
        name: "Grace",
        onSaid: (said, connection) =>
          Effect.orDie(connection.request("echo", `heard ${said}`)).pipe(
            Effect.map((answer) => void answers.push(answer))
          )
      })
      // The answer to the first is waited for while the second waits in line.
      assert.strictEqual(yield* server.pushToAll("said", 1), 1)
      assert.strictEqual(yield* server.pushToAll("said", 2), 1)
      yield* until(() => answers.length === 2)
      assert.deepStrictEqual(answers, ["heard 1", "heard 2"])
      // The server asks back for each value of the stream, and the client asks again for each that it takes.
      const pairs = yield* client.stream("names", 3).pipe(
        Stream.mapEffect((name) => client.request("echo", `${name}!`)),
        Stream.runCollect
      )
      assert.deepStrictEqual(pairs, ["Grace!", "Grace!", "Grace!"])
    })
  )

  it.effect("K33 after five reconnects exactly one heartbeat runs on each side", () =>
    Effect.gen(function* () {
      const tap = tapped(yield* socket)
      const server = yield* serve(tap.transport)
      // The schedule is the one of connections that ask for none: 3 seconds, a fifth more or less, after each link.
      const { client } = yield* enter(tap.transport, { reconnect: undefined })
      for (let links = 2; links <= 6; links++) {
        yield* lose(tap.latest())
        yield* untilEffect(Effect.map(client.state, ({ _tag }) => _tag === "Waiting"))
        yield* TestClock.adjust("2399 millis")
        assert.strictEqual((yield* client.state)._tag, "Waiting")
        yield* TestClock.adjust("1201 millis")
        yield* untilEffect(client.isConnected)
        assert.strictEqual((yield* client.stats).reconnects, links - 1)
      }
      yield* untilEffect(Effect.map(server.stats, ({ accepted, connections }) => accepted === 6 && connections === 1))
      for (let beat = 1; beat <= 4; beat++) {
        const before = tap.sent.filter((kind) => kind === Kind.Ping).length
        yield* TestClock.adjust("10 seconds")
        // What was sent before the answer to this has been counted.
        yield* client.request("echo", "")
        yield* client.request("who")
        assert.strictEqual(tap.sent.filter((kind) => kind === Kind.Ping).length - before, 2)
      }
    })
  )

  it.effect("K34 never connects again once it is closed: while it is connected, and while it waits", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const first = yield* Scope.make()
      const server = yield* Scope.provide(serve(transport), first)
      const connected = yield* enter(transport, { reconnect: undefined })
      const waiting = yield* enter(transport, { reconnect: undefined })
      yield* connected.client.close
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* server.stats).accepted, 2)

      yield* Scope.close(first, Exit.void)
      yield* untilEffect(Effect.map(waiting.client.state, ({ _tag }) => _tag === "Waiting"))
      yield* waiting.client.close
      const again = yield* serve(transport)
      yield* TestClock.adjust("10 minutes")
      // Somebody else is let in, so that there was time for those two.
      yield* enter(transport)
      assert.strictEqual((yield* again.stats).accepted, 1)
      for (const { client } of [connected, waiting]) {
        assert.strictEqual((yield* client.state)._tag, "Closed")
        assert.strictEqual((yield* Effect.flip(client.request("echo", "")))._tag, "ConnectionClosed")
      }
    })
  )
})

describe("pushes", () => {
  for (const { absent, make, name } of transports) {
    it.live.skipIf(absent !== undefined)(
      `K47 ${name}: reach one client, a group or all, those alone, and in order${because(absent)}`,
      () =>
        Effect.gen(function* () {
          const server = yield* serve(yield* make)
          const { transport } = server
          const ada = yield* enter(transport)
          const bob = yield* enter(transport)
          const cleo = yield* enter(transport)
          for (const { client } of [ada, bob]) yield* client.subscribe("enter", "blue")
          yield* cleo.client.subscribe("enter", "red")

          const expected = { ada: [] as Array<number>, bob: [] as Array<number>, cleo: [] as Array<number> }
          for (let round = 0; round < 300; round++) {
            const [one, group, all] = [round * 3, round * 3 + 1, round * 3 + 2]
            yield* server.push(bob.client.id, "said", one)
            assert.strictEqual(yield* server.pushToGroup("blue", "said", group), 2)
            assert.strictEqual(yield* server.pushToAll("said", all), 3)
            expected.ada.push(group, all)
            expected.bob.push(one, group, all)
            expected.cleo.push(all)
          }
          assert.strictEqual(yield* server.pushToGroup("green", "said", -1), 0)
          yield* until(() => ada.heard.length >= 600 && bob.heard.length >= 900 && cleo.heard.length >= 300)
          // Behind whatever else there might be.
          yield* server.pushToAll("said", -2)
          yield* until(() => [ada, bob, cleo].every(({ heard }) => heard.at(-1) === -2))
          assert.deepStrictEqual(ada.heard, [...expected.ada, -2])
          assert.deepStrictEqual(bob.heard, [...expected.bob, -2])
          assert.deepStrictEqual(cleo.heard, [...expected.cleo, -2])
          const { pushes } = yield* server.stats
          assert.deepStrictEqual(pushes, { sent: 1803, dropped: 0, waiting: 0 })
        })
    )
  }

  it.live("K47 come behind what was told before, and before what is told after", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const server = yield* serve(transport)
      const { client, heard } = yield* enter(transport)
      const known = yield* server.client(client.id)
      const sent: Array<number> = []
      for (let i = 0; i < 2000; i += 2) {
        sent.push(i, i + 1)
        yield* known!.push("said", i)
        yield* known!.tell("said", i + 1)
      }
      yield* until(() => heard.length === 2000)
      assert.deepStrictEqual(heard, sent)
    })
  )

  it.live("K47 to who has left a group, or is gone, reach nobody", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const server = yield* serve(transport)
      const ada = yield* enter(transport)
      const bob = yield* enter(transport, { reconnect: "never" })
      for (const { client } of [ada, bob]) yield* Effect.scoped(client.subscribe("enter", "blue"))
      assert.deepStrictEqual(yield* server.groups, ["blue"])
      yield* ada.client.request("leave", "blue")
      assert.strictEqual(yield* server.pushToGroup("blue", "said", 1), 1)
      yield* until(() => bob.heard.length === 1)
      const events = yield* server.events
      yield* bob.client.close
      assert.strictEqual((yield* next(events))._tag, "Disconnected")
      assert.deepStrictEqual(yield* server.groups, [])
      assert.strictEqual(yield* server.pushToGroup("blue", "said", 2), 0)
      const gone = yield* Effect.flip(server.push(bob.client.id, "said", 3))
      assert(gone._tag === "ClientUnreachable")
      assert.strictEqual(gone.reason, "NotConnected")
      yield* server.pushToAll("said", 4)
      yield* until(() => ada.heard.length === 1)
      assert.deepStrictEqual(ada.heard, [4])
    })
  )
})

describe("a server", () => {
  it.live("K48 stops: nobody is let in, what was admitted is answered, what was pushed arrives, then all closes", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const held = yield* Latch.make()
      const slow = yield* Latch.make()
      const server = yield* serve(transport, { hold: Effect.as(held.await, "at last") })
      const { client, heard } = yield* enter(transport, {
        reconnect: "never",
        onSaid: (said) => (said === 0 ? slow.await : Effect.void)
      })
      const waiting = yield* Effect.forkChild(client.request("hold"), { startImmediately: true })
      yield* client.request("echo", "")
      for (let said = 0; said < 600; said++) yield* server.pushToAll("said", said)
      assert.deepStrictEqual((yield* server.stats).pushes, { sent: 256, dropped: 0, waiting: 344 })

      const stopping = yield* Effect.forkChild(server.stop, { startImmediately: true })
      const refused = yield* Effect.flip(enter(transport, { reconnect: "never" }))
      assert.include(["Refused", "TransportError"], refused.attempts[0].error._tag)
      assert.isUndefined(stopping.pollUnsafe())
      yield* held.open
      assert.strictEqual(yield* Fiber.join(waiting), "at last")
      assert.isUndefined(stopping.pollUnsafe())
      yield* slow.open
      yield* Fiber.join(stopping)
      yield* client.closed
      assert.strictEqual(heard.length, 600)
      assert.deepStrictEqual((yield* server.stats).pushes, { sent: 600, dropped: 0, waiting: 0 })
      assert.isFalse(existsSync(transport.address))
    })
  )

  it.effect("K48 stops within the stop timeout, whatever is not done", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const server = yield* serve(transport, { stopTimeout: "7 seconds" })
      const { client } = yield* enter(transport, { reconnect: "never" })
      const waiting = yield* Effect.forkChild(Effect.flip(client.request("hold", undefined, { timeout: "1 hour" })))
      yield* untilEffect(Effect.map(server.stats, ({ handled }) => handled.running === 1))
      const stopping = yield* Effect.forkChild(server.stop, { startImmediately: true })
      yield* TestClock.adjust("6999 millis")
      // Real sockets have gone back and forth meanwhile.
      yield* Effect.flip(enter(transport, { reconnect: "never" }))
      assert.isUndefined(stopping.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(waiting)
      assert.include(["Unavailable", "ConnectionClosed"], error._tag)
      yield* Fiber.join(stopping)
      assert.isFalse(existsSync(transport.address))
    })
  )

  it.live("K46 passes on who may connect, takes over a stale socket, and leaves a living one alone", () =>
    Effect.gen(function* () {
      const { address: path } = yield* socket
      yield* stale(path)
      const transport = Unix.make({ path, mode: 0o660 })
      yield* serve(transport)
      assert.strictEqual(statSync(path).mode & 0o777, 0o660)
      const second = yield* Effect.flip(serve(transport))
      assert.strictEqual(second.reason, "AddressInUse")
      const { client } = yield* enter(transport)
      assert.strictEqual(yield* client.request("echo", "still there"), "still there")
    })
  )

  it.effect("K35 keeps the new link of a client when the old one, which was half open, ends behind it", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make())
      const events = yield* server.events
      // Two links of one client, of which the server believes that both are there.
      const link = Effect.gen(function* () {
        const caller = { protocol: Rooms.name, instance: undefined, connection: "ada", credentials: undefined }
        yield* meet(yield* reach(server.transport, caller), caller)
        const came = yield* next(events)
        assert(came._tag === "Connected")
        yield* came.client.join("blue")
        return came.client
      })
      const old = yield* link
      const present = yield* link
      const gone = yield* next(events)
      assert(gone._tag === "Disconnected")
      assert.strictEqual(gone.client, old)
      assert.strictEqual(gone.reason, "Lost")
      assert.strictEqual(yield* server.client("ada"), present)
      assert.deepStrictEqual(yield* server.members("blue"), [present])
      assert.isFalse(yield* old.join("red"))
      yield* server.push("ada", "said", 1)
      assert.deepStrictEqual(yield* server.groups, ["blue"])
    })
  )

  it.live("may refuse a route to a client", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      yield* serve(transport, {
        authorize: (route, client) =>
          Effect.flatMap(client.groups, (groups) =>
            route === "rooms" && groups.length === 0 ? Effect.fail("enter a room first") : Effect.void
          )
      })
      const { client } = yield* enter(transport)
      const denied = yield* Effect.flip(client.request("rooms"))
      assert(denied._tag === "PermissionDenied")
      assert.strictEqual(denied.detail, "enter a room first")
      yield* client.subscribe("enter", "blue")
      assert.deepStrictEqual(yield* client.request("rooms"), ["blue"])
      // The system's own is not up to the program.
      assert.strictEqual((yield* client.healthCheck()).clients, 1)
    })
  )

  it.live("has processes as handlers, whose typed errors are the route's and whose ends are not", () =>
    Effect.gen(function* () {
      const transport = yield* socket
      const pid = yield* Process.spawn(Doubling)
      yield* IpcServer.make(transport, Doubles, {
        authenticator: Authentication.open,
        handlers: { double: Delegate.call(pid, "double"), note: Delegate.send(pid, "note") }
      })
      const client = yield* IpcClient.connect(transport, Doubles)
      assert.strictEqual(yield* client.request("double", 21), 42)
      assert.strictEqual(yield* Effect.flip(client.request("double", 13)), "not this one")
      yield* client.tell("note", 7)
      assert.strictEqual(yield* client.request("double", 0), 7)
      yield* Process.kill(pid)
      const failed = yield* Effect.flip(client.request("double", 1))
      assert(typeof failed !== "string" && failed._tag === "HandlerFailed")
    }).pipe(Effect.provide([DoublingLive, ProcessHost.layer("app:processes")]))
  )

  it.live("and its clients are services", () =>
    Effect.gen(function* () {
      const client = yield* SumsClient
      const server = yield* SumsServer
      assert.strictEqual(yield* client.request("double", 21), 42)
      assert.strictEqual((yield* server.clients).length, 1)
    }).pipe(Effect.provide(services))
  )
})
