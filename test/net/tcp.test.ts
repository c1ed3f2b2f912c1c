import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { readFileSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import type { Transport } from "../../src/net/Transport.ts"
import { encode } from "../../src/net/internal/frames.ts"
import { hello } from "../../src/net/transport/node/internal/marks.ts"
import { Failures } from "../../src/net/transport/node/internal/reasons.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import { it } from "troupe/testing/vitest"
import { because, procAbsent } from "./absent.ts"
import { bytes, lose, openSockets, program, refusesASecond, served, texts } from "./sockets.ts"

const host = "127.0.0.1"
const portOf = ({ address }: Transport): number => Number(address.split(":").at(-1))

describe("tcp", () => {
  it.conforms("tcp", {
    make: Effect.sync(() => Tcp.make({ host, port: 0 })),
    lose,
    withMaxFrame: (transport, maxFrame) => Tcp.make({ host, port: portOf(transport), maxFrame })
  })

  it.live("tcp: more than maxConnections are refused with a reason, and counted; when one goes there is room", () =>
    refusesASecond(Tcp.make({ host, port: 0, maxConnections: 1 }))
  )

  it.live("tcp: host names and IPv6", () =>
    Effect.gen(function* () {
      for (const name of ["localhost", "::1"]) {
        const { next, transport } = yield* served(Tcp.make({ host: name, port: 0 }))
        assert.strictEqual(transport.address, `${name === "::1" ? "[::1]" : name}:${portOf(transport)}`)
        assert.isAbove(portOf(transport), 0)
        const wire = yield* transport.connect
        yield* wire.send(bytes("hello"))
        const other = yield* next
        assert.deepStrictEqual(yield* texts(other), ["hello"])
        assert.match(
          other.peer.address,
          name === "::1" ? /^\[::1\]:\d+$/ : /^(127\.0\.0\.1|\[::1\]|\[::ffff:127\.0\.0\.1\]):\d+$/
        )
      }
    })
  )

  it.live("tcp: a host that does not exist is HostNotFound", () =>
    Effect.gen(function* () {
      const transport = Tcp.make({ host: "nowhere.invalid", port: 1 })
      const error = yield* Effect.flip(transport.connect)
      assert.strictEqual(error.reason, "HostNotFound")
      assert.include(error.message, "nowhere.invalid:1")
      assert.strictEqual((yield* Effect.flip(served(transport))).reason, "HostNotFound")
    })
  )

  it.live("tcp: a listen that is interrupted before it listens leaves nothing that does", () =>
    Effect.gen(function* () {
      const chosen = yield* Effect.scoped(Effect.map(served(Tcp.make({ host, port: 0 })), ({ transport }) => transport))
      const scope = yield* Scope.make()
      const attempt = yield* Effect.forkChild(
        Scope.provide(
          chosen.listen(() => Effect.never),
          scope
        ),
        {
          startImmediately: true
        }
      )
      yield* Fiber.interrupt(attempt)
      // Whatever was to listen does so by now, in a scope that is still open.
      assert.strictEqual((yield* Effect.flip(Effect.scoped(chosen.connect))).reason, "NotListening")
      yield* Scope.close(scope, Exit.void)
    })
  )

  it.live("tcp: addresses that are none are InvalidAddress", () =>
    Effect.gen(function* () {
      for (const port of [-1, 65_536, 1.5, Number.NaN]) {
        assert.strictEqual((yield* Effect.flip(Tcp.make({ host, port }).connect)).reason, "InvalidAddress")
        assert.strictEqual((yield* Effect.flip(served(Tcp.make({ host, port })))).reason, "InvalidAddress")
      }
      assert.strictEqual((yield* Effect.flip(Tcp.make({ host, port: 0 }).connect)).reason, "InvalidAddress")
      assert.strictEqual((yield* Effect.flip(Tcp.make({ host: "", port: 1 }).connect)).reason, "InvalidAddress")
      // An address of another machine.
      assert.strictEqual(
        (yield* Effect.flip(served(Tcp.make({ host: "192.0.2.1", port: 0 })))).reason,
        "InvalidAddress"
      )
    })
  )

  it.live("tcp: where nobody listens is NotListening, also where a name has several addresses", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { transport } = yield* Effect.provideService(served(Tcp.make({ host, port: 0 })), Scope.Scope, scope)
      yield* Scope.close(scope, Exit.void)
      for (const name of [host, "localhost"]) {
        const error = yield* Effect.flip(Tcp.make({ host: name, port: portOf(transport) }).connect)
        assert.strictEqual(error.reason, "NotListening")
        assert.include(error.message, "ECONNREFUSED")
      }
    })
  )

  it.live("tcp: who says nothing is TimedOut, and nothing stays open", () =>
    Effect.gen(function* () {
      const silent = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer({ pauseOnConnect: true }, (socket) => socket.on("error", () => {}))
          server.listen(0, host, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = silent.address() as { port: number }
      const error = yield* Effect.flip(Tcp.make({ host, port, connectTimeout: "50 millis" }).connect)
      assert.strictEqual(error.reason, "TimedOut")
      assert.include(error.message, "50ms")
    })
  )

  it("tcp: errors of the system are told as what they mean", () => {
    const failures = new Failures("tcp", "here:1")
    const of = (doing: "connect" | "listen", code: string) =>
      failures.from(doing, Object.assign(new Error(`it is ${code}`), { code, syscall: doing })).reason
    assert.strictEqual(of("connect", "ECONNREFUSED"), "NotListening")
    assert.strictEqual(of("listen", "EADDRINUSE"), "AddressInUse")
    assert.strictEqual(of("listen", "EACCES"), "PermissionDenied")
    assert.strictEqual(of("connect", "ENOTFOUND"), "HostNotFound")
    assert.strictEqual(of("connect", "ETIMEDOUT"), "TimedOut")
    assert.strictEqual(of("connect", "ECONNRESET"), "Lost")
    assert.strictEqual(of("connect", "EANYTHING"), "Lost")
    assert.strictEqual(of("listen", "EANYTHING"), "Unsupported")
  })

  it.live("tcp: a connection that is reset in the middle of a frame is lost, and no other is", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(Tcp.make({ host, port: 0 }))
      const good = yield* transport.connect
      const other = yield* next
      const socket = connect(portOf(transport), host)
      socket.on("error", () => {})
      socket.write(Buffer.concat([hello, encode([bytes("whole")]), Uint8Array.of(0, 0)]))
      const wire = yield* next
      assert.deepStrictEqual(yield* texts(wire), ["whole"])
      socket.resetAndDestroy()
      const closed = yield* wire.closed
      assert.strictEqual(closed.by, "loss")
      assert.include(closed.message, "ECONNRESET")
      yield* good.send(bytes("on"))
      assert.deepStrictEqual(yield* texts(other), ["on"])
    })
  )

  it.live("tcp: a program that is killed is lost, at once", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(Tcp.make({ host, port: 0 }))
      const { kill } = yield* program(`
        import { Effect } from "effect"
        import * as Tcp from "./src/net/transport/node/Tcp.ts"
        setTimeout(() => {}, 60_000)
        const talk = Effect.gen(function* () {
          const wire = yield* Tcp.make({ host: "127.0.0.1", port: ${portOf(transport)} }).connect
          while (true) yield* wire.send(new Uint8Array(3_000_000))
        })
        await Effect.runPromise(Effect.scoped(talk))`)
      const wire = yield* next
      assert.strictEqual((yield* wire.receive)[0].length, 3_000_000)
      const killed = Date.now()
      yield* kill("SIGKILL")
      const error = yield* Effect.flip(Effect.forever(wire.receive))
      assert.isTrue(error._tag === "WireClosed" && error.by === "loss")
      assert.isBelow(Date.now() - killed, 5000)
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `tcp: keepAlive has the system ask, and it does not otherwise${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const timers = (local: number): Array<string> =>
          readFileSync("/proc/net/tcp", "utf8")
            .split("\n")
            .map((line) => line.trim().split(/\s+/))
            // Those that are established; 02 is the timer for that.
            .filter((fields) => fields[3] === "01" && Number.parseInt(fields[2]!.split(":")[1]!, 16) === local)
            .map((fields) => fields[5]!.slice(0, 2))
        for (const [keepAlive, timer] of [
          ["20 seconds", "02"],
          [undefined, "00"]
        ] as const) {
          const { next, transport } = yield* served(Tcp.make({ host, port: 0, keepAlive }))
          yield* transport.connect
          yield* next
          assert.deepStrictEqual(timers(portOf(transport)), [timer])
        }
      })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `tcp: scopes that close leave no descriptor open${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const round = Effect.scoped(
          Effect.gen(function* () {
            const { next, transport } = yield* served(Tcp.make({ host, port: 0 }))
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
})
