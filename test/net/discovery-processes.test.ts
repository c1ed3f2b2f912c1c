/** Directories and servers as programs of the operating system, which are killed and stopped. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect } from "effect"
import { join } from "node:path"
import { Address, type Announcement, Connection, Directory } from "troupe/net"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory as folder } from "../support/files.ts"
import { built, found, rangeOf, watching } from "./announced.ts"
import { Echo } from "./program/announcing.ts"
import { type Place, start, transportAt } from "./program/programs.ts"
import { until } from "./sockets.ts"

const places = Effect.map(folder, (path) => ({
  place: { transport: "unix", at: join(path, "directory.sock") } satisfies Place,
  filename: join(path, "directory.db"),
  socket: (name: string) => ({ transport: "unix", at: join(path, `${name}.sock`) }) satisfies Place
}))

/** A directory that is a program, which can be started anew, and a client of it here. */
const running = Effect.gen(function* () {
  const { filename, place, socket } = yield* places
  const begin = (database = filename) =>
    Effect.tap(start("directory.ts", { place, filename: database }), ({ told }) => told("listens "))
  const program = yield* begin()
  const directory = Context.get(
    yield* built(Directory.layer(transportAt(place), { timeout: "2 seconds" })),
    Directory.Directory
  )
  const server = (instance: string, listens: ReadonlyArray<Place> = [socket(instance)]) =>
    start("announcing.ts", { directory: place, instance, listens })
  return { program, begin, directory, server, socket }
})

/** The routes in the contract that a server has announced. */
const routesOf = (directory: Directory.Directory["Service"], announcement: Announcement.Announcement) =>
  Effect.map(directory.contract(announcement), ({ server }) => server.map(({ name }) => name))

const millisUntil = Effect.fnUntraced(function* (holds: () => boolean) {
  const before = yield* Clock.currentTimeMillis
  yield* until(holds)
  return (yield* Clock.currentTimeMillis) - before
})

// Each starts several programs, which takes as long as the machine is busy.
const limit = { timeout: 120_000 }

describe("programs that are announced", () => {
  it.live(
    "are found and reached; one that is killed or stands still is gone within its lease, and may come back",
    () =>
      Effect.gen(function* () {
        const { directory, server, socket } = yield* running
        const { seen } = yield* watching(directory, "acme/Echo")
        const [one, two] = yield* Effect.all([server("1", [socket("1"), { transport: "tcp", at: "0" }]), server("2")])
        yield* until(() => seen.length === 2)
        const [best, second] = yield* directory.discover(yield* rangeOf("acme/Echo@^1.0.0"))
        assert.deepStrictEqual([best.instanceId.instance, second?.instanceId.instance], ["1", "2"])
        assert.match(best.contract!, /^\S{16,}$/)
        assert.deepStrictEqual(yield* routesOf(directory, best), ["echo"])
        for (const dialer of [Unix.dialer(), Tcp.dialer()]) {
          const strategy = yield* Address.strategy(best.addresses, [dialer])
          const connection = yield* Connection.connect(strategy, Echo, { instanceId: best.instanceId })
          assert.strictEqual(yield* connection.request("echo", "hello"), "1 hello")
        }

        yield* one.kill
        const after = yield* millisUntil(() => seen.includes("Gone 1"))
        // Its lease of a second, and what a busy machine takes.
        assert.isBelow(after, 5000)
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["2"])

        const sinceOne = seen.length
        yield* two.signal("SIGSTOP")
        yield* until(() => seen.includes("Gone 2"))
        yield* two.signal("SIGCONT")
        yield* until(() => seen.length === sinceOne + 2)
        assert.deepStrictEqual(seen.slice(sinceOne), ["Gone 2", "Announced 2"])

        // Another takes its place while it stands still: it gives way.
        yield* two.signal("SIGSTOP")
        const again = yield* server("2", [socket("other")])
        yield* again.said("Announced")
        yield* two.signal("SIGCONT")
        yield* two.said("Lost")
        assert.deepStrictEqual(again.lines(), ["Announced"])
        const [other] = yield* directory.discover(yield* rangeOf("acme/Echo"))
        assert.include(other.addresses[0].address, "other.sock")
      }),
    limit
  )

  it.live(
    "go on with a directory that stands still, is killed and started again, or has forgotten everything",
    () =>
      Effect.gen(function* () {
        const { begin, directory, program, server } = yield* running
        const { seen } = yield* watching(directory, "acme/Echo")
        const one = yield* server("1")
        yield* until(() => seen.length === 1)

        yield* program.signal("SIGSTOP")
        // Longer than its lease.
        yield* Effect.sleep("2 seconds")
        yield* program.signal("SIGCONT")
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
        yield* Effect.sleep("1100 millis")
        assert.deepStrictEqual(yield* found(directory, "acme/Echo"), ["1"])
        assert.deepStrictEqual(seen, ["Announced 1"])

        yield* program.kill
        const error = yield* Effect.flip(directory.discover(yield* rangeOf("acme/Echo")))
        if (error._tag !== "DirectoryUnavailable") return assert.fail(error.message)
        assert.deepStrictEqual(
          error.lastKnown?.candidates.map(({ instanceId }) => instanceId.instance),
          ["1"]
        )
        assert.isAbove(error.lastKnown!.milliseconds, 0)

        const second = yield* begin()
        const isFound = Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), found(directory, "acme/Echo")), {
          until: (all) => String(all) === "1"
        })
        yield* isFound
        const [known] = yield* directory.discover(yield* rangeOf("acme/Echo"))
        assert.deepStrictEqual(yield* routesOf(directory, known), ["echo"])
        yield* second.kill
        yield* begin(":memory:")
        yield* isFound
        // Whoever has announced itself anew has sent it again.
        assert.deepStrictEqual(yield* routesOf(directory, known), ["echo"])
        assert.strictEqual(seen.at(-1), "Announced 1")
        assert.notInclude(one.lines(), "Lost")
      }),
    limit
  )
})
