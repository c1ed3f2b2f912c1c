/** Leases, by the clock of their directory: in memory, and behind a connection. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Latch, Layer, Redacted, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Authentication, Directory, DirectoryServer, DirectoryStore, Memory } from "troupe/net"
import { Table } from "../../src/net/internal/directory/Table.ts"
import { collect, type Logged } from "../support/logs.ts"
import { announcementOf, built, found, inShort, keptStore, part, rangeOf, watching } from "./announced.ts"

/** What has been begun goes on until it waits for the time. */
const settled = Effect.repeat(Effect.yieldNow, { times: 100 })

const memory = Effect.map(built(Directory.layerMemory), (context) => Context.get(context, Directory.Directory))

/** A directory behind a connection: each client is one of its own. */
const served = Effect.gen(function* () {
  const transport = Memory.make()
  yield* built(
    DirectoryServer.layer(transport, { authenticator: Authentication.open }).pipe(
      Layer.provide(DirectoryStore.layerMemory)
    )
  )
  return yield* Effect.map(built(Directory.layer(transport)), (context) => Context.get(context, Directory.Directory))
})

for (const [name, make] of [
  ["in memory", memory],
  ["behind a connection", served]
] as const) {
  describe(`a directory ${name}`, () => {
    it.effect("has a server as long as its scope is open, however long that is", () =>
      Effect.gen(function* () {
        const directory = yield* make
        assert.strictEqual(yield* found(directory, "acme/Echo"), "UnknownType")
        const server = yield* part(directory.announce(yield* announcementOf("acme/Echo@1.0.0", "1")))
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
        const states: Array<string> = []
        yield* Effect.forkScoped(
          Stream.runForEach(server.value.changes, ({ _tag }) => Effect.sync(() => void states.push(_tag)))
        )
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(states, ["Announced"])
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
        assert.deepStrictEqual(yield* server.value.state, { _tag: "Announced" })
        yield* server.end
        assert.strictEqual(yield* found(directory, "acme/Echo"), "UnknownType")
      })
    )

    it.effect("ranks what it has, and says why it has no candidate", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const servers = [
          yield* announcementOf("acme/Echo@1.1.0", "busy", { load: 2 }),
          yield* announcementOf("acme/Echo@1.1.0", "idle", { load: 1 }),
          yield* announcementOf("acme/Echo@1.2.0", "weak", { health: "degraded" }),
          yield* announcementOf("acme/Echo@1.3.0", "ill", { health: "unhealthy" }),
          yield* announcementOf("acme/Echo@2.0.0", "new"),
          yield* announcementOf("acme/Other@1.0.0", "other")
        ]
        yield* Effect.forEach(servers, (one) => directory.announce(one))
        assert.deepStrictEqual(yield* found(directory, "acme/Echo@^1.0.0"), ["idle", "busy", "weak"])
        const error = yield* Effect.flip(directory.discover(yield* rangeOf("acme/Echo@1.3.0")))
        if (error._tag !== "NoCandidate") return assert.fail(error.message)
        assert.deepStrictEqual(
          error.rejected.map(({ instanceId, reason }) => `${instanceId.instance} ${reason}`),
          ["new Version", "idle Version", "busy Version", "weak Version", "ill Unhealthy"]
        )
        assert.strictEqual(yield* found(directory, "other/Echo"), "UnknownType")
      })
    )

    it.effect("hears of another health at once, and of another load with the next renewal", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const server = yield* directory.announce(yield* announcementOf("acme/Echo@1.0.0", "1"))
        const { seen } = yield* watching(directory, "acme/Echo")
        yield* settled
        yield* server.report({ load: 3 })
        yield* settled
        assert.deepStrictEqual(seen, ["Announced 1"])
        yield* TestClock.adjust("5 seconds")
        yield* server.report({ health: "unhealthy" })
        yield* settled
        assert.deepStrictEqual(seen, ["Announced 1", "Changed 1 healthy 3", "Changed 1 unhealthy 3"])
        assert.strictEqual(yield* found(directory, "acme/Echo"), "NoCandidate")
        assert.strictEqual((yield* Effect.flip(server.report({ load: -1 })))._tag, "InvalidAnnouncement")
        yield* server.report({ health: "healthy" })
        yield* settled
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
        // What has not changed is told to nobody.
        const before = seen.length
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(seen.length, before)
      })
    )

    it.effect("tells those who watch what comes and goes in their range", () =>
      Effect.gen(function* () {
        const directory = yield* make
        yield* directory.announce(yield* announcementOf("acme/Echo@1.0.0", "1"))
        const all = yield* watching(directory, "acme/Echo@>=0")
        const second = yield* watching(directory, "acme/Echo@^2.0.0")
        yield* settled
        const server = yield* part(directory.announce(yield* announcementOf("acme/Echo@2.0.0", "2")))
        yield* directory.announce(yield* announcementOf("acme/Other@2.0.0", "3"))
        yield* settled
        yield* server.end
        yield* settled
        assert.deepStrictEqual(all.seen, ["Announced 1", "Announced 2", "Gone 2"])
        assert.deepStrictEqual(second.seen, ["Announced 2", "Gone 2"])
      })
    )

    it.effect("tells who reads slowly what is so when it reads", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const announcement = yield* announcementOf("acme/Echo@1.0.0", "1")
        const server = yield* directory.announce(announcement, { lease: "3 seconds" })
        const seen: Array<string> = []
        const gate = yield* Latch.make()
        const changes = directory.changes(yield* rangeOf("acme/Echo"))
        const reading = Stream.runForEach(changes, (change) =>
          Effect.andThen(
            gate.await,
            Effect.sync(() => void seen.push(inShort(change)))
          )
        )
        yield* Effect.forkScoped(reading)
        yield* settled
        for (let load = 1; load <= 200; load++) {
          yield* server.report({ load })
          yield* TestClock.adjust("1 second")
        }
        yield* gate.open
        yield* settled
        assert.strictEqual(seen.at(-1), "Changed 1 healthy 200")
        // The window of the connection, and what is on either side of it.
        assert.isBelow(seen.length, 60)
      })
    )

    it.effect("lets a server that was started again take its place, and the earlier one gives way", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const logs: Array<Logged> = []
        const announcement = yield* announcementOf("acme/Echo@1.0.0", "1")
        const earlier = yield* part(Effect.provide(directory.announce(announcement), collect(logs)))
        const { seen } = yield* watching(directory, "acme/Echo")
        yield* settled
        const later = yield* directory.announce(yield* announcementOf("acme/Echo@1.0.0", "1", { load: 7 }))
        yield* TestClock.adjust("1 minute")
        const state = yield* earlier.value.state
        assert.strictEqual(state._tag === "Lost" ? state.error.reason : state._tag, "Replaced")
        assert.deepStrictEqual(yield* later.state, { _tag: "Announced" })
        assert.deepStrictEqual(
          logs.map(({ message }) => message),
          ["A server is not announced any more"]
        )
        // Its end is not that of the later one.
        yield* earlier.end
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
        assert.deepStrictEqual(seen, ["Announced 1", "Changed 1 healthy 7"])
      })
    )

    it.effect("grants no lease of another length than it may have", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const announcement = yield* announcementOf("acme/Echo@1.0.0", "1")
        for (const lease of ["999 millis", "61 minutes", "Infinity"] as const) {
          const error = yield* Effect.flip(Effect.scoped(directory.announce(announcement, { lease })))
          assert.strictEqual(error._tag, "InvalidLease")
        }
        yield* directory.announce(announcement, { lease: "1 second" })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
      })
    )

    it.effect("leaves nobody announced who was interrupted", () =>
      Effect.gen(function* () {
        const directory = yield* make
        const announcement = yield* announcementOf("acme/Echo@1.0.0", "1")
        const scope = yield* Scope.make()
        yield* Scope.provide(directory.announce(announcement), scope)
        yield* Scope.close(scope, Exit.interrupt())
        assert.strictEqual(yield* found(directory, "acme/Echo"), "UnknownType")
      })
    )
  })
}

/** A clock that can be held and set, beside the test's own. */
const steered = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  let ahead = 0
  let wallAhead = 0
  const at = () => clock.currentTimeMillisUnsafe() + ahead
  const nanos = (millis: number) => BigInt(Math.round(millis * 1e6))
  const own: Clock.Clock = {
    ...clock,
    sleep: (duration) => clock.sleep(duration),
    currentTimeMillisUnsafe: () => at() + wallAhead,
    currentTimeMillis: Effect.sync(() => at() + wallAhead),
    currentTimeNanosUnsafe: () => nanos(at() + wallAhead),
    currentTimeNanos: Effect.sync(() => nanos(at() + wallAhead)),
    monotonicTimeNanosUnsafe: () => nanos(at()),
    monotonicTimeNanos: Effect.sync(() => nanos(at()))
  }
  return {
    clock: own,
    /** The program stands still. */
    standStill: (millis: number) => Effect.sync(() => void (ahead += millis)),
    /** Somebody sets the time of day. */
    setBy: (millis: number) => Effect.sync(() => void (wallAhead += millis))
  }
})

describe("a lease", () => {
  const millis = 15_000
  const names = { manufacturer: "acme", name: "Echo" }

  /** A directory, and a server that says nothing more. */
  const silent = Effect.gen(function* () {
    const { clock, setBy, standStill } = yield* steered
    const { kept, layer, told } = keptStore()
    const store = Context.get(yield* Layer.build(layer), DirectoryStore.DirectoryStore)
    const start = Effect.provideService(Table.make(store), Clock.Clock, clock)
    const table = yield* part(start)
    const backend = table.value.backend("ada")
    const one = yield* announcementOf("acme/Echo@1.0.0", "1")
    const held = { type: one.type, instanceId: one.instanceId, holder: "first" }
    yield* backend.announce(one, held.holder, millis)
    const renew = backend.renew(held, one)
    const there = Effect.map(backend.list(names), (all) => all.length)
    return { table, start, backend, one, held, renew, there, setBy, standStill, kept, told }
  })

  it.effect("ends when it is over, and not before, whoever looks", () =>
    Effect.gen(function* () {
      const { backend, one, renew, there } = yield* silent
      const seen: Array<number> = []
      yield* Effect.forkScoped(
        Stream.runForEach(backend.watch(names), ({ announced, gone }) =>
          Effect.sync(() => void seen.push(announced.length - gone.length))
        )
      )
      yield* TestClock.adjust("14999 millis")
      assert.strictEqual(yield* there, 1)
      yield* renew
      yield* TestClock.adjust("14999 millis")
      assert.deepStrictEqual(seen, [1])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(seen, [1, -1])
      assert.strictEqual(yield* there, 0)
      const error = yield* Effect.flip(renew)
      assert.strictEqual(error.reason, "Expired")
      assert.include(error.message, "was not renewed in time")
      yield* backend.announce(one, "first", millis)
      yield* settled
      assert.deepStrictEqual(seen, [1, -1, 1])
    })
  )

  it.effect("belongs to who holds it, and to the account", () =>
    Effect.gen(function* () {
      const { backend, held, one, renew, table, there } = yield* silent
      const stranger = table.value.backend("bob")
      const refused = yield* Effect.flip(stranger.announce(one, "other", millis))
      assert.strictEqual(refused._tag, "AnnouncementRefused")
      assert.strictEqual((yield* Effect.flip(stranger.renew(held, one))).reason, "Replaced")
      yield* stranger.withdraw(held)
      yield* backend.withdraw({ ...held, holder: "other" })
      assert.strictEqual(yield* there, 1)
      yield* renew
      yield* TestClock.adjust("15 seconds")
      // It is free now.
      yield* stranger.announce(one, "other", millis)
      assert.strictEqual((yield* Effect.flip(renew)).reason, "Replaced")
    })
  )

  it.effect("does not end while its directory stands still, and has the rest of its time then", () =>
    Effect.gen(function* () {
      const { renew, standStill, there } = yield* silent
      yield* TestClock.adjust("10 seconds")
      yield* standStill(3_600_000)
      assert.strictEqual(yield* there, 1)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* there, 1)
      yield* renew
      yield* standStill(100_000)
      yield* TestClock.adjust("14 seconds")
      assert.strictEqual(yield* there, 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* there, 0)
    })
  )

  it.effect("does not mind who sets the time of day", () =>
    Effect.gen(function* () {
      const { setBy, there } = yield* silent
      yield* setBy(3_600_000)
      yield* TestClock.adjust("14 seconds")
      assert.strictEqual(yield* there, 1)
      yield* setBy(-36_000_000)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* there, 0)
    })
  )

  it.effect("goes on in another run of the directory, for what is left of it", () =>
    Effect.gen(function* () {
      const { held, kept, one, start, table } = yield* silent
      yield* table.value.backend("ada").announce(yield* announcementOf("acme/Echo@1.0.0", "2"), "second", 60_000)
      yield* TestClock.adjust("5 seconds")
      yield* table.end
      assert.strictEqual(kept.size, 2)
      yield* TestClock.adjust("9 seconds")
      const next = yield* part(start)
      const backend = next.value.backend("ada")
      assert.strictEqual((yield* backend.list(names)).length, 2)
      // It is still held by who held it.
      assert.strictEqual((yield* Effect.flip(next.value.backend("bob").renew(held, one))).reason, "Replaced")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        (yield* backend.list(names)).map(({ instanceId }) => instanceId.instance),
        ["2"]
      )
      yield* next.end
      yield* TestClock.adjust("1 minute")
      const last = yield* part(start)
      assert.strictEqual(yield* last.value.count, 0)
      yield* last.end
      assert.strictEqual(kept.size, 0)
    })
  )

  it.effect("has no more time in another run than it was granted, whatever the clock says", () =>
    Effect.gen(function* () {
      const { setBy, start, table } = yield* silent
      yield* table.end
      yield* setBy(-3_600_000)
      const next = yield* part(start)
      yield* TestClock.adjust("14 seconds")
      assert.strictEqual(yield* next.value.count, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* next.value.count, 0)
    })
  )

  it.effect("is kept before the announcement is answered, a renewal within a second, and its end at once", () =>
    Effect.gen(function* () {
      const { backend, held, kept, renew } = yield* silent
      const expires = () => [...kept.values()].map(({ expires }) => expires)
      assert.deepStrictEqual(expires(), [15_000])
      yield* TestClock.adjust("5 seconds")
      yield* renew
      assert.deepStrictEqual(expires(), [15_000])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(expires(), [20_000])
      yield* backend.withdraw(held)
      assert.deepStrictEqual(expires(), [])
    })
  )

  it.effect("goes on when the store fails, which is logged once, and is kept when it works again", () =>
    Effect.gen(function* () {
      const logs: Array<Logged> = []
      const { kept, layer, told } = keptStore()
      const store = Context.get(yield* Layer.build(layer), DirectoryStore.DirectoryStore)
      const table = yield* Effect.provide(Table.make(store), collect(logs))
      told.failing = { _tag: "DirectoryStoreError" }
      const one = yield* announcementOf("acme/Echo@1.0.0", "1")
      yield* Effect.provide(table.backend("ada").announce(one, "first", 15_000), collect(logs))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* table.count, 1)
      assert.deepStrictEqual([logs.length, kept.size], [1, 0])
      told.failing = undefined
      yield* TestClock.adjust("1 second")
      assert.strictEqual(kept.size, 1)
    })
  )

  it.effect("that nobody has leaves its directory at rest", () =>
    Effect.gen(function* () {
      const { backend, held, told } = yield* silent
      yield* backend.withdraw(held)
      const before = told.saves
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(told.saves, before)
    })
  )
})

describe("who is let in", () => {
  const secret = Redacted.make("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")

  it.live("nobody, when it is not said who", () =>
    Effect.gen(function* () {
      const transport = Memory.make()
      yield* built(DirectoryServer.layer(transport, {}).pipe(Layer.provide(DirectoryStore.layerMemory)))
      const directory = Context.get(yield* built(Directory.layer(transport)), Directory.Directory)
      const error = yield* Effect.flip(directory.discover(yield* rangeOf("acme/Echo")))
      if (error._tag !== "DirectoryUnavailable") return assert.fail(error.message)
      assert.include(error.message, "The directory is not available: ")
      const announced = yield* Effect.flip(directory.announce(yield* announcementOf("acme/Echo@1.0.0", "1")))
      assert.strictEqual(announced._tag, "DirectoryUnavailable")
      const { ended } = yield* watching(directory, "acme/Echo")
      assert.strictEqual((yield* Effect.flip(ended))._tag, "DirectoryUnavailable")
    })
  )

  it.live("accounts hold their own leases, and no other's", () =>
    Effect.gen(function* () {
      const transport = Memory.make()
      yield* built(
        DirectoryServer.layer(transport, { authenticator: Authentication.sharedSecret(secret) }).pipe(
          Layer.provide(DirectoryStore.layerMemory)
        )
      )
      const as = (account: string) =>
        Effect.map(
          built(Directory.layer(transport, { credentials: Authentication.secret({ account, secret }) })),
          (context) => Context.get(context, Directory.Directory)
        )
      const [ada, bob] = [yield* as("ada"), yield* as("bob")]
      const one = yield* announcementOf("acme/Echo@1.0.0", "1")
      const server = yield* part(ada.announce(one))
      const error = yield* Effect.flip(Effect.scoped(bob.announce(one)))
      assert.strictEqual(error._tag, "AnnouncementRefused")
      assert.deepStrictEqual(yield* found(bob, "acme/Echo"), ["1"])
      yield* server.end
      yield* Effect.scoped(bob.announce(one))
    })
  )
})
