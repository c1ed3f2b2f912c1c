import { assert, describe } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { connect, createServer, type Server } from "node:net"
import { connect as connectTls } from "node:tls"
import type { Transport } from "../../src/net/Transport.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Tls from "../../src/net/transport/node/Tls.ts"
import { it } from "troupe/testing/vitest"
import { because, opensslAbsent } from "./absent.ts"
import { certificates } from "./certificates.ts"
import { bytes, lose, proxied, refusesASecond, served, texts, until } from "./sockets.ts"

const { authority, client, elsewhere, server, stranger, strangers } = certificates
const local = { host: "127.0.0.1", port: 0 }
const service: Tls.Options = { ...local, identity: server, authorities: [authority] }
const closedService: Tls.Options = { ...service, clientCertificates: "required" }

const portOf = ({ address }: Transport): number => Number(address.split(":").at(-1))
const to = (transport: Transport, options: Partial<Tls.Options>) =>
  Tls.make({ host: "127.0.0.1", port: portOf(transport), authorities: [authority], ...options })

describe.skipIf(opensslAbsent !== undefined)(`tls${because(opensslAbsent)}`, () => {
  it.conforms("tls", {
    make: Effect.sync(() => Tls.make(service)),
    lose,
    withMaxFrame: (transport, maxFrame) => to(transport, { maxFrame })
  })

  it.live("tls: more than maxConnections are refused with a reason, and counted; when one goes there is room", () =>
    refusesASecond(Tls.make({ ...service, maxConnections: 1 }))
  )

  it.live("K50 tls: a client with the right certificate is served, and each side knows the other's subject", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(Tls.make(closedService))
      const wire = yield* to(transport, { identity: client }).connect
      const other = yield* next
      assert.strictEqual(other.peer.certificate, "CN=client, O=Troupe")
      assert.strictEqual(wire.peer.certificate, "CN=server, O=Troupe")
      yield* wire.send(bytes("hello"))
      assert.deepStrictEqual(yield* texts(other), ["hello"])
    })
  )

  it.live("K50 tls: a client without the right certificate is Untrusted, and nobody serves it", () =>
    Effect.gen(function* () {
      const { count, listening, next, transport } = yield* served(Tls.make(closedService))
      for (const identity of [undefined, stranger]) {
        const error = yield* Effect.flip(to(transport, { identity }).connect)
        assert.strictEqual(error.reason, "Untrusted")
        assert.include(error.message, "certificate")
      }
      assert.strictEqual(yield* count, 0)
      assert.strictEqual(yield* listening.wires, 0)
      // TLS 1.2 refuses in its handshake what 1.3 refuses after it.
      const code = yield* Effect.callback<string>((resume) => {
        const socket = connectTls({ host: "127.0.0.1", port: portOf(transport), ca: authority, maxVersion: "TLSv1.2" })
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.succeed("closed")))
        socket.on("secureConnect", () => socket.end(Buffer.from([255, 255, 255, 4])))
        socket.resume()
      })
      assert.strictEqual(code, "closed")
      assert.strictEqual(yield* count, 0)
      yield* to(transport, { identity: client }).connect
      yield* next
    })
  )

  it.live("K50 tls: a client that was not asked has no subject, whatever it shows", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(Tls.make(service))
      yield* to(transport, { identity: stranger }).connect
      assert.isUndefined((yield* next).peer.certificate)
    })
  )

  it.live("K50 tls: no payload is on the wire, in either direction", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(Tls.make(closedService))
      const tap = yield* proxied(portOf(transport))
      const wire = yield* Tls.make({ ...closedService, port: tap.port, identity: client }).connect
      const secret = "a secret that is seen by nobody"
      yield* wire.send(bytes(secret))
      const other = yield* next
      assert.deepStrictEqual(yield* texts(other), [secret])
      yield* other.send(bytes(secret))
      assert.deepStrictEqual(yield* texts(wire), [secret])
      assert.isAbove(tap.passed().length, 2 * secret.length)
      assert.isFalse(tap.passed().includes("secret"))
      // The tap would have seen it.
      const plain = yield* served(Tcp.make(local))
      const open = yield* proxied(portOf(plain.transport))
      const bare = yield* Tcp.make({ host: "127.0.0.1", port: open.port }).connect
      yield* bare.send(bytes(secret))
      assert.deepStrictEqual(yield* texts(yield* plain.next), [secret])
      assert.isTrue(open.passed().includes(secret))
    })
  )

  it.live("K50 tls: bytes that are changed on their way are never taken for frames", () =>
    Effect.gen(function* () {
      const { next, transport } = yield* served(Tls.make(service))
      const near = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          let count = 0
          const proxy: Server = createServer((near) => {
            const far = connect(portOf(transport), "127.0.0.1")
            near.on("data", (chunk: Buffer) => {
              count += chunk.length
              // The handshake of the client is shorter, and what it sends then is longer.
              if (count > 20_000) chunk[chunk.length - 1]! ^= 1
              far.write(chunk)
            })
            far.pipe(near)
            for (const socket of [near, far]) {
              socket.on("error", () => {})
              socket.on("close", () => [near, far].map((one) => one.destroy()))
            }
          })
          proxy.listen(0, "127.0.0.1", () => resume(Effect.succeed(proxy)))
        }),
        (proxy) => Effect.sync(() => proxy.close())
      )
      const { port } = near.address() as { port: number }
      const wire = yield* Tls.make({ ...service, port }).connect
      const other = yield* next
      yield* wire.send(new Uint8Array(50_000))
      const closed = yield* Effect.flip(other.receive)
      assert.isTrue(closed._tag === "WireClosed" && closed.by === "loss")
    })
  )

  it.live("tls: a server that no trusted authority vouches for, or that is another, is Untrusted", () =>
    Effect.gen(function* () {
      const { count, transport } = yield* served(Tls.make(service))
      for (const options of [
        { authorities: [strangers] },
        { authorities: undefined },
        { serverName: "elsewhere.example" }
      ]) {
        assert.strictEqual((yield* Effect.flip(to(transport, options).connect)).reason, "Untrusted")
      }
      assert.strictEqual(yield* count, 0)
      yield* to(transport, { serverName: "localhost" }).connect
      const away = yield* served(Tls.make({ ...service, identity: elsewhere }))
      assert.strictEqual((yield* Effect.flip(away.transport.connect)).reason, "Untrusted")
      yield* to(away.transport, { serverName: "elsewhere.example" }).connect
    })
  )

  it.live("tls: less than TLS 1.2 is refused", () =>
    Effect.gen(function* () {
      const { count, transport } = yield* served(Tls.make(service))
      const speak = (version: "TLSv1.1" | "TLSv1.2") =>
        Effect.callback<string>((resume) => {
          const socket = connectTls({
            host: "127.0.0.1",
            port: portOf(transport),
            ca: authority,
            ciphers: "DEFAULT:@SECLEVEL=0",
            minVersion: version,
            maxVersion: version
          })
          socket.on("secureConnect", () => resume(Effect.succeed(socket.getProtocol() ?? "")))
          socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "")))
          return Effect.sync(() => socket.destroy())
        })
      assert.strictEqual(yield* speak("TLSv1.2"), "TLSv1.2")
      assert.match(yield* speak("TLSv1.1"), /ALERT_PROTOCOL_VERSION/)
      assert.strictEqual(yield* count, 0)
    })
  )

  it.live("tls: a listener without an identity, or with one that can't be read, says so and shows no key", () =>
    Effect.gen(function* () {
      const nobody = yield* Effect.flip(served(Tls.make(local)))
      assert.strictEqual(nobody.reason, "Unsupported")
      const broken = {
        certificate: server.certificate,
        key: Redacted.make("-----BEGIN PRIVATE KEY-----\nabracadabra\n")
      }
      for (const identity of [broken, { certificate: server.certificate, key: client.key }]) {
        const error = yield* Effect.flip(served(Tls.make({ ...local, identity })))
        assert.strictEqual(error.reason, "Untrusted")
        assert.notInclude(JSON.stringify(error), "abracadabra")
        const other = yield* Effect.flip(Tls.make({ host: "127.0.0.1", port: 1, identity }).connect)
        assert.strictEqual(other.reason, "Untrusted")
      }
    })
  )

  it.live("tls: sides of which one does not speak TLS fail with a typed error, and nobody serves them", () =>
    Effect.gen(function* () {
      const secure = yield* served(Tls.make(service))
      const plain = yield* served(Tcp.make(local))
      const port = portOf(secure.transport)
      // Its hello is too short for the listener to see that it is none of TLS.
      const bare = yield* Effect.flip(Tcp.make({ host: "127.0.0.1", port, connectTimeout: "100 millis" }).connect)
      assert.strictEqual(bare.reason, "TimedOut")
      const wrapped = yield* Effect.flip(to(plain.transport, {}).connect)
      assert.include(["InvalidAddress", "Lost"], wrapped.reason)
      assert.strictEqual((yield* secure.count) + (yield* plain.count), 0)
      yield* secure.transport.connect
    })
  )

  it.live("tls: who begins no handshake is closed in time", () =>
    Effect.gen(function* () {
      const { transport } = yield* served(Tls.make({ ...service, connectTimeout: "100 millis" }))
      const socket = connect(portOf(transport), "127.0.0.1").resume()
      socket.on("error", () => {})
      yield* until(() => socket.closed)
    })
  )
})
