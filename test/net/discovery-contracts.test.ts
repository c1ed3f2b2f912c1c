/** The contracts of servers in directories: announced, looked at on both sides, kept with their leases, and fetched. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import {
  Announcement,
  Authentication,
  Connection,
  Contract,
  Directory,
  DirectoryServer,
  DirectoryStore,
  InstanceId,
  Memory,
  Offer,
  Protocol,
  type Transport
} from "troupe/net"
import * as Sqlite from "../../src/command/driver/Sqlite.ts"
import { maxDocument } from "../../src/net/internal/directory/documents.ts"
import { fronting } from "../../src/net/internal/directory/fronting.ts"
import { DirectoryProtocol } from "../../src/net/internal/directory/protocol.ts"
import { Table } from "../../src/net/internal/directory/Table.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { file, memory as sqlite, postgres } from "../support/databases.ts"
import { directory as folder } from "../support/files.ts"
import { heapUsed } from "../support/heap.ts"
import { announcementOf, built, found, keptStore, part, rangeOf, typeOf } from "./announced.ts"

const taking = (payload: Schema.Top) => Protocol.make("test:echo", { server: [Rpc.make("echo", { payload })] })

const Echo = taking(Schema.String)
const Other = taking(Schema.Int)
/** A contract that is longer than it may be. */
const Long = taking(Schema.Literal("x".repeat(maxDocument)))

const contractOf = Effect.fnUntraced(function* (type: string, protocol: Protocol.Any = Echo) {
  return yield* Effect.orDie(Contract.make({ type: yield* typeOf(type), protocol }))
})

/** A server, and the contract whose fingerprint it announces. */
const serverOf = Effect.fnUntraced(function* (type: string, instance: string, protocol?: Protocol.Any) {
  const contract = yield* contractOf(type, protocol)
  const announcement = yield* announcementOf(type, instance, { contract: yield* Contract.fingerprint(contract) })
  return { contract, announcement, document: JSON.stringify(Contract.toJson(contract)) }
})

/** The contract that a directory has, as a text; or why there is none. */
const fetched = (directory: Directory.Directory["Service"], announcement: Announcement.Announcement) =>
  directory.contract(announcement).pipe(
    Effect.map(Contract.print),
    Effect.catch((error) => Effect.succeed(error._tag === "ContractUnavailable" ? error.reason : error._tag))
  )

const clientOf = (transport: Transport.Transport) =>
  Effect.map(built(Directory.layer(transport)), (context) => Context.get(context, Directory.Directory))

const serverAt = (transport: Transport.Transport, store: Layer.Layer<DirectoryStore.DirectoryStore, unknown>) =>
  built(
    DirectoryServer.layer(transport, { authenticator: Authentication.open }).pipe(Layer.provide(Layer.orDie(store)))
  )

const memory = Effect.map(built(Directory.layerMemory), (context) => Context.get(context, Directory.Directory))

const served = Effect.gen(function* () {
  const transport = Memory.make()
  yield* serverAt(transport, DirectoryStore.layerMemory)
  return yield* clientOf(transport)
})

for (const [name, make] of [
  ["in memory", memory],
  ["behind a connection", served]
] as const) {
  describe(`a directory ${name}`, () => {
    it.effect("has the contract of a server as long as its lease, over renewals and reports", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const { announcement, contract } = yield* serverOf("acme/Echo@1.0.0", "1")
        assert.strictEqual(yield* fetched(directory, announcement), "Gone")
        const server = yield* part(directory.announce(announcement, { contract }))
        assert.strictEqual(yield* fetched(directory, announcement), Contract.print(contract))
        yield* server.value.report({ load: 3, health: "degraded" })
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(yield* fetched(directory, announcement), Contract.print(contract))
        yield* server.end
        assert.strictEqual(yield* fetched(directory, announcement), "Gone")
      })
    )

    it.effect("has none where none was announced, and says so", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const without = yield* announcementOf("acme/Echo@1.0.0", "1")
        yield* directory.announce(without)
        const error = yield* Effect.flip(directory.contract(without))
        assert.strictEqual(
          error.message,
          "There is no contract of acme/Echo@1.0.0 at process/test/1: it was announced without one. Have the server announce its contract, as Offer.exported does."
        )
        const { announcement } = yield* serverOf("acme/Echo@1.0.0", "2")
        yield* directory.announce(announcement)
        assert.strictEqual(yield* fetched(directory, announcement), "Gone")
      })
    )

    it.effect("does not announce a server whose contract is not the one that it announces", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const { announcement } = yield* serverOf("acme/Echo@1.0.0", "1")
        const lies = [
          [
            yield* contractOf("acme/Echo@1.0.0", Other),
            /its fingerprint is [0-9a-f]{64}, and [0-9a-f]{64} was announced/
          ],
          [
            yield* contractOf("acme/Echo@1.0.1"),
            /it is that of acme\/Echo@1\.0\.1\. Announce the fingerprint of that very/
          ]
        ] as const
        for (const [contract, words] of lies) {
          const error = yield* Effect.flip(Effect.scoped(directory.announce(announcement, { contract })))
          if (error._tag !== "ContractRefused") return assert.fail(error.message)
          assert.strictEqual(error.reason, "Different")
          assert.match(error.message, words)
        }
        const without = yield* announcementOf("acme/Echo@1.0.0", "1")
        const contract = yield* contractOf("acme/Echo@1.0.0")
        const error = yield* Effect.flip(Effect.scoped(directory.announce(without, { contract })))
        assert.include(error.message, "and none was announced")
        assert.strictEqual(yield* found(directory, "acme/Echo"), "UnknownType")
      })
    )

    it.effect("does not announce a server whose contract is too large", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const { announcement, contract } = yield* serverOf("acme/Echo@1.0.0", "1", Long)
        const error = yield* Effect.flip(Effect.scoped(directory.announce(announcement, { contract })))
        if (error._tag !== "ContractRefused") return assert.fail(error.message)
        assert.strictEqual(error.reason, "TooLarge")
        assert.match(error.message, /it has \d{6} characters, and may have 524288\. Split the protocol, or/)
        assert.strictEqual(yield* found(directory, "acme/Echo"), "UnknownType")
        // The fingerprint alone may be announced.
        yield* directory.announce(announcement)
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
      })
    )

    it.effect("has what the server announces that was started last under a name", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const one = yield* serverOf("acme/Echo@1.0.0", "1")
        const other = yield* serverOf("acme/Echo@1.0.0", "1", Other)
        yield* directory.announce(one.announcement, { contract: one.contract })
        yield* directory.announce(other.announcement, { contract: other.contract })
        assert.strictEqual(yield* fetched(directory, one.announcement), "Gone")
        assert.strictEqual(yield* fetched(directory, other.announcement), Contract.print(other.contract))
        yield* directory.announce(other.announcement)
        assert.strictEqual(yield* fetched(directory, other.announcement), "Gone")
      })
    )

    it.effect("gives to each type its own document, and the one of another instance where it is the same", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const [first, second, next] = [
          yield* serverOf("acme/Echo@1.0.0", "1"),
          yield* serverOf("acme/Echo@1.0.0", "2"),
          yield* serverOf("acme/Echo@1.0.1", "3")
        ]
        assert.strictEqual(first.announcement.contract, next.announcement.contract)
        yield* directory.announce(first.announcement)
        yield* directory.announce(next.announcement, { contract: next.contract })
        assert.strictEqual(yield* fetched(directory, first.announcement), "Gone")
        const holder = yield* part(directory.announce(second.announcement, { contract: second.contract }))
        assert.strictEqual(yield* fetched(directory, first.announcement), Contract.print(first.contract))
        assert.strictEqual(yield* fetched(directory, next.announcement), Contract.print(next.contract))
        yield* holder.end
        assert.strictEqual(yield* fetched(directory, first.announcement), "Gone")
      })
    )
  })
}

/** What is no contract, or not the one that was announced, as somebody would send it; and how it is named. */
const lies = Effect.gen(function* () {
  const { document } = yield* serverOf("acme/Echo@1.0.0", "1")
  const json = JSON.parse(document)
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
  const arrays = (depth: number) =>
    `${'{"_tag":"Arrays","checks":[],"elements":[],"rest":['.repeat(depth)}{"_tag":"Void","checks":[]}${"]}".repeat(depth)}`
  const groups = (depth: number) =>
    `{"_tag":"String","checks":[${'{"_tag":"FilterGroup","checks":['.repeat(depth)}${"]}".repeat(depth)}]}`
  const withPayload = (payload: string) => document.replace(JSON.stringify(json.server[0].payload), payload)
  return [
    ["", "Invalid"],
    ["no json", "Invalid"],
    ["{}", "Invalid"],
    [nested(200_000), "Invalid"],
    [withPayload(nested(200_000)), "Invalid"],
    ...[300, 1000, 8000].map((depth) => [withPayload(arrays(depth)), "Invalid"] as const),
    ...[600, 800, 1000, 1200, 8000].map((depth) => [withPayload(groups(depth)), "Invalid"] as const),
    [document.slice(0, -1), "Invalid"],
    [(yield* serverOf("acme/Echo@1.0.0", "1", Other)).document, "Different"],
    [(yield* serverOf("acme/Echo@1.0.1", "1")).document, "Different"],
    [" ".repeat(maxDocument) + document, "TooLarge"]
  ] as const
})

describe("a document that is not what was announced", () => {
  it.live("is refused by the directory, and its server is not announced", () =>
    Effect.gen(function* () {
      const transport = Memory.make()
      yield* serverAt(transport, DirectoryStore.layerMemory)
      const liar = yield* Connection.connect(transport, DirectoryProtocol)
      const { announcement, contract, document } = yield* serverOf("acme/Echo@1.0.0", "1")
      const announce = (document: string) =>
        liar.request("announce", { announcement, holder: "liar", milliseconds: 15_000, document })
      for (const [lie, reason] of yield* lies) {
        const error = yield* Effect.flip(announce(lie))
        assert.strictEqual(error._tag === "ContractRefused" ? error.reason : error.message, reason, lie.slice(0, 100))
      }
      const directory = yield* clientOf(transport)
      assert.strictEqual(yield* found(directory, "acme/Echo"), "UnknownType")
      // What says the same in other words is the same.
      yield* announce(` ${document}`)
      assert.strictEqual(yield* fetched(directory, announcement), Contract.print(contract))
    })
  )

  it.effect("is not taken from a directory that lies", () =>
    Effect.gen(function* () {
      const table = yield* Table.make(undefined)
      const { announcement, contract, document } = yield* serverOf("acme/Echo@1.0.0", "1")
      const saying = (said: string) => fronting({ ...table.backend(""), document: () => Effect.succeed(said) })
      for (const [lie, reason] of yield* lies) {
        assert.strictEqual(yield* fetched(saying(lie), announcement), reason, lie.slice(0, 100))
      }
      const error = yield* Effect.flip(saying("no json").contract(announcement))
      assert.match(
        error.message,
        /^There is no contract of acme\/Echo@1\.0\.0 at process\/test\/1: it is not JSON .+\. Take it from nobody who has/
      )
      assert.strictEqual(yield* fetched(saying(document), announcement), Contract.print(contract))
    })
  )

  it.effect("that no frame can carry is too large, and is said to be", () =>
    Effect.gen(function* () {
      const transport = Memory.make({ maxFrame: 1024 })
      yield* serverAt(transport, DirectoryStore.layerMemory)
      const directory = yield* clientOf(transport)
      const { announcement, contract } = yield* serverOf(
        "acme/Echo@1.0.0",
        "1",
        taking(Schema.Literal("x".repeat(2048)))
      )
      const error = yield* Effect.flip(Effect.scoped(directory.announce(announcement, { contract })))
      if (error._tag !== "ContractRefused") return assert.fail(error.message)
      assert.strictEqual(error.reason, "TooLarge")
      assert.include(error.message, "raise maxFrame on both sides")
    })
  )

  it.live("can't be asked of a directory that is not there", () =>
    Effect.gen(function* () {
      const context = yield* built(Directory.layer(Memory.make(), { timeout: "100 millis" }))
      const { announcement } = yield* serverOf("acme/Echo@1.0.0", "1")
      const directory = Context.get(context, Directory.Directory)
      assert.strictEqual(yield* fetched(directory, announcement), "DirectoryUnavailable")
    })
  )
})

describe("a contract in a store", () => {
  it.effect("is there in another run of the directory, and gone with its lease", () =>
    Effect.gen(function* () {
      const { kept, layer } = keptStore()
      const store = Context.get(yield* Layer.build(layer), DirectoryStore.DirectoryStore)
      const { announcement, contract, document } = yield* serverOf("acme/Echo@1.0.0", "1")
      const first = yield* part(Table.make(store))
      yield* first.value.backend("ada").announce(announcement, "first", 15_000, document)
      assert.deepStrictEqual(
        [...kept.values()].map(({ document }) => document),
        [document]
      )
      yield* first.end
      const second = yield* Table.make(store)
      const directory = fronting(second.backend("bob"))
      assert.strictEqual(yield* fetched(directory, announcement), Contract.print(contract))
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* fetched(directory, announcement), "Gone")
      assert.strictEqual(kept.size, 0)
    })
  )

  for (const database of [sqlite, file, postgres]) {
    const absent = database.absent === undefined ? "" : ` (${database.absent})`
    it.effect.skipIf(database.absent !== undefined)(
      `${database.name}: is written when it is another one, and not with each renewal${absent}`,
      () =>
        Effect.gen(function* () {
          const context = yield* Layer.build(Layer.provideMerge(DirectoryStore.layerSql(), database.layer))
          const store = Context.get(context, DirectoryStore.DirectoryStore)
          const sql = Context.get(context, SqlClient.SqlClient)
          const documents = Effect.map(
            sql<{ readonly document: string }>`SELECT document FROM troupe_directory_contracts ORDER BY lease`,
            (rows) => rows.map(({ document }) => document)
          )
          const one = yield* serverOf("acme/Echo@1.0.0", "1")
          const other = yield* serverOf("acme/Echo@1.0.0", "1", Other)
          const backend = (yield* Table.make(store)).backend("ada")
          yield* backend.announce(one.announcement, "first", 15_000, one.document)
          assert.deepStrictEqual(yield* documents, [one.document])

          yield* sql`UPDATE troupe_directory_contracts SET document = 'as it was'`
          yield* backend.renew({ ...one.announcement, holder: "first" }, { health: "degraded", load: 1 })
          // What is announced is saved before it is answered, and whatever waited to be saved with it.
          const next = { ...(yield* announcementOf("acme/Next@1.0.0", "2")), holder: "second" }
          yield* backend.announce(new Announcement.Announcement(next), next.holder, 15_000)
          yield* backend.withdraw(next)
          const [renewed] = yield* store.load
          assert.deepStrictEqual([renewed?.announcement.load, renewed?.document], [1, "as it was"])

          yield* backend.announce(other.announcement, "second", 15_000, other.document)
          assert.deepStrictEqual(yield* documents, [other.document])
          yield* backend.announce(one.announcement, "third", 15_000)
          assert.deepStrictEqual(yield* documents, [])
          assert.deepStrictEqual(
            (yield* store.load).map(({ document }) => document),
            [undefined]
          )
          yield* backend.announce(one.announcement, "fourth", 15_000, one.document)
          yield* backend.withdraw({ ...one.announcement, holder: "fourth" })
          assert.deepStrictEqual(yield* documents, [])
        })
    )
  }

  it.effect("that was not kept by the version before is not missed", () =>
    Effect.gen(function* () {
      const sql = Context.get(yield* Layer.build(sqlite.layer), SqlClient.SqlClient)
      const { announcement, document } = yield* serverOf("acme/Echo@1.0.0", "1")
      yield* sql`CREATE TABLE troupe_directory (lease TEXT PRIMARY KEY, record TEXT NOT NULL)`
      const record = `{"key":"acme/Echo@1.0.0 process/test/1","announcement":{"type":{"manufacturer":"acme","name":"Echo",
        "version":"1.0.0"},"instanceId":{"runtime":"process","namespace":"test","instance":"1"},"addresses":[{"transport":"memory","address":"memory","options":{}}],
        "health":"healthy","load":0,"contract":"${announcement.contract}","metadata":{}},"holder":"first","account":"ada",
        "milliseconds":15000,"expires":15000}`
      yield* sql`INSERT INTO troupe_directory (lease, record) VALUES ('acme/Echo@1.0.0 process/test/1', ${record})`
      const provided = Effect.provideService(Layer.build(DirectoryStore.layerSql()), SqlClient.SqlClient, sql)
      const store = Context.get(yield* provided, DirectoryStore.DirectoryStore)
      const backend = (yield* Table.make(store)).backend("ada")
      const directory = fronting(backend)
      assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
      assert.strictEqual(yield* fetched(directory, announcement), "Gone")
      yield* backend.announce(announcement, "second", 15_000, document)
      assert.strictEqual((yield* store.load)[0]?.document, document)
    })
  )

  it.live("is one text in memory, however many instances announce it, also in another run of the directory", () =>
    Effect.gen(function* () {
      const { kept, layer } = keptStore()
      const store = Context.get(yield* Layer.build(layer), DirectoryStore.DirectoryStore)
      const protocol = taking(Schema.Literal("x".repeat(500_000)))
      const servers = yield* Effect.forEach(Array.from({ length: 100 }), (_, index) =>
        Effect.map(serverOf("acme/Echo@1.0.0", String(index), protocol), ({ announcement, document }) => ({
          announcement,
          // As it comes off a wire: a text of its own.
          bytes: Buffer.from(document)
        }))
      )
      const megabytes = (before: number, after: number) => (after - before) / 2 ** 20
      const before = yield* heapUsed
      const first = yield* part(Table.make(store))
      yield* Effect.forEach(servers, ({ announcement, bytes }) =>
        first.value.backend("ada").announce(announcement, "first", 3_600_000, bytes.toString())
      )
      assert.isBelow(megabytes(before, yield* heapUsed), 10)
      yield* first.end

      for (const [key, { document, ...lease }] of kept) {
        kept.set(key, { ...lease, document: Buffer.from(document!).toString() })
      }
      assert.isAbove(megabytes(before, yield* heapUsed), 40)
      const second = yield* Table.make(store)
      assert.strictEqual(yield* second.count, 100)
      kept.clear()
      assert.isBelow(megabytes(before, yield* heapUsed), 10)
      assert.isDefined(
        yield* second
          .backend("ada")
          .document({ ...servers[99]!.announcement, fingerprint: servers[99]!.announcement.contract! })
      )
    })
  )
})

describe("a directory over a unix socket", () => {
  it.live("has the contracts in its database when it is started again", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const transport = Unix.make({ path: join(path, "directory.sock") })
      const store = DirectoryStore.layerSql().pipe(
        Layer.provide(Sqlite.layer({ filename: join(path, "directory.db") }))
      )
      const begin = part(serverAt(transport, store))
      const first = yield* begin
      const { announcement, contract, document } = yield* serverOf("acme/Echo@1.0.0", "1")
      // One that says nothing more: what the directory has later it has from its database.
      const silent = yield* part(
        Effect.flatMap(Connection.connect(transport, DirectoryProtocol), (connection) =>
          connection.request("announce", { announcement, holder: "silent", milliseconds: 60_000, document })
        )
      )
      yield* silent.end
      yield* first.end
      yield* begin
      const directory = yield* clientOf(transport)
      const [best] = yield* directory.discover(yield* rangeOf("acme/Echo"))
      assert.strictEqual(yield* fetched(directory, best), Contract.print(contract))
    })
  )

  it.live("that keeps nothing is told the contract again when it is started again", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const transport = Unix.make({ path: join(path, "directory.sock") })
      const begin = part(serverAt(transport, DirectoryStore.layerMemory))
      const first = yield* begin
      const { announcement, contract } = yield* serverOf("acme/Echo@1.0.0", "1")
      yield* (yield* clientOf(transport)).announce(announcement, { contract, lease: "3 seconds" })
      yield* first.end
      yield* begin
      const directory = yield* clientOf(transport)
      const again = yield* Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), fetched(directory, announcement)), {
        until: (text) => text !== "Gone"
      })
      assert.strictEqual(again, Contract.print(contract))
    })
  )
})

describe("an exported service", () => {
  it.live("announces its contract", () =>
    Effect.gen(function* () {
      const directory = yield* served
      const type = yield* typeOf("acme/Echo@1.0.0")
      const { announcement } = yield* Offer.exported(type, Echo, {
        instanceId: yield* Effect.orDie(InstanceId.parse("process/test/1")),
        transports: [Memory.make()],
        handlers: { echo: () => Effect.void }
      }).pipe(Effect.provideService(Directory.Directory, directory))
      assert.strictEqual(yield* fetched(directory, announcement), Contract.print(yield* contractOf("acme/Echo@1.0.0")))
    })
  )
})
