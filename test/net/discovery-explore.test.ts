/** Leases that are renewed, end, are taken over and withdrawn in all orders, and directories behind a network that fails. */
import { describe } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { Authentication, Directory, DirectoryServer, DirectoryStore } from "troupe/net"
import { Network } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import { folded, type Known, nothing } from "../../src/net/internal/directory/batches.ts"
import { Table } from "../../src/net/internal/directory/Table.ts"
import { announcementOf, built, found, inShort, rangeOf } from "./announced.ts"

const millis = 1000
const saving = 3
/** What is left of a lease when it was kept. */
const left = millis - saving
const names = { manufacturer: "acme", name: "Echo" }

/** Says what is not so, as a failure of the schedule. */
const check = (holds: boolean, otherwise: string) => (holds ? Effect.void : Effect.fail(otherwise))

/** A store that takes its time, and what it has. */
const slowStore = () => {
  const kept = new Map<string, DirectoryStore.StoredLease>()
  const store: DirectoryStore.DirectoryStore["Service"] = {
    load: Effect.succeed([]),
    save: ({ put, remove }) =>
      Effect.andThen(
        Effect.sleep(saving),
        Effect.sync(() => {
          for (const lease of put) kept.set(lease.key, lease)
          for (const key of remove) kept.delete(key)
        })
      )
  }
  return { kept, store }
}

/** A lease that is about to end. */
const ending = Effect.gen(function* () {
  const { kept, store } = slowStore()
  const table = yield* Table.make(store)
  const backend = table.backend("ada")
  const one = yield* announcementOf("acme/Echo@1.0.0", "1")
  const held = { type: one.type, instanceId: one.instanceId, holder: "first" }
  let known: Known = nothing
  const watching = Stream.runForEach(backend.watch(names), (batch) =>
    Effect.sync(() => {
      known = folded(known, batch)[0]
    })
  )
  yield* Effect.forkScoped(watching)
  yield* backend.announce(one, held.holder, millis)
  return { table, backend, one, held, kept, known: () => known.size }
})

/** What the directory has, what its store has, and what a client knows, once nothing happens any more. */
const agreed = Effect.fnUntraced(function* (
  { backend, kept, known }: Effect.Success<typeof ending>,
  expected: number,
  after: string
) {
  const there = (yield* backend.list(names)).length
  yield* check(there === expected, `there are ${there} ${after}`)
  yield* Effect.sleep("600 millis")
  yield* check(kept.size === expected, `the store has ${kept.size} ${after}`)
  yield* check(known() === expected, `a client knows ${known()} ${after}`)
})

describe("a lease that ends", () => {
  it.explore(
    "is renewed or is over, and whoever watches and the store know which",
    Effect.gen(function* () {
      const lease = yield* ending
      const { backend, held, one } = lease
      yield* Effect.sleep(left - 1)
      const renewing = yield* Effect.forkChild(
        Effect.result(Effect.andThen(Effect.sleep("1 millis"), backend.renew(held, { ...one, health: "degraded" })))
      )
      const looking = yield* Effect.forkChild(Effect.andThen(Effect.sleep("1 millis"), backend.list(names)))
      yield* Effect.sleep("2 millis")
      const renewed = yield* Fiber.join(renewing)
      // Its time is over when it is renewed: it is so for everybody.
      yield* check(renewed._tag === "Failure", "it was renewed after its end")
      const { length } = yield* Fiber.join(looking)
      yield* check(length === 0, "it was there after its end")
      yield* agreed(lease, 0, "after its end")
    }),
    { schedules: 300 }
  )

  it.explore(
    "while it is renewed just in time does not end",
    Effect.gen(function* () {
      const lease = yield* ending
      for (let n = 1; n <= 3; n++) {
        yield* Effect.sleep(left - 1)
        yield* lease.backend.renew(lease.held, { health: "healthy", load: n })
      }
      yield* agreed(lease, 1, "after it was renewed")
    }),
    { schedules: 100 }
  )

  it.explore(
    "while it is withdrawn and renewed is over",
    Effect.gen(function* () {
      const lease = yield* ending
      const { backend, held, one } = lease
      const renewing = yield* Effect.forkChild(Effect.result(backend.renew(held, one)))
      const withdrawing = yield* Effect.forkChild(backend.withdraw(held))
      yield* Fiber.join(withdrawing)
      const { length } = yield* backend.list(names)
      yield* check(length === 0, "it was there after it was withdrawn")
      yield* Fiber.join(renewing)
      const again = yield* Effect.result(backend.renew(held, one))
      yield* check(again._tag === "Failure", "it was renewed after it was withdrawn")
      yield* agreed(lease, 0, "after it was withdrawn")
    }),
    { strategy: { exhaustive: { preemptions: 2 } }, schedules: 600 }
  )

  it.explore(
    "while another takes it over, is the other's, whatever the first one does",
    Effect.gen(function* () {
      const lease = yield* ending
      const { backend, held, one } = lease
      yield* Effect.sleep(left - 1)
      const at = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.forkChild(Effect.andThen(Effect.sleep("1 millis"), Effect.ignore(effect)))
      const all = [
        yield* at(backend.renew(held, one)),
        yield* at(backend.withdraw(held)),
        yield* at(backend.announce(one, "second", millis))
      ]
      yield* Fiber.joinAll(all)
      const renewed = yield* Effect.result(backend.renew(held, one))
      yield* check(renewed._tag === "Failure" && renewed.failure.reason === "Replaced", "the first one still has it")
      yield* backend.renew({ ...held, holder: "second" }, one)
      yield* agreed(lease, 1, "after it was taken over")
    }),
    { schedules: 300 }
  )
})

describe("a directory behind a network", () => {
  /** A directory at a node, and a client at each of others. */
  const networked = Effect.fnUntraced(function* (options: Network.Options) {
    const network = yield* Network.make(options)
    const serve = built(
      DirectoryServer.layer(network.transport("directory", "directory"), { authenticator: Authentication.open }).pipe(
        Layer.provide(DirectoryStore.layerMemory)
      )
    )
    yield* serve
    const client = (node: string) =>
      Effect.map(built(Directory.layer(network.transport(node, "directory"))), (context) =>
        Context.get(context, Directory.Directory)
      )
    return { network, client, serve }
  })

  it.explore(
    "that loses links forgets nobody who lives, and keeps nobody who has ended",
    () =>
      Effect.gen(function* () {
        const { client } = yield* networked({ latency: { min: 0, max: 40 }, breaks: 0.03 })
        const watcher = yield* client("watcher")
        const seen: Array<string> = []
        const changes = watcher.changes(yield* rangeOf("acme/Echo"))
        yield* Effect.forkScoped(
          Stream.runForEach(changes, (change) => Effect.sync(() => void seen.push(inShort(change))))
        )
        const scopes = yield* Effect.forEach(["1", "2"], (instance) =>
          Effect.gen(function* () {
            const scope = yield* Scope.fork(yield* Effect.scope)
            const directory = yield* client(instance)
            const announcement = yield* announcementOf("acme/Echo@1.0.0", instance)
            const announced = directory.announce(announcement, { lease: "6 seconds" })
            // What failed may be announced all the same: it is so under a holder of its own, and ends.
            yield* Effect.eventually(Scope.provide(announced, scope))
            return scope
          })
        )
        yield* Effect.sleep("20 seconds")
        const [first, second] = scopes
        yield* Scope.close(first!, Exit.void)
        yield* Effect.sleep("20 seconds")
        const there = yield* Effect.eventually(Effect.filterOrFail(found(watcher, "acme/Echo"), Array.isArray))
        yield* check(there.join() === "2", `found ${there.join()} after the end of 1`)
        yield* Scope.close(second!, Exit.void)
        yield* Effect.sleep("20 seconds")
        const known = new Set<string>()
        for (const change of seen) {
          const [tag, instance] = change.split(" ")
          if (tag === "Gone") known.delete(instance!)
          else known.add(instance!)
        }
        yield* check(known.size === 0, `a client knows ${[...known].join()} in the end: ${seen.join("; ")}`)
      }),
    { schedules: 20, maxSteps: 200_000, timeout: 60_000 }
  )

  it.explore(
    "loses a server that is cut off within its lease, and has it again when it is not",
    () =>
      Effect.gen(function* () {
        const { client, network } = yield* networked({ latency: { min: 0, max: 5 } })
        const [server, watcher] = [yield* client("server"), yield* client("watcher")]
        const announced = yield* server.announce(yield* announcementOf("acme/Echo@1.0.0", "1"))
        yield* network.partition(["server"], ["directory"])
        yield* Effect.sleep("15100 millis")
        const without = yield* found(watcher, "acme/Echo")
        yield* check(without === "UnknownType", `found ${without} after its lease`)
        const state = yield* announced.state
        yield* check(state._tag === "Waiting", `it is ${state._tag} while it is cut off`)
        yield* network.heal
        yield* Effect.sleep("1 minute")
        const again = yield* found(watcher, "acme/Echo")
        yield* check(String(again) === "1", `found ${again} when it was connected again`)
      }),
    { schedules: 20, maxSteps: 200_000, timeout: 60_000 }
  )

  it.explore(
    "that was started anew is told again over the new link, before the next renewal",
    () =>
      Effect.gen(function* () {
        const { client, network, serve } = yield* networked({ latency: { min: 0, max: 5 } })
        const [server, watcher] = [yield* client("server"), yield* client("watcher")]
        const announcement = yield* announcementOf("acme/Echo@1.0.0", "1")
        yield* server.announce(announcement, { lease: "1 minute" })
        yield* Effect.sleep("1 second")
        yield* network.crash("directory")
        yield* serve
        yield* Effect.sleep("10 seconds")
        const again = yield* found(watcher, "acme/Echo")
        yield* check(String(again) === "1", `found ${again} within ten seconds`)
      }),
    { schedules: 20, maxSteps: 200_000, timeout: 60_000 }
  )

  it.explore(
    "that is frozen answers nobody, and has everybody when it thaws",
    () =>
      Effect.gen(function* () {
        const { client, network } = yield* networked({ latency: { min: 0, max: 5 } })
        const [server, watcher] = [yield* client("server"), yield* client("watcher")]
        yield* server.announce(yield* announcementOf("acme/Echo@1.0.0", "1"))
        yield* found(watcher, "acme/Echo")
        yield* network.freeze("directory")
        const error = yield* Effect.flip(watcher.discover(yield* rangeOf("acme/Echo")))
        yield* check(error._tag === "DirectoryUnavailable", `it was ${error._tag}`)
        const known = error._tag === "DirectoryUnavailable" ? error.lastKnown : undefined
        yield* check(known?.candidates.length === 1, "what was known is not in the error")
        yield* check((known?.milliseconds ?? 0) >= 5000, `it was known ${known?.milliseconds} ms ago`)
        yield* Effect.sleep("1 minute")
        yield* network.thaw("directory")
        yield* Effect.sleep("1 minute")
        const again = yield* found(watcher, "acme/Echo")
        yield* check(String(again) === "1", `found ${again} when it was thawed`)
      }),
    { schedules: 20, maxSteps: 200_000, timeout: 60_000 }
  )
})
