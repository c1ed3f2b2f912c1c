/** The contracts that directories have as they are kept: in stores, over restarts, and in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { Announcement, Connection, Contract, DirectoryStore } from "troupe/net"
import * as Sqlite from "../../src/command/driver/Sqlite.ts"
import { fronting } from "../../src/net/internal/directory/fronting.ts"
import { DirectoryProtocol } from "../../src/net/internal/directory/protocol.ts"
import { Table } from "../../src/net/internal/directory/Table.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { file, memory as sqlite, postgres } from "../support/databases.ts"
import { directory as folder } from "../support/files.ts"
import { heapUsed } from "../support/heap.ts"
import { announcementOf, found, keptStore, part, rangeOf } from "./announced.ts"
import { clientOf, fetched, Other, serverAt, serverOf, taking } from "./contracted.ts"

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
