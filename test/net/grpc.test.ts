import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Deferred, Effect, Exit, Fiber, Queue, Scope } from "effect"
import { spawn } from "node:child_process"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { vi } from "vitest"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import type { TransportError } from "../../src/net/TransportError.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import { encodeFrame } from "../../src/net/transport/node/internal/protobuf.ts"
import { heapUsed } from "../support/heap.ts"
import { because, opensslAbsent, procAbsent } from "./absent.ts"
import { certificates } from "./certificates.ts"
import { openSockets } from "./sockets.ts"

const host = "127.0.0.1"

const echo = (wire: Wire): Effect.Effect<void> =>
  Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, (frames) => wire.sendAll(frames))))

/** Sends a frame to an echo, and takes it again. */
const roundTrip = (wire: Wire, frame = Uint8Array.from([1, 2, 3])) =>
  Effect.gen(function* () {
    yield* wire.send(frame)
    const frames = yield* wire.receive
    assert.deepStrictEqual(frames, [frame])
  })

const refusal = (transport: Transport) =>
  Effect.map(Effect.flip(Effect.scoped(transport.connect)), ({ reason }: TransportError) => reason)

/** A server of TCP that does what it is told with what is connected to it. */
const tcpServer = (onSocket: (socket: Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly sockets: Set<Socket>; readonly port: number }>((resume) => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        onSocket(socket)
      })
      server.listen(0, host, () =>
        resume(Effect.succeed({ server, sockets, port: (server.address() as AddressInfo).port }))
      )
    }),
    ({ server, sockets }) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )

type Call = grpc.ServerDuplexStream<Uint8Array, Uint8Array>

/** A server of grpc-js that answers as it is told. */
const grpcServer = (handler?: (call: Call) => void, path = "/troupe.v1.Transport/Connect") =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<readonly [grpc.Server, number]>((resume) => {
        const server = new grpc.Server()
        const identity = (bytes: Uint8Array): Buffer => Buffer.from(bytes)
        if (handler !== undefined) server.register(path, handler as never, identity, identity, "bidi")
        server.bindAsync(`${host}:0`, grpc.ServerCredentials.createInsecure(), (_, port) =>
          resume(Effect.succeed([server, port]))
        )
      }),
      ([server]) => Effect.sync(() => server.forceShutdown())
    ),
    ([, port]) => port
  )

const tls = (identity: keyof typeof certificates & ("client" | "server" | "stranger"), authority = true): Grpc.Tls => ({
  identity: certificates[identity],
  authority: authority ? certificates.authority : undefined
})

describe("Grpc", () => {
  it.live("a package that is not there is named", () =>
    Effect.gen(function* () {
      vi.doMock("@grpc/grpc-js", () => {
        throw new Error("Cannot find package '@grpc/grpc-js'")
      })
      const error = yield* Effect.flip(Grpc.make({ host, port: 1 }))
      vi.doUnmock("@grpc/grpc-js")
      assert.strictEqual(error._tag, "MissingPackage")
      assert.include(error.message, "npm install @grpc/grpc-js")
    })
  )

  it.live.skipIf(opensslAbsent !== undefined)(
    `K50 both sides show their certificates, and each learns the other's${because(opensslAbsent)}`,
    () =>
      Effect.gen(function* () {
        const transport = yield* Grpc.make({ host, port: 0, tls: tls("server") })
        const seen = yield* Queue.unbounded<string | undefined>()
        const { transport: there } = yield* transport.listen((wire) =>
          Effect.andThen(Queue.offer(seen, wire.peer.certificate), echo(wire))
        )
        assert.match(there.address, /^grpcs:/)
        const port = Number(new URL(there.address).port)
        const client = yield* Grpc.make({ host, port, tls: tls("client") })
        const wire = yield* client.connect
        yield* roundTrip(wire)
        assert.strictEqual(wire.peer.certificate, "CN=server, O=Troupe")
        assert.strictEqual(yield* Queue.take(seen), "CN=client, O=Troupe")
      })
  )

  it.live.skipIf(opensslAbsent !== undefined)(
    `K50 who does not show the right certificate is Untrusted, and serves or is served nothing${because(opensslAbsent)}`,
    () =>
      Effect.gen(function* () {
        let served = 0
        const serve = (wire: Wire) => {
          served++
          return echo(wire)
        }
        const listen = (options: Grpc.Tls) =>
          Effect.gen(function* () {
            const { transport } = yield* (yield* Grpc.make({ host, port: 0, tls: options })).listen(serve)
            return Number(new URL(transport.address).port)
          })
        const mutual = yield* listen(tls("server"))
        const open = yield* listen(tls("server", false))
        const fake = yield* listen(tls("stranger", false))
        const as = (port: number, options?: Grpc.Tls) =>
          Effect.flatMap(Grpc.make({ host, port, tls: options, connectTimeout: "3 seconds" }), refusal)
        assert.strictEqual(
          yield* as(fake, { authority: certificates.authority }),
          "Untrusted",
          "a server's of a stranger"
        )
        assert.strictEqual(yield* as(open, {}), "Untrusted", "a server's that the system does not know")
        assert.strictEqual(
          yield* as(open, { authority: certificates.authority, serverName: "elsewhere.test" }),
          "Untrusted",
          "a server's for another name"
        )
        assert.strictEqual(yield* as(mutual, { authority: certificates.authority }), "Untrusted", "none")
        assert.strictEqual(yield* as(mutual, tls("stranger")), "Untrusted", "a client's of a stranger")
        assert.include(["Lost", "Untrusted"], yield* as(mutual), "no encryption")
        assert.strictEqual(served, 0)
        const { connect } = yield* Grpc.make({ host, port: open, tls: { authority: certificates.authority } })
        yield* roundTrip(yield* connect)
        const broken = { certificate: "nonsense", key: certificates.server.key }
        const bad = yield* Grpc.make({ host, port: 0, tls: { identity: broken } })
        assert.strictEqual((yield* Effect.flip(bad.listen(serve))).reason, "Untrusted")
      })
  )

  it.live.skipIf(opensslAbsent !== undefined)(
    `K50 nothing of what is sent can be read on the way${because(opensslAbsent)}`,
    () =>
      Effect.gen(function* () {
        const secret = new TextEncoder().encode("the secret that nobody may read")
        const captured = (options: Grpc.Tls | undefined) =>
          Effect.scoped(
            Effect.gen(function* () {
              const { transport } = yield* (yield* Grpc.make({ host, port: 0, tls: options })).listen(echo)
              const chunks: Array<Buffer> = []
              const proxy = yield* tcpServer((socket) => {
                const beyond = connect(Number(new URL(transport.address).port), host)
                beyond.on("error", () => {})
                socket.on("close", () => beyond.destroy())
                socket.on("data", (chunk: Buffer) => chunks.push(chunk)).pipe(beyond)
                beyond.on("data", (chunk: Buffer) => chunks.push(chunk)).pipe(socket)
              })
              const { connect: connecting } = yield* Grpc.make({ host, port: proxy.port, tls: options })
              yield* roundTrip(yield* connecting, secret)
              return Buffer.concat(chunks).includes(secret)
            })
          )
        assert.isTrue(yield* captured(undefined), "the capture sees what is not encrypted")
        assert.isFalse(yield* captured(tls("server")))
      })
  )

  it.live("K39 every status of gRPC is a reason why nothing can be connected to", () =>
    Effect.gen(function* () {
      const reasons = {
        CANCELLED: "Lost",
        DEADLINE_EXCEEDED: "TimedOut",
        INTERNAL: "Lost",
        PERMISSION_DENIED: "PermissionDenied",
        RESOURCE_EXHAUSTED: "TooManyConnections",
        UNAUTHENTICATED: "Untrusted",
        UNAVAILABLE: "Lost",
        UNIMPLEMENTED: "Unsupported"
      } as const
      for (const [name, reason] of Object.entries(reasons)) {
        const code = grpc.status[name as keyof typeof reasons]
        const port = yield* grpcServer((call) => call.emit("error", { code, details: "so it is" }))
        const error = yield* Effect.flip(Effect.scoped((yield* Grpc.make({ host, port })).connect))
        assert.strictEqual(error.reason, reason, name)
        assert.include(error.message, `${name}, so it is`)
      }
      const other = yield* Grpc.make({ host, port: yield* grpcServer() })
      assert.strictEqual(yield* refusal(other), "Unsupported")
      const silent = yield* grpcServer((call) => call.end())
      assert.strictEqual(yield* refusal(yield* Grpc.make({ host, port: silent })), "Lost")
    })
  )

  it.live("addresses that lead nowhere are refused with their reason, at once", () =>
    Effect.gen(function* () {
      const reason = (options: Grpc.Options) => Effect.flatMap(Grpc.make(options), refusal)
      assert.strictEqual(yield* reason({ host: "nowhere.invalid", port: 1 }), "HostNotFound")
      assert.strictEqual(yield* reason({ host, port: 0 }), "InvalidAddress")
      assert.strictEqual(yield* reason({ host, port: 65_536 }), "InvalidAddress")
      assert.strictEqual(yield* reason({ host, port: Number.NaN }), "InvalidAddress")
      assert.strictEqual(yield* reason({ host, port: 1.5 }), "InvalidAddress")
      assert.strictEqual(yield* reason({ host: "", port: 1 }), "InvalidAddress")
      const listen = (options: Grpc.Options) =>
        Effect.map(
          Effect.flatMap(Grpc.make(options), (transport) => Effect.flip(transport.listen(echo))),
          ({ reason }) => reason
        )
      assert.strictEqual(yield* listen({ host, port: 65_536 }), "InvalidAddress")
      assert.strictEqual(yield* listen({ host, port: 1.5 }), "InvalidAddress")
      assert.strictEqual(yield* listen({ host: "192.0.2.1", port: 0 }), "InvalidAddress")
      assert.strictEqual(yield* listen({ host: "nowhere.invalid", port: 0 }), "HostNotFound")
    })
  )

  it.live("whoever does not answer in time is TimedOut, and the attempt leaves no socket", () =>
    Effect.gen(function* () {
      const gone = yield* Deferred.make<void>()
      const mute = yield* tcpServer((socket) => {
        socket.resume()
        socket.on("close", () => Deferred.doneUnsafe(gone, Exit.void))
      })
      const transport = yield* Grpc.make({ host, port: mute.port, connectTimeout: "200 millis" })
      assert.strictEqual(yield* refusal(transport), "TimedOut")
      yield* Deferred.await(gone)
    })
  )

  it.live("IPv6 and names are addresses", () =>
    Effect.gen(function* () {
      for (const address of ["::1", "localhost"]) {
        const listening = yield* (yield* Grpc.make({ host: address, port: 0 })).listen(echo)
        yield* roundTrip(yield* listening.transport.connect)
      }
    })
  )

  it.live("a listener has as many wires as it may, and one more when one is closed", () =>
    Effect.gen(function* () {
      const transport = yield* Grpc.make({ host, port: 0, maxConnections: 2 })
      const listening = yield* transport.listen(echo)
      const first = yield* listening.transport.connect
      const second = yield* listening.transport.connect
      const refused = Array.from({ length: 40 }, () => refusal(listening.transport))
      const reasons = yield* Effect.all(refused, { concurrency: 10 })
      assert.deepStrictEqual([...new Set(reasons)], ["TooManyConnections"])
      assert.strictEqual(yield* listening.refused ?? Effect.succeed(-1), refused.length)
      assert.strictEqual(yield* listening.wires, 2)
      yield* roundTrip(second)
      yield* first.close
      yield* roundTrip(yield* listening.transport.connect)
    })
  )

  it.live("K38 bytes that are no HTTP/2 end their connection alone", () =>
    Effect.gen(function* () {
      const listening = yield* (yield* Grpc.make({ host, port: 0 })).listen(echo)
      const wire = yield* listening.transport.connect
      const port = Number(new URL(listening.transport.address).port)
      for (const garbage of [
        "GET / HTTP/1.1\r\n\r\n",
        "\0".repeat(70_000),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "x".repeat(99)
      ])
        yield* Effect.callback<void>((resume) => {
          const socket = connect(port, host, () => socket.write(garbage))
          socket.on("error", () => {})
          socket.resume().on("close", () => resume(Effect.void))
        })
      yield* roundTrip(wire)
      assert.strictEqual(yield* listening.wires, 1)
    })
  )

  it.live("K38 a server that breaks the limit, or sends what is no frame, closes that wire with a typed error", () =>
    Effect.gen(function* () {
      const messages: ReadonlyArray<readonly [Uint8Array, string]> = [
        [encodeFrame({ payload: new Uint8Array(1001), remaining: 0, closing: false }), "FrameTooLarge"],
        [encodeFrame({ payload: new Uint8Array(1), remaining: 1000, closing: false }), "FrameTooLarge"],
        [new Uint8Array(2 * 1024 * 1024), "FrameTooLarge"],
        [Uint8Array.from([0x0a, 99]), "WireClosed"]
      ]
      for (const [message, tag] of messages) {
        const cancelled = yield* Deferred.make<void>()
        const port = yield* grpcServer((call) => {
          call.resume().on("cancelled", () => Deferred.doneUnsafe(cancelled, Exit.void))
          call.write(encodeFrame({ payload: Uint8Array.from([7]), remaining: 0, closing: false }))
          call.write(message)
        })
        const wire = yield* (yield* Grpc.make({ host, port, maxFrame: 1000 })).connect
        assert.deepStrictEqual(yield* wire.receive, [Uint8Array.from([7])])
        const error = yield* Effect.flip(wire.receive)
        assert.strictEqual(error._tag, tag)
        assert.strictEqual((yield* wire.closed).by, tag === "FrameTooLarge" ? "this side" : "loss")
        yield* Deferred.await(cancelled)
      }
    })
  )

  it.live("K32 a program that is killed is lost at once, and one that stands still when it is not heard of", () =>
    Effect.gen(function* () {
      const path = fileURLToPath(new URL("peers/listener.ts", import.meta.url))
      for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
        const child = yield* Effect.acquireRelease(
          Effect.sync(() => spawn(process.execPath, [path], { stdio: ["ignore", "pipe", "inherit"] })),
          (running) => Effect.sync(() => void running.kill("SIGKILL"))
        )
        const address = yield* Effect.callback<string>((resume) => {
          child.stdout.once("data", (chunk) => resume(Effect.succeed(String(chunk).trim())))
        })
        const keepAlive = { interval: "200 millis", timeout: "300 millis" } as const
        const transport = yield* Grpc.make({ host, port: Number(new URL(address).port), keepAlive })
        const wire = yield* transport.connect
        yield* roundTrip(wire)
        const waiting = yield* Effect.forkChild(Effect.flip(wire.receive))
        child.kill(signal)
        const closed = yield* Effect.timeout(wire.closed, "5 seconds")
        assert.strictEqual(closed.by, "loss")
        assert.include(closed.message, "UNAVAILABLE")
        assert.deepStrictEqual(yield* Fiber.join(waiting), closed)
      }
    })
  )

  it.live("K32 a client that stands still is lost to the server", () =>
    Effect.gen(function* () {
      const lost = yield* Deferred.make<string>()
      const keepAlive = { interval: "200 millis", timeout: "300 millis" } as const
      const transport = yield* Grpc.make({ host, port: 0, keepAlive })
      const listening = yield* transport.listen((wire) =>
        Effect.flatMap(wire.closed, ({ by }) => Deferred.succeed(lost, by))
      )
      let frozen = false
      const proxy = yield* tcpServer((socket) => {
        const beyond = connect(Number(new URL(listening.transport.address).port), host)
        beyond.on("error", () => {})
        socket.on("close", () => beyond.destroy())
        socket.on("data", (chunk) => frozen || beyond.write(chunk))
        beyond.on("data", (chunk) => frozen || socket.write(chunk))
      })
      yield* (yield* Grpc.make({ host, port: proxy.port })).connect
      frozen = true
      assert.strictEqual(yield* Effect.timeout(Deferred.await(lost), "5 seconds"), "loss")
    })
  )

  it.live("I12 a side that takes nothing has the other wait, with little memory on both", () =>
    Effect.gen(function* () {
      const frame = new Uint8Array(100_000)
      for (const sender of ["client", "server"] as const) {
        const accepted = yield* Deferred.make<Wire>()
        const listening = yield* (yield* Grpc.make({ host, port: 0 })).listen((wire) =>
          Effect.andThen(Deferred.succeed(accepted, wire), Effect.never)
        )
        const client = yield* listening.transport.connect
        const server = yield* Deferred.await(accepted)
        const [near, far] = sender === "client" ? [client, server] : [server, client]
        let sent = 0
        const memory = () => process.memoryUsage().arrayBuffers
        yield* heapUsed
        const before = memory()
        const sending = yield* Effect.forkChild(
          Effect.forever(Effect.tap(near.send(frame), () => Effect.sync(() => sent++)))
        )
        let known = -1
        while (sent !== known) {
          known = sent
          yield* Effect.sleep("200 millis")
        }
        yield* heapUsed
        assert.isBelow(sent, 60, sender)
        assert.isBelow(memory() - before, 12_000_000, sender)
        let taken = 0
        while (taken < 300) taken += (yield* far.receive).length
        yield* Fiber.interrupt(sending)
        // What was sent comes, whole frames and no other, when it is closed.
        const closing = yield* Effect.forkChild(near.close)
        yield* Effect.ignore(
          Effect.forever(
            Effect.tap(far.receive, (frames) =>
              Effect.sync(() => {
                taken += frames.length
                assert.isTrue(frames.every(({ length }) => length === frame.length))
              })
            )
          )
        )
        yield* Fiber.join(closing)
        assert.include([sent, sent + 1], taken)
      }
    })
  )

  it.live("a wire that is not read does not stop the others", () =>
    Effect.gen(function* () {
      const listening = yield* (yield* Grpc.make({ host, port: 0 })).listen((wire) =>
        Effect.flatMap(wire.receive, ([first]) =>
          first[0] === 0 ? Effect.never : Effect.andThen(wire.send(first), echo(wire))
        ).pipe(Effect.ignore)
      )
      const stuck = yield* listening.transport.connect
      yield* Effect.forkChild(Effect.ignore(Effect.forever(stuck.send(new Uint8Array(100_000)))))
      const other = yield* listening.transport.connect
      yield* roundTrip(other)
      yield* roundTrip(other, new Uint8Array(5_000_000).fill(7))
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `nothing is left open: no socket, and no wire, whichever side ends${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const before = openSockets()
        for (let round = 0; round < 5; round++) {
          const scope = yield* Scope.make()
          const listening = yield* Scope.provide(
            Effect.flatMap(Grpc.make({ host, port: 0 }), (transport) => transport.listen(echo)),
            scope
          )
          const wires = yield* Effect.all(
            Array.from({ length: 10 }, () => Scope.provide(listening.transport.connect, scope)),
            { concurrency: "unbounded" }
          )
          yield* Effect.forEach(wires, (wire) => roundTrip(wire), { concurrency: "unbounded" })
          if (round % 2 === 0) yield* wires[0]!.close
          yield* Scope.close(scope, Exit.void)
          yield* refusal(listening.transport)
        }
        while (openSockets() > before) yield* Effect.sleep("5 millis")
      })
  )
})
