import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { createHash } from "node:crypto"
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createConnection, createServer } from "node:net"
import { join } from "node:path"
import { it } from "troupe/testing/vitest"
import { encode } from "../../src/net/internal/frames.ts"
import { hello, welcome } from "../../src/net/transport/node/internal/marks.ts"
import { SocketWire } from "../../src/net/transport/node/internal/SocketWire.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { because, procAbsent } from "./absent.ts"
import { bytes, lose, openSockets, program, refusesASecond, served, stale, text, texts, until } from "./sockets.ts"

const somewhere = Effect.map(directory, (folder) => join(folder, "wire.sock"))

/** Connects without the transport. */
const strange = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createConnection>>((resume) => {
      const socket = createConnection(path, () => resume(Effect.succeed(socket)))
      socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const soonAgain = { times: 1000, schedule: Schedule.spaced("5 millis") }

describe("unix", () => {
  it.conforms("unix", {
    make: Effect.map(somewhere, (path) => Unix.make({ path })),
    lose,
    withMaxFrame: ({ address }, maxFrame) => Unix.make({ path: address, maxFrame })
  })

  it.live("K46 unix: a stale socket file is taken over, and nothing else is left beside the path", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "wire.sock")
      yield* stale(path)
      const before = lstatSync(path).ino
      const { next, transport } = yield* served(Unix.make({ path }))
      assert.notStrictEqual(lstatSync(path).ino, before)
      const wire = yield* transport.connect
      yield* wire.send(bytes("hello"))
      assert.deepStrictEqual(yield* texts(yield* next), ["hello"])
      assert.deepStrictEqual(readdirSync(folder), ["wire.sock"])
    })
  )

  it.live(
    "K46 unix: of several that start at once on a stale file one listens, and the others are told AddressInUse",
    () =>
      Effect.gen(function* () {
        for (let round = 0; round < 20; round++) {
          const folder = yield* directory
          const path = join(folder, "wire.sock")
          yield* stale(path)
          const scope = yield* Scope.make()
          const starts = yield* Effect.forEach(
            Array.from({ length: 8 }, (_, number) => number),
            (number) =>
              Effect.result(
                Unix.make({ path }).listen((wire) =>
                  Effect.andThen(Effect.ignore(wire.send(bytes(`${number}`))), Effect.never)
                )
              ),
            { concurrency: "unbounded" }
          ).pipe(Effect.provideService(Scope.Scope, scope))
          const winners = starts.flatMap((start, number) => (start._tag === "Success" ? [`${number}`] : []))
          assert.lengthOf(winners, 1)
          const reasons = starts.flatMap((start) => (start._tag === "Failure" ? [start.failure.reason] : []))
          assert.deepStrictEqual([...new Set(reasons)], ["AddressInUse"])
          yield* Effect.scoped(
            Effect.gen(function* () {
              assert.deepStrictEqual(yield* texts(yield* Unix.make({ path }).connect), winners)
            })
          )
          assert.deepStrictEqual(readdirSync(folder), ["wire.sock"])
          yield* Scope.close(scope, Exit.void)
          assert.deepStrictEqual(readdirSync(folder), [])
        }
      })
  )

  it.live("K46 unix: of several programs that start at once on a stale file one listens", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "wire.sock")
      yield* stale(path)
      const go = join(folder, "go")
      const code = `
        import { Effect } from "effect"
        import { existsSync } from "node:fs"
        import * as Unix from "./src/net/transport/node/Unix.ts"
        const listen = Unix.make({ path: ${JSON.stringify(path)} }).listen(() => Effect.never)
        setTimeout(() => {}, 60_000)
        console.log("ready")
        while (!existsSync(${JSON.stringify(go)})) await new Promise((look) => setImmediate(look))
        await Effect.runPromise(Effect.scoped(Effect.matchEffect(listen, {
          onFailure: (error) => Effect.sync(() => { console.log("done"); console.log(error.reason) }),
          onSuccess: () => Effect.andThen(Effect.sync(() => { console.log("done"); console.log("listens") }), Effect.never)
        })))`
      const programs = yield* Effect.forEach([1, 2, 3], () => program(code))
      yield* Effect.forEach(programs, ({ said }) => said("ready"), { concurrency: "unbounded" })
      writeFileSync(go, "")
      yield* Effect.forEach(programs, ({ said }) => said("done"), { concurrency: "unbounded" })
      const outcomes = yield* Effect.forEach(
        programs,
        ({ said }) =>
          Effect.raceFirst(Effect.as(said("listens"), "listens"), Effect.as(said("AddressInUse"), "in use")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(outcomes.toSorted(), ["in use", "in use", "listens"])
      yield* Effect.scoped(Unix.make({ path }).connect)
    })
  )

  it.live("K46 unix: the file of a program that was killed is taken over", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      const { kill, said } = yield* program(`
        import { Effect } from "effect"
        import * as Unix from "./src/net/transport/node/Unix.ts"
        const listen = Unix.make({ path: ${JSON.stringify(path)} }).listen(() => Effect.never)
        setTimeout(() => {}, 60_000)
        await Effect.runPromise(Effect.scoped(Effect.andThen(listen, Effect.andThen(Effect.sync(() => console.log("listens")), Effect.never))))`)
      yield* said("listens")
      const error = yield* Effect.flip(served(Unix.make({ path })))
      assert.strictEqual(error.reason, "AddressInUse")
      yield* kill("SIGKILL")
      yield* Effect.retry(Effect.scoped(served(Unix.make({ path }))), soonAgain)
    })
  )

  it.live("K46 unix: what is no socket is never removed", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "precious")
      writeFileSync(path, "text")
      const error = yield* Effect.flip(served(Unix.make({ path })))
      assert.strictEqual(error.reason, "InvalidAddress")
      assert.include(error.message, "no socket")
      assert.strictEqual(readFileSync(path, "utf8"), "text")
      const link = join(folder, "link")
      symlinkSync(path, link)
      assert.strictEqual((yield* Effect.flip(served(Unix.make({ path: link })))).reason, "InvalidAddress")
      mkdirSync(join(folder, "below"))
      assert.strictEqual(
        (yield* Effect.flip(served(Unix.make({ path: join(folder, "below") })))).reason,
        "InvalidAddress"
      )
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["below", "link", "precious"])
    })
  )

  it.live("unix: a listener that closes removes its own file, and not one that took its place", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "wire.sock")
      yield* Effect.scoped(served(Unix.make({ path })))
      assert.deepStrictEqual(readdirSync(folder), [])
      const scope = yield* Scope.make()
      yield* Effect.provideService(served(Unix.make({ path })), Scope.Scope, scope)
      renameSync(path, join(folder, "moved"))
      yield* stale(path)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["moved", "wire.sock"])
    })
  )

  it.live("unix: a candidate that was killed while it started is in nobody's way, and is tidied up", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "wire.sock")
      yield* stale(path)
      const { kill, said } = yield* program(`
        import { Effect } from "effect"
        import * as Unix from "./src/net/transport/node/Unix.ts"
        const listen = Unix.make({ path: ${JSON.stringify(path)} }).listen(() => Effect.never)
        setTimeout(() => {}, 60_000)
        await Effect.runPromise(Effect.scoped(Effect.andThen(listen, Effect.andThen(Effect.sync(() => console.log("listens")), Effect.never))))`)
      yield* said("listens")
      // As it stands while one takes over: its directory beside the path, under the name that others look for.
      const prefix = `.t${createHash("sha256").update("wire.sock").digest("hex").slice(0, 6)}`
      const candidate = mkdtempSync(join(folder, prefix))
      linkSync(path, join(candidate, "s"))
      yield* kill("SIGKILL")
      yield* Effect.retry(Effect.asVoid(Effect.scoped(served(Unix.make({ path })))), soonAgain)
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it.live("unix: nobody else may connect, unless mode says so", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* served(Unix.make({ path }))
          assert.strictEqual(statSync(path).mode & 0o777, 0o600)
        })
      )
      yield* served(Unix.make({ path, mode: 0o666 }))
      assert.strictEqual(statSync(path).mode & 0o777, 0o666)
    })
  )

  it.live("unix: a path that is too long or no path is an InvalidAddress", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const paths = [join(folder, "x".repeat(100)), "", "a\0b", join(folder, "no such directory", "wire.sock")]
      for (const path of paths) {
        assert.strictEqual((yield* Effect.flip(served(Unix.make({ path })))).reason, "InvalidAddress")
      }
      const error = yield* Effect.flip(Effect.scoped(Unix.make({ path: paths[0]! }).connect))
      assert.strictEqual(error.reason, "InvalidAddress")
      assert.match(error.message, /the path has \d+ bytes/)
      const longest = join(folder, "x".repeat(106 - folder.length))
      yield* served(Unix.make({ path: longest }))
      yield* Unix.make({ path: longest }).connect
    })
  )

  it.live("unix: more than maxConnections are refused with a reason, and counted; when one goes there is room", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      yield* refusesASecond(Unix.make({ path, maxConnections: 1 }))
    })
  )

  it.live("K38 unix: who speaks another protocol is served by nobody, and cut frames lose their own wire alone", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      const { count, listening, next, transport } = yield* served(Unix.make({ path }))
      const good = yield* transport.connect
      const other = yield* next
      const web = yield* strange(path)
      web.write("GET / HTTP/1.1\r\n\r\n")
      yield* until(() => web.destroyed || web.readableEnded || web.closed)
      assert.strictEqual(yield* count, 0)
      const cut = yield* strange(path)
      cut.write(Buffer.concat([hello, encode([bytes("whole")]), encode([bytes("cut")]).subarray(0, 5)]))
      const wire = yield* next
      assert.deepStrictEqual(yield* texts(wire), ["whole"])
      cut.destroy()
      const closed = yield* Effect.flip(wire.receive)
      assert.isTrue(closed._tag === "WireClosed" && closed.by === "loss")
      assert.strictEqual(yield* listening.wires, 1)
      yield* good.send(bytes("on"))
      assert.deepStrictEqual(yield* texts(other), ["on"])
    })
  )

  it.live("K38 unix: a length beyond the limit closes that wire with FrameTooLarge, after what came before", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      const { next } = yield* served(Unix.make({ path, maxFrame: 10 }))
      const socket = yield* strange(path)
      socket.write(Buffer.concat([hello, encode([bytes("good"), new Uint8Array(11)])]))
      const wire = yield* next
      assert.deepStrictEqual(yield* texts(wire), ["good"])
      const error = yield* Effect.flip(wire.receive)
      assert.isTrue(
        error._tag === "FrameTooLarge" && error.direction === "in" && error.bytes === 11 && error.limit === 10
      )
      assert.strictEqual((yield* wire.closed).by, "this side")
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `unix: a listener that says something else is an InvalidAddress, and one that says nothing is TimedOut${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const folder = yield* directory
        const listen = (name: string, answer: string | undefined) =>
          Effect.acquireRelease(
            Effect.promise(
              () =>
                new Promise<ReturnType<typeof createServer>>((resolve) => {
                  const server = createServer((socket) => {
                    socket.on("error", () => {})
                    if (answer !== undefined) socket.write(answer)
                  })
                  server.listen(join(folder, name), () => resolve(server))
                })
            ),
            (server) => Effect.sync(() => server.close())
          )
        yield* listen("chatty", "220 mail.example ready\r\n")
        yield* listen("silent", undefined)
        const before = openSockets()
        const chatty = yield* Effect.flip(Unix.make({ path: join(folder, "chatty") }).connect)
        assert.strictEqual(chatty.reason, "InvalidAddress")
        const silent = Unix.make({ path: join(folder, "silent"), connectTimeout: "50 millis" })
        assert.strictEqual((yield* Effect.flip(silent.connect)).reason, "TimedOut")
        yield* until(() => openSockets() <= before + 2)
      })
  )

  it.live("unix: a program that is killed in the middle of a frame is lost, at once", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      const { next } = yield* served(Unix.make({ path }))
      const { kill, said } = yield* program(`
        import { createConnection } from "node:net"
        const socket = createConnection(${JSON.stringify(path)}, () => {
          socket.resume()
          socket.write(Uint8Array.from(${JSON.stringify([...hello])}))
          socket.write(Uint8Array.from(${JSON.stringify([...encode([bytes("whole")]), 0, 0, 0, 9, 1, 2])}), () => console.log("sent"))
        })`)
      const wire = yield* next
      yield* said("sent")
      assert.deepStrictEqual(yield* texts(wire), ["whole"])
      const killed = Date.now()
      yield* kill("SIGKILL")
      const closed = yield* wire.closed
      assert.strictEqual(closed.by, "loss")
      assert.include(closed.message, "in the middle of a frame")
      assert.isBelow(Date.now() - killed, 5000)
      assert.deepStrictEqual(yield* Effect.flip(wire.receive), closed)
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `unix: a program that is stopped is not noticed, and what it was sent arrives when it goes on${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const path = yield* somewhere
        const { next } = yield* served(Unix.make({ path }))
        const { child, kill, said } = yield* program(`
        import { Effect } from "effect"
        import * as Unix from "./src/net/transport/node/Unix.ts"
        const talk = Effect.gen(function* () {
          const wire = yield* Unix.make({ path: ${JSON.stringify(path)} }).connect
          console.log("connected")
          yield* wire.sendAll(yield* wire.receive)
          yield* wire.closed
        })
        setTimeout(() => {}, 60_000)
        await Effect.runPromise(Effect.scoped(talk))`)
        const wire = yield* next
        yield* said("connected")
        yield* kill("SIGSTOP")
        yield* until(() => readFileSync(`/proc/${child.pid}/stat`, "utf8").includes(") T "))
        yield* wire.send(bytes("while it sleeps"))
        const outcome = yield* Effect.timeoutOption(Effect.raceFirst(wire.closed, wire.receive), "200 millis")
        assert.strictEqual(outcome._tag, "None")
        yield* kill("SIGCONT")
        assert.deepStrictEqual(yield* texts(wire), ["while it sleeps"])
      })
  )

  it.live("unix: a close waits no longer for a side that takes nothing", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      const { next } = yield* served(Unix.make({ path }))
      const socket = yield* strange(path)
      socket.write(hello)
      socket.pause()
      const wire = yield* next
      const frame = new Uint8Array(1_000_000)
      yield* Effect.timeoutOption(Effect.forever(wire.send(frame)), "300 millis")
      const closing = Date.now()
      yield* wire.close
      assert.isBelow(Date.now() - closing, 6000)
      assert.strictEqual((yield* wire.closed).by, "this side")
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `unix: scopes that close leave no descriptor open${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const path = yield* somewhere
        const round = Effect.scoped(
          Effect.gen(function* () {
            const { next, transport } = yield* served(Unix.make({ path }))
            const wires = yield* Effect.forEach([1, 2, 3, 4, 5], () => transport.connect)
            yield* Effect.forEach(wires, () => next)
            yield* Effect.forEach(wires, (wire) => wire.send(bytes("x")))
          })
        )
        yield* round
        const before = openSockets()
        yield* Effect.repeat(round, { times: 5 })
        assert.strictEqual(openSockets(), before)
      })
  )

  it.live("I12 unix: what a slow reader has waiting is bounded, whatever the frames' size", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      const { next, transport } = yield* served(Unix.make({ path }))
      const wire = yield* transport.connect
      const other = yield* next
      for (const size of [0, 100, 100_000]) {
        let sent = 0
        const frame = new Uint8Array(size)
        const stalled = yield* Deferred.make<void>()
        const sending = Effect.gen(function* () {
          while (sent < 200_000) {
            yield* wire.send(frame)
            sent++
          }
        })
        const fiber = yield* Effect.forkChild(Effect.ensuring(sending, Deferred.succeed(stalled, undefined)))
        let before = -1
        yield* Effect.repeat(
          Effect.andThen(
            Effect.sleep("30 millis"),
            Effect.sync(() => before === (before = sent))
          ),
          { until: (still) => still }
        )
        assert.isBelow(sent * (size + 4), 4_000_000)
        assert.isBelow(sent, 200_000)
        fiber.interruptUnsafe()
        let received = 0
        while (received < sent) received += (yield* other.receive).length
        yield* Deferred.await(stalled)
        assert.strictEqual(received, sent)
      }
    })
  )

  it.live("unix: a frame that comes while a fiber is put off on its way to receive it is received", () =>
    Effect.gen(function* () {
      const { transport } = yield* served(Unix.make({ path: yield* somewhere }))
      const wire = yield* transport.connect
      assert.instanceOf(wire, SocketWire)
      const frame = Buffer.from(encode([bytes("x")]))
      // Its scheduler puts a fiber off after 2048 operations: for each of those that a receive consists of, there is a count.
      for (let count = 2030; count <= 2056; count++) {
        let receiving = wire.receive
        for (let at = 0; at < count; at++) {
          const next = receiving
          receiving = Effect.suspend(() => next)
        }
        const fiber = Effect.runFork(receiving)
        wire["socket"].emit("data", frame)
        assert.deepStrictEqual((yield* Fiber.join(fiber)).map(text), ["x"], `after ${count} operations`)
      }
    })
  )

  it.live("unix: a wire over a plain socket says what it should", () =>
    Effect.gen(function* () {
      const path = yield* somewhere
      yield* served(Unix.make({ path }))
      const socket = yield* strange(path)
      let heard = Buffer.alloc(0)
      socket.on("data", (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])))
      socket.write(hello)
      yield* until(() => heard.length >= 4)
      assert.deepStrictEqual(Uint8Array.from(heard), welcome)
    })
  )
})
