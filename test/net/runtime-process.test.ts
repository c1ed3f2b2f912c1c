/**
 * Instances that are processes of their own.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Random, Schedule, Scope, Stream } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Writable } from "node:stream"
import { setImmediate } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { Acceptor, Authentication, Connection, type Instance, Runtime, Strategy, type Transport } from "troupe/net"
import * as ProcessRuntime from "troupe/net/process-runtime"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"
import { everyWay } from "../../src/net/runtime/node/internal/everyWay.ts"
import { writeLossy } from "../../src/net/runtime/node/internal/writeLossy.ts"
import { because, procAbsent } from "./absent.ts"
import { handlers, Kept } from "./program/kept.ts"
import { start } from "./program/programs.ts"
import { lose, until } from "./sockets.ts"

const program = new URL("./program/process-instance.ts", import.meta.url)

const starter = (does: string, options?: Partial<ProcessRuntime.Options>) =>
  ProcessRuntime.make({ namespace: "kept", program, args: [does], execArgv: ["-C", "source"], ...options })

const plain = new URL("./program/plain.ts", import.meta.url)

const Serving = starter("serves")

const dial = ({ credentials, id, strategy }: Instance.Instance, options?: Connection.Options) =>
  Connection.connect(strategy, Kept, { credentials, instanceId: id, ...options })

const socketOf = ({ strategy }: Instance.Instance) => strategy.transports[0].address
const transportOf = (connection: Connection.Connection) =>
  Effect.map(connection.state, (state) => (state._tag === "Connected" ? state.transport : state._tag))

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe("processes as instances", () => {
  it.live("is reached by its socket, and stopped with its scope: no process, no socket, no folder is left", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const instance = yield* Scope.provide(Serving.start("1"), scope)
      assert.strictEqual(String(instance.id), "process/kept/1")
      const connection = yield* dial(instance)
      assert.strictEqual(yield* transportOf(connection), "unix")
      assert.isDefined(yield* connection.identity)
      const pid = yield* connection.request("pid")
      assert.isTrue(isAlive(pid) && pid !== process.pid && existsSync(socketOf(instance)))
      // It leads a group of its own: what a terminal sends to that of its parent does not end it.
      assert.isTrue(isAlive(-pid))
      // What is underway is answered before it ends.
      const slow = yield* Effect.forkChild(connection.request("slow", 300), { startImmediately: true })
      yield* connection.request("heard")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Fiber.join(slow), "done")
      assert.deepStrictEqual(yield* instance.ended, { how: "stopped", detail: "its process ended with code 0" })
      assert.isFalse(isAlive(pid))
      assert.isFalse(existsSync(dirname(socketOf(instance))))
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `its secret is neither in its environment nor on its command line${because(procAbsent)}, its folder for this user alone`,
    () =>
      Effect.gen(function* () {
        const instance = yield* Serving.start("1")
        const pid = yield* (yield* dial(instance)).request("pid")
        const told = (file: string) =>
          readFileSync(`/proc/${pid}/${file}`, "utf8")
            .split("\0")
            .filter((one) => one !== "")
        const added = told("environ").filter(
          (one) => process.env[one.split("=")[0]!] !== one.slice(one.indexOf("=") + 1)
        )
        assert.deepStrictEqual(
          added.map((one) => one.split("=")[0]!).filter((name) => !name.startsWith("NODE_CHANNEL_")),
          ["TROUPE_INSTANCE"]
        )
        assert.deepStrictEqual(told("cmdline").slice(1), ["-C", "source", fileURLToPath(program), "serves"])
        assert.strictEqual(statSync(dirname(socketOf(instance))).mode & 0o777, 0o700)
      })
  )

  it.live("K39 K40 without the secret nobody is let in, and by no other way", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([Serving.start("1"), Serving.start("2")], { concurrency: 2 })
      const wrong = yield* Effect.flip(dial(one, { credentials: two.credentials }))
      assert.deepStrictEqual(
        wrong.attempts.map(({ error, transport }) => [transport, error._tag]),
        [["unix", "AuthenticationFailed"]]
      )
      const none = yield* Effect.flip(dial(one, { credentials: undefined }))
      assert.strictEqual(none.attempts[0].error._tag, "AuthenticationFailed")
    })
  )

  it.live(
    "K39 the socket is gone: TCP is used, with its own address; the process is gone: both attempts are told",
    () =>
      Effect.gen(function* () {
        const instance = yield* Serving.start("1")
        const [unix, tcp] = instance.strategy.transports
        rmSync(unix.address)
        const connection = yield* dial(instance)
        assert.strictEqual(yield* transportOf(connection), "tcp")
        assert.strictEqual((yield* connection.peer)?.address, tcp!.address)
        assert.strictEqual(yield* connection.request("ask", { to: "process/kept/1", n: 7 }), "process/kept/1 7")
        process.kill(yield* connection.request("pid"), "SIGKILL")
        assert.deepStrictEqual(yield* instance.ended, { how: "exited", detail: "its process was ended by SIGKILL" })
        const error = yield* Effect.flip(dial(instance))
        assert.deepStrictEqual(
          error.attempts.map(({ address, error, transport }) => [
            transport,
            address,
            error._tag === "TransportError" && error.reason
          ]),
          [
            ["unix", unix.address, "NotListening"],
            ["tcp", tcp!.address, "NotListening"]
          ]
        )
      })
  )

  it.live("what is asked by one way and repeated by another is handled once", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-ways-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const unix = Unix.make({ path: join(folder, "s") })
      const { listening, transport } = everyWay([unix, Tcp.make({ host: "127.0.0.1", port: 0 })])
      const handling = handlers("both", 0, () => {})
      let begun = 0
      const acceptor = yield* Acceptor.make(transport, Kept, {
        authenticator: Authentication.open,
        handlers: { ...handling, slow: (millis) => Effect.suspend(() => (begun++, handling.slow(millis))) }
      })
      let wire: Transport.Wire | undefined
      const kept = { ...unix, connect: Effect.tap(unix.connect, (made) => Effect.sync(() => void (wire = made))) }
      const connection = yield* Connection.connect(Strategy.of(kept, listening()[1]!), Kept, {
        reconnect: Schedule.spaced("5 millis")
      })
      const asked = yield* Effect.forkChild(connection.request("slow", 200, { retry: "once-handled" }))
      yield* until(() => begun === 1)
      rmSync(unix.address)
      yield* lose(wire!)
      assert.strictEqual(yield* Fiber.join(asked), "done")
      assert.deepStrictEqual([begun, yield* transportOf(connection)], [1, "tcp"])
      assert.strictEqual((yield* acceptor.stats).connections, 1)
    })
  )

  it.live(
    "K43 two instances: of 10,000 interleaved messages none meets the other's, nor do sockets and statistics",
    () =>
      Effect.gen(function* () {
        const instances = yield* Effect.all([Serving.start("1"), Serving.start("2")], { concurrency: 2 })
        const connections = yield* Effect.forEach(instances, (instance) => dial(instance))
        const [ones, twos] = instances.map(({ strategy }) => strategy.transports.map(({ address }) => address))
        assert.strictEqual(new Set([...ones!, ...twos!]).size, 4)
        const [onePid, twoPid] = yield* Effect.forEach(connections, (connection) => connection.request("pid"))
        assert.notStrictEqual(onePid, twoPid)
        const counts = [
          [0, 0],
          [0, 0]
        ]
        const say = (n: number) =>
          Effect.gen(function* () {
            const which = (yield* Random.nextBoolean) ? 1 : 0
            const to = String(instances[which]!.id)
            const isAsked = yield* Random.nextBoolean
            counts[which]![isAsked ? 1 : 0]!++
            if (isAsked) assert.strictEqual(yield* connections[which]!.request("ask", { to, n }), `${to} ${n}`)
            else yield* connections[which]!.tell("note", { to, n })
          })
        yield* Effect.forEach(
          Array.from({ length: 10_000 }, (_, n) => n + 1),
          say,
          { concurrency: 50, discard: true }
        )
        for (const [which, connection] of connections.entries()) {
          const [told, asked] = counts[which]!
          // Tells are handled one after the other, and a request may overtake them.
          yield* Effect.repeat(connection.request("heard"), {
            schedule: Schedule.spaced("10 millis"),
            until: ({ mine }) => mine === told! + asked!
          })
          assert.deepStrictEqual(yield* connection.request("heard"), { mine: told! + asked!, others: 0, unordered: 0 })
          const { messagesOut, requests } = yield* connection.stats
          assert.strictEqual(requests.succeeded, requests.sent)
          assert.strictEqual(messagesOut - requests.sent, told)
          assert.isAtLeast(requests.sent, asked! + 2)
        }
        assert.strictEqual(
          counts.flat().reduce((sum, count) => sum + count),
          10_000
        )
        // One that ends takes nothing of the other along.
        process.kill(onePid!, "SIGKILL")
        yield* instances[0]!.ended
        assert.strictEqual(yield* connections[1]!.request("pid"), twoPid)
      })
  )

  it.live("a program that ends before it is ready: its exit code, and its last words", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(starter("exits", { program: plain }).start("1"))
      assert.deepStrictEqual(
        [error.reason, error.exitCode, error.signal, error.stderr],
        ["Ended", 3, undefined, ["first words", "last words"]]
      )
      assert.include(error.message, "its process ended with code 3 before it was ready")
    })
  )

  it.live("a program that never gets ready is ended after its time, and says what it wrote", () =>
    Effect.gen(function* () {
      // Long enough for it to begin, and to write.
      const error = yield* Effect.flip(starter("is silent", { program: plain, startTimeout: "2 seconds" }).start("1"))
      assert.deepStrictEqual([error.reason, error.stderr], ["NotReady", ["still thinking"]])
    })
  )

  it.live("a program that is not there, and a name that is none", () =>
    Effect.gen(function* () {
      const absent = yield* Effect.flip(starter("serves", { program: "/nowhere/x.js" }).start("1"))
      assert.strictEqual(absent.reason, "NotFound")
      const empty = yield* Effect.flip(Serving.start(""))
      assert.strictEqual(empty.reason, "Invalid")
      assert.include(empty.message, "instance is empty")
      const elsewhere = yield* Effect.flip(
        starter("serves", { program: new URL("https://example.com/x.js") }).start("1")
      )
      assert.deepStrictEqual([elsewhere.reason, elsewhere.program], ["Invalid", "https://example.com/x.js"])
    })
  )

  it.live("one that does not end when it is asked to is killed after the grace", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const instance = yield* Scope.provide(starter("serves on", { stopTimeout: "100 millis" }).start("1"), scope)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* instance.ended, { how: "stopped", detail: "its process was ended by SIGKILL" })
    })
  )

  it.live("a parent that is killed takes its child along, and the child its socket", () =>
    Effect.gen(function* () {
      const parent = yield* start("runtime-parent.ts", {})
      const { pid, socket }: { readonly pid: number; readonly socket: string } = JSON.parse(
        `{${yield* parent.told("{")}`
      )
      assert.isTrue(isAlive(pid) && existsSync(socket))
      yield* parent.kill
      yield* until(() => !isAlive(pid))
      assert.isFalse(existsSync(dirname(socket)))
    })
  )

  it.live("what a child writes is lost when nobody reads it any more, and an error of others is theirs", () =>
    Effect.gen(function* () {
      const gone = new Error("EPIPE")
      const closed = new Writable({ autoDestroy: false, write: (_piece, _encoding, done) => done(gone) })
      writeLossy(closed, "a line")
      yield* Effect.promise(() => setImmediate())
      assert.deepStrictEqual([closed.errored, closed.listenerCount("error")], [gone, 0])
      const heard: Array<Error> = []
      const listened = new Writable({ write: (_piece, _encoding, done) => done(gone) })
      listened.on("error", (error) => heard.push(error))
      writeLossy(listened, "a line")
      yield* Effect.promise(() => setImmediate())
      assert.deepStrictEqual(heard, [gone])
    })
  )

  it.live("replicas: one that is killed is another one when it is there again, and the other stays the same", () =>
    Effect.gen(function* () {
      const seen: Array<ReadonlyArray<Instance.Instance>> = []
      const runtime = yield* Runtime.replicas(Serving, 2, { restart: Schedule.spaced("1 millis") })
      yield* Effect.forkScoped(Stream.runForEach(runtime.instances, (now) => Effect.sync(() => void seen.push(now))))
      yield* until(() => seen.length === 1)
      const [first, second] = seen[0]!
      const connection = yield* dial(first!)
      const pid = yield* connection.request("pid")
      process.kill(pid, "SIGKILL")
      yield* until(() => seen.length === 3)
      assert.deepStrictEqual(seen[1], [second!])
      const [again, other] = seen[2]!
      assert.strictEqual(other, second)
      assert.notStrictEqual(again, first)
      assert.strictEqual(String(again!.id), String(first!.id))
      assert.notStrictEqual(yield* (yield* dial(again!)).request("pid"), pid)
    })
  )
})
