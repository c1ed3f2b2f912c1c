/** The contracts of servers in directories: announced, looked at on both sides, had as long as their leases, and fetched. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Connection, Contract, Directory, DirectoryStore, InstanceId, Memory, Offer } from "troupe/net"
import { maxDocument } from "../../src/net/internal/directory/documents.ts"
import { fronting } from "../../src/net/internal/directory/fronting.ts"
import { DirectoryProtocol } from "../../src/net/internal/directory/protocol.ts"
import { Table } from "../../src/net/internal/directory/Table.ts"
import { announcementOf, built, found, part, typeOf } from "./announced.ts"
import { clientOf, contractOf, Echo, fetched, Long, Other, serverAt, serverOf, taking } from "./contracted.ts"

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
