/** What a program offers to itself, and to others; and directories that are kept in databases. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  Address,
  Authentication,
  Connection,
  Contract,
  Directory,
  DirectoryStore,
  InstanceId,
  Memory,
  Offer,
  Protocol
} from "troupe/net"
import * as Sqlite from "../../src/command/driver/Sqlite.ts"
import { Table } from "../../src/net/internal/directory/Table.ts"
import { file, memory, postgres } from "../support/databases.ts"
import { collect, type Logged } from "../support/logs.ts"
import { announcementOf, built, found, part, rangeOf, typeOf } from "./announced.ts"

const Echo = Protocol.make("test:echo", {
  server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })],
  client: [Rpc.make("mark", { success: Schema.String })]
})
const Private = Protocol.make("test:private", {
  server: [Rpc.make("whisper", { payload: Schema.String, success: Schema.String })]
})

const handlers = {
  echo: (text: string, caller: Connection.Connection<(typeof Echo)["client"][number]>) =>
    Effect.orDie(Effect.map(caller.request("mark"), (mark) => `${text}${mark}`))
}
const marks = { handlers: { mark: () => Effect.succeed("!") } }
const instanceId = Effect.orDie(InstanceId.parse("process/test/1"))
const directory = Effect.map(built(Directory.layerMemory), (context) => Context.get(context, Directory.Directory))

describe("an exported service", () => {
  it.live("is found and reached over each of its transports, and from within, as long as its scope is open", () =>
    Effect.gen(function* () {
      const service = yield* directory
      const [near, far] = [Memory.make(), Memory.make()]
      const type = yield* typeOf("acme/Echo@1.0.0")
      const offer = yield* part(
        Offer.exported(type, Echo, {
          instanceId: yield* instanceId,
          transports: [near, far],
          authenticator: Authentication.open,
          metadata: { zone: "north" },
          handlers
        }).pipe(Effect.provideService(Directory.Directory, service))
      )
      const [best] = yield* service.discover(yield* rangeOf("acme/Echo"))
      assert.deepStrictEqual([best.addresses.length, best.metadata], [2, { zone: "north" }])
      assert.strictEqual(
        best.contract,
        yield* Effect.flatMap(Contract.make({ type, protocol: Echo }), Contract.fingerprint)
      )
      for (const transport of [near, far]) {
        const strategy = yield* Address.strategy(best.addresses, [Address.dialer(transport)])
        const connection = yield* Connection.connect(strategy, Echo, { ...marks, instanceId: best.instanceId })
        assert.strictEqual(yield* connection.request("echo", "hello"), "hello!")
      }
      const within = yield* offer.value.connect(marks)
      assert.strictEqual(yield* within.request("echo", "here"), "here!")
      yield* offer.end
      assert.strictEqual(yield* found(service, "acme/Echo"), "UnknownType")
      const { attempts } = yield* Effect.flip(Connection.connect(near, Echo, marks))
      assert.strictEqual(attempts[0].error._tag, "TransportError")
    })
  )

  it.live("that is nobody's to reach lets its own program in, and nobody else", () =>
    Effect.gen(function* () {
      const service = yield* directory
      const transport = Memory.make()
      const { connect } = yield* Offer.exported(yield* typeOf("acme/Echo@1.0.0"), Echo, {
        instanceId: yield* instanceId,
        transports: [transport],
        authorize: () => Effect.fail("nobody may"),
        handlers
      }).pipe(Effect.provideService(Directory.Directory, service))
      const { attempts } = yield* Effect.flip(
        Connection.connect(transport, Echo, { ...marks, instanceId: yield* instanceId })
      )
      assert.strictEqual(attempts[0].error._tag, "AuthenticationFailed")
      assert.strictEqual(yield* (yield* connect(marks)).request("echo", "hello"), "hello!")
    })
  )

  it.live("that can't be announced listens nowhere", () =>
    Effect.gen(function* () {
      const service = yield* directory
      const transport = Memory.make()
      const exported = Offer.exported(yield* typeOf("acme/Echo@1.0.0"), Echo, {
        instanceId: yield* instanceId,
        transports: [transport],
        lease: "1 millis",
        handlers
      }).pipe(Effect.provideService(Directory.Directory, service))
      assert.strictEqual((yield* Effect.flip(exported))._tag, "InvalidLease")
      const { attempts } = yield* Effect.flip(Connection.connect(transport, Echo, marks))
      assert.strictEqual(attempts[0].error._tag, "TransportError")
      assert.strictEqual(yield* found(service, "acme/Echo"), "UnknownType")
    })
  )

  it.live("is known under the addresses that it says", () =>
    Effect.gen(function* () {
      const service = yield* directory
      const { announcement } = yield* Offer.exported(yield* typeOf("acme/Echo@1.0.0"), Echo, {
        instanceId: yield* instanceId,
        transports: [Memory.make()],
        addresses: [new Address.Address({ transport: "tcp", address: "echo.example:4000", options: {} })],
        handlers
      }).pipe(Effect.provideService(Directory.Directory, service))
      assert.deepStrictEqual(announcement.addresses.map(String), ["tcp echo.example:4000"])
    })
  )
})

describe("a local service", () => {
  it.live("is called within its program; no directory knows it, and no remote caller reaches it", () =>
    Effect.gen(function* () {
      const [service, id] = [yield* directory, yield* instanceId]
      const whispered: Array<string> = []
      const local = yield* Offer.local(yield* typeOf("acme/Private@1.0.0"), Private, {
        handlers: {
          whisper: (text) =>
            Effect.as(
              Effect.sync(() => whispered.push(text)),
              `psst ${text}`
            )
        }
      })
      const transport = Memory.make()
      yield* Offer.exported(yield* typeOf("acme/Echo@1.0.0"), Echo, {
        instanceId: id,
        transports: [transport],
        authenticator: Authentication.open,
        handlers
      }).pipe(Effect.provideService(Directory.Directory, service))
      const within = yield* local.connect()
      assert.strictEqual(yield* within.request("whisper", "hello"), "psst hello")

      assert.strictEqual(yield* found(service, "acme/Private"), "UnknownType")
      // By its protocol, and by its route in that of the exported one.
      const { attempts } = yield* Effect.flip(Connection.connect(transport, Private, { instanceId: id }))
      const { error } = attempts[0]
      assert.strictEqual(error._tag === "Refused" ? error.reason : error._tag, "WrongProtocol")
      const Disguised = Protocol.make("test:echo", { server: Private.server, client: Echo.client })
      const remote = yield* Connection.connect(transport, Disguised, { ...marks, instanceId: id })
      assert.strictEqual((yield* Effect.flip(remote.request("whisper", "hello")))._tag, "UnknownRoute")
      assert.deepStrictEqual(whispered, ["hello"])
    })
  )
})

describe("a store in a database", () => {
  for (const database of [memory, file, postgres]) {
    const absent = database.absent === undefined ? "" : ` (${database.absent})`
    it.effect.skipIf(database.absent !== undefined)(`${database.name}: has what was announced, in full${absent}`, () =>
      Effect.gen(function* () {
        const context = yield* Layer.build(Layer.provideMerge(DirectoryStore.layerSql(), database.layer))
        const store = Context.get(context, DirectoryStore.DirectoryStore)
        const one = yield* announcementOf("acme/Echo@1.0.0-rc.1+build", "ein süßer Name 🎭/'\";--", {
          load: 0.1,
          health: "degraded",
          contract: "sha256-1",
          metadata: { "a key": 'with "quotes"' }
        })
        const table = yield* part(Table.make(store))
        yield* table.value.backend("ada").announce(one, "first", 15_000)
        yield* table.value.backend("bob").announce(yield* announcementOf("acme/Chat@1.0.0", "2"), "second", 15_000)
        yield* table.value.backend("ada").renew({ ...one, holder: "first" }, { health: "healthy", load: 2 })
        yield* TestClock.adjust("1 second")
        yield* table.end
        const [kept, ...rest] = (yield* store.load).toSorted((a, b) => (a.holder < b.holder ? -1 : 1))
        assert.strictEqual(rest.length, 1)
        assert.deepStrictEqual(
          [kept!.holder, kept!.account, kept!.milliseconds, kept!.expires],
          ["first", "ada", 15_000, 15_000]
        )
        const { health, load, ...same } = kept!.announcement
        const { health: _health, load: _load, ...before } = one
        assert.deepStrictEqual([health, load], ["healthy", 2])
        assert.deepStrictEqual(JSON.stringify(same), JSON.stringify(before))
        yield* store.save({ put: [], remove: [kept!.key] })
        assert.deepStrictEqual(
          (yield* store.load).map(({ holder }) => holder),
          ["second"]
        )
      })
    )
  }

  it.effect("forgets what it can't read, with a warning, and has the rest", () =>
    Effect.gen(function* () {
      const logs: Array<Logged> = []
      const context = yield* Layer.build(Layer.provideMerge(DirectoryStore.layerSql({ table: "other" }), memory.layer))
      const store = Context.get(context, DirectoryStore.DirectoryStore)
      const sql = Context.get(context, SqlClient.SqlClient)
      const table = yield* Table.make(store)
      yield* table.backend("ada").announce(yield* announcementOf("acme/Echo@1.0.0", "1"), "first", 15_000)
      yield* sql`INSERT INTO other (lease, record) VALUES ('old', '{"version": 0}'), ('bad', 'no json')`
      const loaded = yield* Effect.provide(store.load, collect(logs))
      assert.deepStrictEqual(
        loaded.map(({ holder }) => holder),
        ["first"]
      )
      assert.strictEqual(logs.length, 2)
      assert.strictEqual((yield* sql`SELECT lease FROM other`).length, 1)
    })
  )

  it.effect("that can't be opened is a typed error", () =>
    Effect.gen(function* () {
      const layer = Layer.provide(DirectoryStore.layerSql(), Sqlite.layer({ filename: "/nowhere/at/all.db" }))
      assert.strictEqual((yield* Effect.flip(built(layer)))._tag, "SqlError")
      const broken = SqlClient.SqlClient.pipe(
        Effect.tap((sql) => sql`CREATE VIEW troupe_directory AS SELECT 1 AS one`),
        Effect.tap(() => Effect.flatMap(Layer.build(DirectoryStore.layerSql()), () => Effect.void)),
        Effect.flatMap((sql) =>
          Effect.provideService(Layer.build(DirectoryStore.layerSql()), SqlClient.SqlClient, sql)
        ),
        Effect.flatMap((context) => Context.get(context, DirectoryStore.DirectoryStore).load),
        Effect.scoped,
        Effect.provide(memory.layer)
      )
      const error = yield* Effect.flip(broken)
      assert.strictEqual(error._tag, "DirectoryStoreError")
      assert.include(error.message, "The store of the directory could not ")
    })
  )
})
