/** Connections to whichever of the servers that are found takes them. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Redacted, Schedule, Schema, type Scope } from "effect"
import { Rpc } from "effect/rpc"
import {
  Acceptor,
  Address,
  Authentication,
  type Connection,
  Directory,
  InstanceId,
  Memory,
  Offer,
  Protocol,
  type Transport
} from "troupe/net"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { announcementOf, built, part, rangeOf, typeOf } from "./announced.ts"

const EchoRoute = Rpc.make("echo", { payload: Schema.String, success: Schema.String })
const Echo = Protocol.make("test:echo", { server: [EchoRoute] })
const Marked = Protocol.make("test:marked", {
  server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })],
  client: [Rpc.make("mark", { payload: Schema.String, success: Schema.String })]
})

const secret = Redacted.make("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")

const withDirectory = <A, E>(effect: Effect.Effect<A, E, Directory.Directory | Scope.Scope>) =>
  Effect.flatMap(built(Directory.layerMemory), (context) => Effect.provide(effect, context))

/** Servers whose transports have the same name, which are told apart by their addresses. */
const named = (transport: Transport.Transport, address: string): Transport.Transport => ({
  ...transport,
  name: "memory",
  address,
  connect: transport.connect,
  listen: (serve) =>
    Effect.map(transport.listen(serve), (listening) => ({
      ...listening,
      transport: named(listening.transport, address)
    }))
})

/** Dials transports in memory by their addresses, and counts how often. */
const places = () => {
  const made = new Map<string, Transport.Transport>()
  const dialed: Array<string> = []
  const at = (address: string) => {
    const transport = made.get(address) ?? named(Memory.make(), address)
    made.set(address, transport)
    return transport
  }
  const dialer: Address.Dialer = {
    transport: "memory",
    dial: ({ address }) =>
      Effect.sync(() => {
        dialed.push(address)
        return at(address)
      })
  }
  return { at, dialed, dialers: [dialer] }
}

const serve = Effect.fnUntraced(function* (
  instance: string,
  transport: Transport.Transport,
  authenticator: Authentication.Authenticator | undefined = Authentication.open
) {
  return yield* Offer.exported(yield* typeOf("acme/Echo@1.0.0"), Echo, {
    instanceId: yield* Effect.orDie(InstanceId.make({ runtime: "process", namespace: "test", instance })),
    transports: [transport],
    authenticator,
    handlers: { echo: (text) => Effect.succeed(`${instance} ${text}`) }
  })
})

const announceOnly = Effect.fnUntraced(function* (instance: string, ...addresses: ReadonlyArray<Transport.Transport>) {
  const directory = yield* Directory.Directory
  const announcement = yield* announcementOf("acme/Echo@1.0.0", instance, {
    addresses: addresses.map((transport) => Address.of(transport))
  })
  return yield* directory.announce(announcement)
})

describe("connecting to what is found", () => {
  it.live("is connecting to the best, by the instance that it is", () =>
    Effect.gen(function* () {
      const { at, dialed, dialers } = places()
      const one = yield* serve("1", at("one"))
      yield* serve("2", at("two"))
      const range = yield* rangeOf("acme/Echo@^1.0.0")
      const first = yield* Directory.connect(range, Echo, { dialers })
      assert.strictEqual(yield* first.request("echo", "hello"), "1 hello")
      assert.strictEqual(String(first.instanceId), "process/test/1")
      assert.deepStrictEqual(dialed, ["one"])
      yield* one.announced.report({ health: "unhealthy" })
      const directory = yield* Directory.Directory
      yield* Effect.repeat(directory.discover(range), { until: ([best]) => best.instanceId.instance === "2" })
      const second = yield* Directory.connect(range, Echo, { dialers })
      assert.strictEqual(yield* second.request("echo", "hello"), "2 hello")
    }).pipe(withDirectory)
  )

  it.live("goes on with the next one when one is gone, lets nobody in, is another one by now, or is out of reach", () =>
    Effect.gen(function* () {
      const { at, dialed, dialers } = places()
      yield* announceOnly("1", at("gone"))
      yield* serve("2", at("closed"), Authentication.sharedSecret(secret))
      yield* announceOnly("3", at("another"))
      yield* Acceptor.make(at("another"), Echo, {
        instanceId: yield* InstanceId.parse("process/test/33"),
        authenticator: Authentication.open,
        handlers: { echo: Effect.succeed }
      })
      yield* announceOnly("4", Unix.make({ path: "/run/echo.sock" }))
      yield* serve("5", at("five"))
      yield* serve("6", at("six"))
      const connection = yield* Directory.connect(yield* rangeOf("acme/Echo"), Echo, { dialers })
      assert.strictEqual(yield* connection.request("echo", "hello"), "5 hello")
      assert.deepStrictEqual(dialed, ["gone", "closed", "another", "five"])
    }).pipe(withDirectory)
  )

  it.live("fails with each attempt when none takes the connection, and leaves nothing open", () =>
    Effect.gen(function* () {
      const { at, dialers } = places()
      yield* announceOnly("1", at("gone"))
      yield* announceOnly("2", Unix.make({ path: "/run/echo.sock" }))
      const range = yield* rangeOf("acme/Echo")
      const error = yield* Effect.flip(Directory.connect(range, Echo, { dialers, reconnect: Schedule.forever }))
      if (error._tag !== "NoneReachable") return assert.fail(error.message)
      assert.deepStrictEqual(
        error.attempts.map(({ error, instanceId }) => `${instanceId.instance} ${error._tag}`),
        ["1 ConnectionFailed", "2 NotDialable"]
      )
      assert.match(
        error.message,
        /^No server for acme\/Echo@\* takes the connection\. acme\/Echo@1\.0\.0 at process\/test\/1: No connection could be made\. .+ try again then, or start one\.$/
      )
      // Had an attempt stayed, it would connect to who comes later.
      const late = yield* serve("3", at("gone"))
      yield* Effect.sleep("50 millis")
      assert.strictEqual((yield* late.acceptors[0]!.connections).length, 0)
    }).pipe(withDirectory)
  )

  it.live("fails as a search does when there is nobody", () =>
    Effect.gen(function* () {
      const { at, dialers } = places()
      const connect = Effect.fnUntraced(function* (range: string) {
        return yield* Effect.flip(Directory.connect(yield* rangeOf(range), Echo, { dialers }))
      })
      assert.strictEqual((yield* connect("acme/Echo"))._tag, "UnknownType")
      yield* serve("1", at("one"))
      assert.strictEqual((yield* connect("acme/Echo@^2.0.0"))._tag, "NoCandidate")
    }).pipe(withDirectory)
  )

  it.live("does not try those that were known last when the directory is not there", () =>
    Effect.gen(function* () {
      const { at, dialed, dialers } = places()
      const absent = built(Directory.layer(Memory.make(), { timeout: "50 millis" }))
      yield* serve("1", at("one"))
      const error = yield* Effect.flip(
        Effect.flatMap(absent, (context) =>
          Effect.provide(
            Effect.flatMap(rangeOf("acme/Echo"), (range) => Directory.connect(range, Echo, { dialers })),
            context
          )
        )
      )
      assert.strictEqual(error._tag, "DirectoryUnavailable")
      assert.deepStrictEqual(dialed, [])
    }).pipe(withDirectory)
  )

  it.live("has the link made again to the same instance, and to no other; the connection ends when told to", () =>
    Effect.gen(function* () {
      const { at, dialers } = places()
      const first = yield* part(serve("1", at("one")))
      const connection = yield* Directory.connect(yield* rangeOf("acme/Echo"), Echo, {
        dialers,
        reconnect: Schedule.spaced("10 millis")
      })
      yield* first.end
      const again = yield* part(serve("1", at("one")))
      assert.strictEqual(yield* connection.request("echo", "back"), "1 back")
      yield* again.end
      // In its place there is another one now.
      yield* serve("2", at("one"))
      const { message } = yield* connection.closed
      assert.include(message, "Make a new one.")
      const next = yield* Directory.connect(yield* rangeOf("acme/Echo"), Echo, { dialers })
      assert.strictEqual(yield* next.request("echo", "hello"), "2 hello")
    }).pipe(withDirectory)
  )

  it.live("hands on what handles the routes of this side, and the types of both", () =>
    Effect.gen(function* () {
      const { at, dialers } = places()
      yield* Offer.exported(yield* typeOf("acme/Marked@1.0.0"), Marked, {
        instanceId: yield* Effect.orDie(InstanceId.parse("process/test/1")),
        transports: [at("one")],
        authenticator: Authentication.open,
        handlers: { echo: (text, caller) => Effect.orDie(caller.request("mark", text)) }
      })
      const range = yield* rangeOf("acme/Marked")
      const connection = yield* Directory.connect(range, Marked, {
        dialers,
        handlers: { mark: (text) => Effect.map(Suffix, (suffix) => `${text}${suffix}`) }
      })
      assert.strictEqual(yield* connection.request("echo", "hello"), "hello!")
      const typed: Effect.Effect<
        Connection.Connection<typeof EchoRoute>,
        unknown,
        Directory.Directory | Scope.Scope
      > = Directory.connect(range, Echo, { dialers })
      assert.isDefined(typed)
      // @ts-expect-error this side has a route to handle
      assert.isDefined(Directory.connect(range, Marked, { dialers }))
      const handlers = { mark: Effect.succeed<string>, other: Effect.succeed<string> }
      // @ts-expect-error there is no such route
      assert.isDefined(Directory.connect(range, Marked, { dialers, handlers }))
      const instanceId = yield* InstanceId.parse("process/test/1")
      // @ts-expect-error the instance is the one that is found
      assert.isDefined(Directory.connect(range, Echo, { dialers, instanceId }))
    }).pipe(Effect.provideService(Suffix, "!"), withDirectory)
  )
})

class Suffix extends Context.Service<Suffix, string>()("test/Suffix") {}
