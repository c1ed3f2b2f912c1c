/** The choice among servers, what is announced of them, and their addresses. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, SemVer } from "effect"
import { ActorType, Address, Announcement, Discovery, InstanceId, Memory } from "troupe/net"
import * as DirectoryError from "../../src/net/DirectoryError.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Tls from "../../src/net/transport/node/Tls.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"
import { announcementOf, rangeOf, typeOf } from "./announced.ts"

const ranks = { healthy: 0, degraded: 1, unhealthy: 2 }

/** Servers of few names, versions and loads, so that many are alike. */
const Server = Schema.Struct({
  name: Schema.Literals(["Echo", "Other"]),
  version: Schema.Literals(["1.0.0", "1.2.0", "1.10.0", "2.0.0", "2.0.0-rc.1", "1.0.0+build"]),
  instance: Schema.Literals(["a", "b", "c", "d"]),
  health: Announcement.Health,
  load: Schema.Literals([0, 0.5, 1, 10])
})

const announced = ({ health, instance, load, name, version }: typeof Server.Type) =>
  announcementOf(`acme/${name}@${version}`, instance, { health, load })

/** Another order of the same, by a seed. */
const shuffled = <A>(all: ReadonlyArray<A>, seed: number): ReadonlyArray<A> =>
  all
    .map((one, at) => ({ one, by: Math.sin(seed + at) }))
    .toSorted((a, b) => a.by - b.by)
    .map(({ one }) => one)

const texts = (all: ReadonlyArray<Announcement.Announcement>) =>
  all.map(({ health, load, ...one }) => `${health} ${one.type} ${load} ${one.instanceId}`)

const Servers = Schema.Array(Server).check(Schema.isMaxLength(12))

describe("the choice", () => {
  it.effect.prop(
    "takes who is well and in the range, rejects the others of the type, and forgets nobody",
    [Servers],
    ([servers]) =>
      Effect.gen(function* () {
        const range = yield* rangeOf("acme/Echo@^1.0.0")
        const all = yield* Effect.forEach(servers, announced)
        const { candidates, rejected } = Discovery.select(range, all)
        const ofType = all.filter(({ type }) => type.name === "Echo")
        assert.strictEqual(candidates.length + rejected.length, ofType.length)
        for (const one of candidates) {
          assert.isTrue(ActorType.accepts(range, one.type))
          assert.notStrictEqual(one.health, "unhealthy")
        }
        const versions = rejected.filter(({ reason }) => reason === "Version")
        assert.isTrue(versions.every(({ type }) => !ActorType.accepts(range, type)))
        assert.strictEqual(versions.length, ofType.filter(({ type }) => !ActorType.accepts(range, type)).length)
      })
  )

  it.effect.prop("has the healthy first, of them the highest version, of them the least load", [Servers], ([servers]) =>
    Effect.gen(function* () {
      const { candidates } = Discovery.select(
        yield* rangeOf("acme/Echo@>=0"),
        yield* Effect.forEach(servers, announced)
      )
      for (const [at, next] of candidates.slice(1).entries()) {
        const one = candidates[at]!
        const byHealth = ranks[one.health] - ranks[next.health]
        const byVersion = -SemVer.Order(one.type.version, next.type.version)
        const order = byHealth || byVersion || one.load - next.load
        assert.isAtMost(order, 0, texts(candidates).join("\n"))
      }
    })
  )

  it.effect.prop("is the same, whatever order they came in", [Servers, Schema.Int], ([servers, seed]) =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(servers, announced)
      const range = yield* rangeOf("acme/Echo@1.x || 2.x")
      const [one, other] = [Discovery.select(range, all), Discovery.select(range, shuffled(all, seed))]
      assert.deepStrictEqual(texts(one.candidates), texts(other.candidates))
      assert.deepStrictEqual(
        one.rejected.map(({ type }) => String(type)),
        other.rejected.map(({ type }) => String(type))
      )
    })
  )

  it.effect("sorts versions by their numbers", () =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(["1.9.0", "1.10.0", "1.2.0"], (version) =>
        announcementOf(`acme/Echo@${version}`, version)
      )
      const { candidates } = Discovery.select(yield* rangeOf("acme/Echo"), all)
      assert.deepStrictEqual(
        candidates.map(({ instanceId }) => instanceId.instance),
        ["1.10.0", "1.9.0", "1.2.0"]
      )
    })
  )
})

describe("an announcement", () => {
  const make = Effect.fnUntraced(function* (parts: object) {
    return yield* Effect.flip(
      Announcement.make({
        type: yield* typeOf("acme/Echo@1.0.0"),
        instanceId: yield* Effect.orDie(InstanceId.parse("process/test/1")),
        addresses: [Address.of(Memory.make())],
        ...parts
      })
    )
  })
  const bad: Record<string, object> = {
    "without an address": { addresses: [] },
    "with more addresses than it may have": {
      addresses: Array.from({ length: 17 }, () => Address.of(Memory.make()))
    },
    "with a load below nothing": { load: -1 },
    "with a load that is no number": { load: NaN },
    "with an endless load": { load: Infinity },
    "with another health": { health: "fine" },
    "with too much metadata": { metadata: { key: "x".repeat(16_384) } },
    "with an empty fingerprint": { contract: "" }
  }
  for (const [what, parts] of Object.entries(bad)) {
    it.effect(`${what} is invalid`, () =>
      Effect.gen(function* () {
        const error = yield* make(parts)
        assert.strictEqual(error._tag, "InvalidAnnouncement")
        assert.match(
          error.message,
          /^acme\/Echo@1.0.0 at process\/test\/1 can't be announced so: .+ Correct the announcement.$/s
        )
      })
    )
  }

  it.effect("that is reported on is another one, and keeps what was not reported", () =>
    Effect.gen(function* () {
      const one = yield* announcementOf("acme/Echo@1.0.0", "1", { metadata: { zone: "north" }, load: 2 })
      const next = yield* Announcement.report(one, { health: "degraded" })
      assert.deepStrictEqual([next.health, next.load, next.metadata], ["degraded", 2, { zone: "north" }])
      assert.strictEqual((yield* Effect.flip(Announcement.report(one, { load: -1 })))._tag, "InvalidAnnouncement")
    })
  )
})

describe("addresses", () => {
  const dialers = [
    Unix.dialer(),
    Tcp.dialer(),
    Tls.dialer({ authorities: [] }),
    WebSocket.dialer(),
    Grpc.dialer(),
    Address.dialer(Memory.make())
  ]

  it.effect("lead to the transport that they are of", () =>
    Effect.gen(function* () {
      const transports = [
        Unix.make({ path: "/run/echo.sock" }),
        Tcp.make({ host: "10.0.0.7", port: 4000 }),
        Tcp.make({ host: "::1", port: 4001 }),
        Tls.make({ host: "echo.example", port: 443 }),
        WebSocket.make({ url: "ws://10.0.0.7:8080/echo" }),
        yield* Grpc.make({ host: "10.0.0.7", port: 50_051 }),
        Memory.make()
      ]
      const codec = Schema.toCodecJson(Schema.Array(Address.Address))
      const sent = yield* Schema.encodeEffect(codec)(transports.map((transport) => Address.of(transport)))
      const addresses = yield* Schema.decodeEffect(codec)(JSON.parse(JSON.stringify(sent)))
      const strategy = yield* Address.strategy(addresses, dialers)
      assert.deepStrictEqual(
        strategy.transports.map(({ address, name }) => [name, address]),
        transports.map(({ address, name }) => [name, address])
      )
    })
  )

  it.effect("that no dialer knows, or can read, are left out; when none is left, each is said why", () =>
    Effect.gen(function* () {
      const at = (transport: string, address: string) => new Address.Address({ transport, address, options: {} })
      const bad = [
        at("pigeon", "the roof"),
        at("tcp", "nowhere"),
        at("tcp", "host:99999"),
        at("tls", "host:0"),
        at("tcp", ":1")
      ]
      const { transports } = yield* Address.strategy([...bad, at("tcp", "host:1")], dialers)
      assert.deepStrictEqual(
        transports.map(({ address }) => address),
        ["host:1"]
      )
      const error = yield* Effect.flip(Address.strategy(bad, dialers))
      assert.deepStrictEqual(
        error.attempts.map(({ detail }) => detail),
        [
          "there is no dialer for it",
          "a host is missing: the address reads host:port",
          "99999 is no port: the address reads host:port",
          "port 0 is for listening alone: the address reads host:port",
          "a host is missing: the address reads host:port"
        ]
      )
      assert.include(error.message, "pigeon the roof: there is no dialer for it; tcp nowhere: ")
      assert.include((yield* Effect.flip(Address.strategy([], dialers))).message, "There is no address.")
    })
  )
})

describe("errors say what to do", () => {
  it.effect("of candidates that were not taken, and why", () =>
    Effect.gen(function* () {
      const wanted = yield* rangeOf("acme/Echo@^2.0.0")
      const all = [
        yield* announcementOf("acme/Echo@1.0.0", "old"),
        yield* announcementOf("acme/Echo@2.0.0", "ill", { health: "unhealthy" })
      ]
      const { rejected } = Discovery.select(wanted, all)
      const [first, ...rest] = rejected
      const { message } = new DirectoryError.NoCandidate({ wanted, rejected: [first!, ...rest] })
      assert.strictEqual(
        message,
        "No server is a candidate for acme/Echo@^2.0.0: acme/Echo@1.0.0 at process/test/old is of another version; acme/Echo@2.0.0 at process/test/ill says that it is unhealthy. Wait until one is well, or start another."
      )
    })
  )
})
