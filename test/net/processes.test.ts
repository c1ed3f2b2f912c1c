/**
 * Connections between programs of the operating system, which are killed and stopped.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Redacted, Schedule, type Scope, Stream } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Acceptor, Authentication, Connection } from "troupe/net"
import type { Transport } from "../../src/net/Transport.ts"
import * as Tls from "../../src/net/transport/node/Tls.ts"
import { because, opensslAbsent, procAbsent } from "./absent.ts"
import { certificates } from "./certificates.ts"
import { type Place, placeOf, start, transportAt } from "./program/programs.ts"
import { Work } from "./program/work.ts"
import { openSockets, proxied, until } from "./sockets.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-processes-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const nowhere = (transport: Place["transport"]): Effect.Effect<Place, never, Scope.Scope> => {
  if (transport === "unix") return Effect.map(directory, (path) => ({ transport, at: join(path, "work.sock") }))
  if (transport !== "tls") return Effect.succeed({ transport, at: "0" })
  const { authority, server } = certificates
  const pem = { authority, certificate: server.certificate, key: Redacted.value(server.key) }
  return Effect.succeed({ transport, at: "0", pem })
}

// Nobody is to be noticed by it.
const patient: Connection.Heartbeat = { interval: "1 hour" }
const alert: Connection.Heartbeat = { interval: "100 millis", misses: 3 }
const quickly = Schedule.spaced("20 millis")

/** A program that listens, and where it does. */
const server = Effect.fnUntraced(function* (place: Place, heartbeat: Connection.Heartbeat = patient) {
  const program = yield* start("server.ts", { place, heartbeat })
  return { program, place: { ...place, at: yield* program.told("listens ") } }
})

const dial = (place: Place, options: Connection.Options) =>
  Connection.connect(transportAt(place), Work, { ...options, handlers: { asked: (n) => Effect.succeed(n) } })

/** What a program prints comes another way than what it answers: waits until all is here that it has printed so far. */
const printed = Effect.fnUntraced(function* (
  { request }: Effect.Success<ReturnType<typeof dial>>,
  program: Effect.Success<ReturnType<typeof start>>
) {
  yield* request("add", 1000)
  yield* program.said("adds 1000")
})

/** An acceptor in this program, and what has happened to it. */
const accepting = Effect.fnUntraced(function* (transport: Transport, heartbeat: Connection.Heartbeat = patient) {
  const running = new Set<number>()
  const acceptor = yield* Acceptor.make(transport, Work, {
    authenticator: Authentication.open,
    heartbeat,
    handlers: {
      echo: (text) => Effect.succeed(text),
      add: (n) => Effect.succeed(n),
      never: (n) =>
        Effect.ensuring(
          Effect.andThen(
            Effect.sync(() => running.add(n)),
            Effect.never
          ),
          Effect.sync(() => running.delete(n))
        ),
      note: () => Effect.void,
      ticks: () =>
        Stream.ensuring(
          Stream.concat(
            Stream.fromEffectDrain(Effect.sync(() => running.add(0))),
            Stream.repeat(Stream.succeed(1), quickly)
          ),
          Effect.sync(() => running.delete(0))
        )
    }
  })
  const events = yield* acceptor.events
  const happened: Array<string> = []
  const look = () => {
    for (let event = events.pollUnsafe(); event !== undefined; event = events.pollUnsafe()) {
      if (!Exit.isSuccess(event)) continue
      const { value } = event
      happened.push(value._tag === "Disconnected" ? `Disconnected by ${value.error.by}` : value._tag)
    }
    return happened
  }
  return { acceptor, running, look }
})

for (const transport of ["unix", "tcp", "tls", "websocket", "grpc"] as const) {
  const absent = transport === "tls" ? opensslAbsent : undefined
  describe.skipIf(absent !== undefined)(
    `programs that are killed and stopped, over ${transport}${because(absent)}`,
    () => {
      it.live(
        `K9 I5 ${transport}: a server that is killed ends all that is pending, and its successor is connected to`,
        () =>
          Effect.gen(function* () {
            const { place, program } = yield* server(yield* nowhere(transport))
            const connection = yield* dial(place, { heartbeat: patient, reconnect: quickly })
            const pending = yield* Effect.forEach(
              Array.from({ length: 50 }, (_, n) => n),
              (n) => Effect.forkChild(Effect.flip(connection.request("never", n, { timeout: "1 hour" })))
            )
            const retried = yield* Effect.forkChild(
              Effect.flip(connection.request("never", 50, { timeout: "1 hour", retry: "once-handled" }))
            )
            const ticking = yield* Effect.forkChild(Effect.flip(Stream.runDrain(connection.stream("ticks"))))
            yield* program.said("waits 50")
            yield* program.kill
            for (const fiber of pending) {
              const error = yield* Fiber.join(fiber)
              assert.strictEqual(error._tag, "Unavailable")
              assert.strictEqual(error._tag === "Unavailable" && error.delivery, "uncertain")
            }
            const ended = yield* Fiber.join(ticking)
            assert.strictEqual(ended._tag, "Unavailable")
            const again = yield* server(place)
            // Whether the one before has handled it nobody knows.
            const uncertain = yield* Fiber.join(retried)
            assert.strictEqual(uncertain._tag, "Unavailable")
            assert.include(uncertain.message, "started anew")
            assert.strictEqual(yield* connection.request("add", 7), 1)
            yield* printed(connection, again.program)
            assert.strictEqual(again.program.count("adds 7"), 1)
            const { reconnects, requests } = yield* connection.stats
            assert.deepStrictEqual([reconnects, requests.pending], [1, 0])
          })
      )

      it.live(`K32 I2 ${transport}: a server that is stopped is noticed, and works again when it goes on`, () =>
        Effect.gen(function* () {
          const { place, program } = yield* server(yield* nowhere(transport), alert)
          const connection = yield* dial(place, { heartbeat: alert, reconnect: quickly })
          assert.strictEqual(yield* connection.request("add", 1), 1)
          const states: Array<Connection.State> = []
          yield* Effect.forkScoped(
            Stream.runForEach(connection.changes, (state) => Effect.sync(() => void states.push(state)))
          )
          yield* program.signal("SIGSTOP")
          const before = yield* Clock.currentTimeMillis
          const retried = yield* Effect.forEach([2, 3, 4], (n) =>
            Effect.forkChild(connection.request("add", n, { timeout: "1 minute", retry: "once-handled" }))
          )
          const once = yield* Effect.forkChild(Effect.flip(connection.request("add", 5, { timeout: "1 minute" })))
          const error = yield* Fiber.join(once)
          const after = (yield* Clock.currentTimeMillis) - before
          assert.strictEqual(error._tag, "Unavailable")
          assert.isAtLeast(after, 290)
          // More than it takes by the count of heartbeats, for a machine that is busy; and less than any other time limit.
          assert.isBelow(after, 5000)
          yield* until(() => states.some(({ _tag }) => _tag !== "Connected"))
          const lost = states.find((state) => state._tag === "Waiting")
          if (lost !== undefined) assert.include(lost.error.message, "nothing was heard for 3 heartbeats")
          yield* program.signal("SIGCONT")
          const answers = yield* Effect.forEach(retried, Fiber.join)
          assert.strictEqual(new Set(answers).size, 3)
          yield* printed(connection, program)
          for (const n of [1, 2, 3, 4]) assert.strictEqual(program.count(`adds ${n}`), 1, program.lines().join("\n"))
          assert.isAtMost(program.count("adds 5"), 1)
          yield* program.said("Disconnected")
          assert.isTrue(yield* connection.isConnected)
        })
      )

      it.live(`K32 ${transport}: a client that is killed is disconnected once, and what was handled for it ends`, () =>
        Effect.gen(function* () {
          const empty = yield* nowhere(transport)
          const { acceptor, look, running } = yield* accepting(transportAt(empty))
          const program = yield* start("client.ts", { place: placeOf(empty, acceptor.transport), heartbeat: patient })
          yield* until(() => running.size === 4)
          const [other] = yield* acceptor.connections
          assert.isDefined(other)
          assert.strictEqual(yield* other.request("asked", 7), 7)
          const asking = yield* Effect.forkChild(Effect.flip(other.request("asked", 8)), { startImmediately: false })
          yield* program.signal("SIGSTOP")
          yield* Effect.yieldNow
          yield* program.kill
          yield* until(() => running.size === 0)
          yield* until(() => look().length >= 2)
          assert.deepStrictEqual(look(), ["Connected", "Disconnected by loss"])
          yield* Effect.exit(Fiber.join(asking))
          assert.strictEqual((yield* Effect.flip(other.request("asked", 9)))._tag, "ConnectionClosed")
          const { connections, handled } = yield* acceptor.stats
          assert.deepStrictEqual([connections, handled.running, handled.failed], [0, 0, 4])
          // Nothing follows.
          yield* Effect.sleep("200 millis")
          assert.strictEqual(look().length, 2)
        })
      )

      it.live(`K32 K35 ${transport}: a client that is stopped is given up, and comes back when it goes on`, () =>
        Effect.gen(function* () {
          const empty = yield* nowhere(transport)
          const { acceptor, look, running } = yield* accepting(transportAt(empty), alert)
          const program = yield* start("client.ts", { place: placeOf(empty, acceptor.transport), heartbeat: alert })
          yield* until(() => running.size === 4)
          yield* program.signal("SIGSTOP")
          yield* until(() => look().includes("Disconnected by loss"))
          assert.strictEqual(running.size, 0)
          yield* program.signal("SIGCONT")
          yield* until(() => look().filter((one) => one === "Connected").length >= 2)
          yield* program.said("Connected", 2)
          // Its requests of before are not asked again.
          yield* program.said("Unavailable", 3)
          assert.strictEqual(running.size, 0)
          const [other] = yield* acceptor.connections
          assert.strictEqual(yield* other!.request("asked", 7), 7)
          assert.strictEqual((yield* acceptor.stats).connections, 1)
        })
      )
    }
  )
}

for (const transport of ["unix", "tcp"] as const) {
  describe(`connections between programs over ${transport}`, () => {
    it.live(`K46 ${transport}: where a program listens no second one does, until it is killed`, () =>
      Effect.gen(function* () {
        const first = yield* server(yield* nowhere(transport))
        const { place } = first
        const connection = yield* dial(place, { reconnect: quickly })
        const second = yield* start("server.ts", { place })
        assert.strictEqual(yield* second.told("fails "), "AddressInUse")
        const here = yield* Effect.flip(Effect.scoped(accepting(transportAt(place))))
        assert.strictEqual(here.reason, "AddressInUse")
        assert.strictEqual(yield* connection.request("add", 1), 1)
        yield* first.program.kill
        const third = yield* server(place)
        assert.strictEqual(yield* connection.request("add", 1, { timeout: "1 minute" }), 1)
        yield* printed(connection, third.program)
        assert.strictEqual(third.program.count("adds 1"), 1)
      })
    )

    it.live(`K32 ${transport}: a peer that says no more is given up, whatever its socket does`, () =>
      Effect.gen(function* () {
        const empty = yield* nowhere(transport)
        const { acceptor, look } = yield* accepting(transportAt(empty), alert)
        const place = placeOf(empty, acceptor.transport)
        // It is a peer up to the handshake, and then takes nothing and says nothing, with its socket open.
        const program = yield* start("mute.ts", { place })
        yield* program.said("mute")
        yield* until(() => look().includes("Disconnected by loss"))
        const [{ refused }, other] = [yield* acceptor.stats, yield* dial(place, {})]
        assert.deepStrictEqual([refused.other, refused.unauthenticated], [0, 0])
        assert.strictEqual(yield* other.request("echo", "others live"), "others live")
      })
    )

    it.live.skipIf(procAbsent !== undefined)(
      `${transport}: many short connections leave no socket behind${because(procAbsent)}`,
      () =>
        Effect.gen(function* () {
          const empty = yield* nowhere(transport)
          const { acceptor } = yield* accepting(transportAt(empty))
          const place = placeOf(empty, acceptor.transport)
          const short = (n: number) =>
            Effect.scoped(
              Effect.gen(function* () {
                const connection = yield* dial(place, {})
                assert.strictEqual(yield* connection.request("echo", `${n}`), `${n}`)
                yield* connection.tell("note", n)
                // Some are left to the scope, with something pending.
                if (n % 3 === 0) yield* connection.close
                else if (n % 3 === 1) yield* Effect.forkScoped(Effect.ignore(connection.request("never", n)))
              })
            )
          yield* short(0)
          yield* until(() => true)
          const before = openSockets()
          yield* Effect.forEach(
            Array.from({ length: 300 }, (_, n) => n),
            short,
            { concurrency: 20, discard: true }
          )
          yield* until(() => openSockets() <= before)
          const { accepted, connections, handled } = yield* acceptor.stats
          assert.deepStrictEqual([accepted, connections, handled.running], [301, 0, 0])
        }),
      20_000
    )
  })
}

describe.skipIf(opensslAbsent !== undefined)(`what is on the wire${because(opensslAbsent)}`, () => {
  it.live("K50 tls: nothing that a connection says can be read on the wire, and all of it can without TLS", () =>
    Effect.gen(function* () {
      const { authority, server } = certificates
      const secrets = ["ask-me-not", "a-message-beside-all", "echo", "test:work"]
      const say = (transport: Transport, to: (port: number) => Transport) =>
        Effect.gen(function* () {
          const { acceptor } = yield* accepting(transport)
          const tap = yield* proxied(Number(acceptor.transport.address.split(":").at(-1)))
          const connection = yield* Connection.connect(to(tap.port), Work, { handlers: { asked: Effect.succeed } })
          const [other] = yield* acceptor.connections
          assert.strictEqual(yield* connection.request("echo", secrets[0]!), secrets[0])
          yield* connection.send(secrets[1]!)
          assert.strictEqual(yield* other!.receive, secrets[1])
          return secrets.filter((secret) => tap.passed().includes(secret))
        })
      const host = "127.0.0.1"
      const plain = yield* say(transportAt({ transport: "tcp", at: "0" }), (port) =>
        transportAt({ transport: "tcp", at: `${port}` })
      )
      assert.deepStrictEqual(plain, secrets)
      const encrypted = yield* say(Tls.make({ host, port: 0, identity: server, authorities: [authority] }), (port) =>
        Tls.make({ host, port, authorities: [authority] })
      )
      assert.deepStrictEqual(encrypted, [])
    })
  )
})
