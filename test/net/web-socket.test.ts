import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Fiber, Queue } from "effect"
import { createServer } from "node:http"
import * as Net from "node:net"
import { it } from "troupe/testing/vitest"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import type { WireClosed } from "../../src/net/TransportError.ts"
import { WebSocketWire } from "../../src/net/transport/node/internal/WebSocketWire.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"
import { start } from "../support/program.ts"
import { closed, freePort, webServer } from "../support/webServer.ts"
import { because, procAbsent } from "./absent.ts"
import { openSockets, until } from "./sockets.ts"

const url = "ws://127.0.0.1:0/wire"
const maxFrame = 64 * 1024

const socketOf = (wire: Wire) => {
  assert.instanceOf(wire, WebSocketWire)
  return wire["webSocket"]
}

it.conforms("websocket", {
  make: Effect.sync(() => WebSocket.make({ url, maxFrame })),
  lose: (wire) => Effect.sync(() => socketOf(wire).terminate()),
  withMaxFrame: ({ address }, maxFrame) => WebSocket.make({ url: address, maxFrame })
})

const echo = (wire: Wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))

/** A server that echoes, the address it got, and what became of each wire that it served. */
const served = (options?: Partial<Parameters<typeof WebSocket.make>[0]>) =>
  Effect.gen(function* () {
    const ends = yield* Queue.unbounded<WireClosed>()
    const listening = yield* WebSocket.make({ url, maxFrame, ...options }).listen((wire) =>
      Effect.andThen(
        echo(wire),
        Effect.flatMap(wire.closed, (end) => Queue.offer(ends, end))
      )
    )
    const { address } = listening.transport
    return { ...listening, address, end: Queue.take(ends) }
  })

const lives = (transport: Transport) =>
  Effect.scoped(
    Effect.gen(function* () {
      const wire = yield* transport.connect
      yield* wire.send(Uint8Array.of(1, 2))
      const [frame] = yield* wire.receive
      assert.deepStrictEqual([...frame], [1, 2])
    })
  )

/** A client that knows nothing of frames; what it is told about its end. */
const stranger = (address: string) =>
  Effect.acquireRelease(
    Effect.callback<NodeWS.WebSocket>((resume) => {
      const socket = new NodeWS.WebSocket(address)
      socket.once("open", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.terminate())
  )

const codeOf = (socket: NodeWS.WebSocket) =>
  Effect.callback<number>((resume) => {
    socket.once("close", (code) => resume(Effect.succeed(code)))
  })

/** Upgrades a connection by hand, so that any bytes can follow. */
const raw = (address: string, path = new URL(address).pathname) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const { host, hostname, port } = new URL(address)
      const socket = Net.connect(Number(port), hostname)
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
      )
      socket.once("data", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const failure = (transport: Transport) => Effect.map(Effect.flip(transport.connect), ({ reason }) => reason)

describe("what is no frame", () => {
  it.live("K38 websocket: a text message closes the wire that it came in by, and no other", () =>
    Effect.gen(function* () {
      const { address, end, transport } = yield* served()
      const socket = yield* stranger(address)
      socket.send("text")
      assert.strictEqual(yield* codeOf(socket), 1003)
      const { by, detail } = yield* end
      assert.strictEqual(by, "loss")
      assert.include(detail, "a text message")
      yield* lives(transport)
    })
  )

  it.live.each([
    ["a frame that is not masked", [0x82, 0x01, 0x00], "MASK must be set"],
    ["an unknown kind of frame", [0x83, 0x80, 0, 0, 0, 0], "invalid opcode"],
    ["a compressed frame", [0xc2, 0x80, 0, 0, 0, 0], "RSV1 must be clear"]
  ] as const)("K38 websocket: %s closes the wire that it came in by, and no other", ([, bytes, detail]) =>
    Effect.gen(function* () {
      const { address, end, transport } = yield* served()
      const socket = yield* raw(address)
      socket.write(Uint8Array.from(bytes))
      const closed = yield* end
      assert.strictEqual(closed.by, "loss")
      assert.include(closed.detail, detail)
      yield* lives(transport)
    })
  )

  it.live("K38 websocket: the length of a frame is enough to refuse it, also by its parts", () =>
    Effect.gen(function* () {
      const { address, transport } = yield* served()
      const header = Uint8Array.of(0x82, 0xff, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0)
      const whole = yield* raw(address)
      whole.write(header)
      yield* closed(whole.resume())
      const parts = yield* stranger(address)
      parts.send(new Uint8Array(maxFrame), { fin: false })
      parts.send(new Uint8Array(1), { fin: true })
      assert.strictEqual(yield* codeOf(parts), 1009)
      yield* lives(transport)
    })
  )

  it.live("websocket: a frame that is cut off is lost, with its wire", () =>
    Effect.gen(function* () {
      const { address, end, transport } = yield* served()
      const socket = yield* raw(address)
      socket.end(Uint8Array.of(0x82, 0x85, 0, 0, 0, 0, 1, 2))
      assert.strictEqual((yield* end).by, "loss")
      yield* lives(transport)
    })
  )
})

describe("closing", () => {
  it.live("websocket: a peer that closes with a code of its own is the other side, with that code", () =>
    Effect.gen(function* () {
      const { address, end } = yield* served()
      const socket = yield* stranger(address)
      socket.close(4001, "enough")
      const { by, detail } = yield* end
      assert.deepStrictEqual([by, detail], ["the other side", "with the code 4001, enough"])
    })
  )

  it.live("websocket: a program that is killed is lost", () =>
    Effect.gen(function* () {
      const { address, end } = yield* served()
      const code = `
        const { WebSocket } = await import("ws")
        const socket = new WebSocket(process.argv[1])
        socket.on("open", () => socket.send(Buffer.of(1)))
        socket.on("message", () => console.log("connected"))`
      const program = yield* start(process.execPath, ["--input-type=module", "-e", code, address])
      yield* program.until("connected")
      yield* program.signal("SIGKILL")
      assert.strictEqual((yield* end).by, "loss")
    })
  )

  it.live("websocket: a side that closes waits for one that takes slowly, and all arrives", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<number>()
      const mayTake = yield* Deferred.make<void>()
      const { transport } = yield* WebSocket.make({ url, maxFrame }).listen((wire) =>
        Effect.gen(function* () {
          yield* Deferred.await(mayTake)
          let bytes = 0
          const take = Effect.tap(wire.receive, (frames) =>
            Effect.sync(() => frames.forEach((frame) => (bytes += frame.length)))
          )
          yield* Effect.ignore(Effect.forever(take))
          yield* Deferred.succeed(arrived, bytes)
        })
      )
      const wire = yield* transport.connect
      let sent = 0
      const sending = yield* Effect.forkChild(
        Effect.forever(Effect.tap(wire.send(new Uint8Array(maxFrame)), () => Effect.sync(() => (sent += maxFrame))))
      )
      const socket = socketOf(wire)
      while (socket.bufferedAmount < maxFrame) yield* Effect.sleep("1 millis")
      yield* Fiber.interrupt(sending)
      const closing = yield* Effect.forkChild(wire.close, { startImmediately: true })
      yield* Deferred.succeed(mayTake, undefined)
      assert.strictEqual(yield* Deferred.await(arrived), sent)
      yield* Fiber.join(closing)
    })
  )

  it.live("websocket: a side that closes does not wait for long for one that takes nothing", () =>
    Effect.gen(function* () {
      const ends = yield* Queue.unbounded<WireClosed>()
      const { transport } = yield* WebSocket.make({ url, maxFrame }).listen((wire) =>
        Effect.gen(function* () {
          const filling = yield* Effect.forkChild(Effect.forever(wire.send(new Uint8Array(maxFrame))))
          while (socketOf(wire).bufferedAmount < maxFrame) yield* Effect.sleep("1 millis")
          yield* Fiber.interrupt(filling)
          yield* wire.close
          yield* Queue.offer(ends, yield* wire.closed)
        })
      )
      yield* transport.connect
      assert.strictEqual((yield* Queue.take(ends)).by, "this side")
    })
  )

  it.live.skipIf(procAbsent !== undefined)(
    `websocket: a connection that has ended leaves no descriptor${because(procAbsent)}`,
    () =>
      Effect.gen(function* () {
        const rounds = Effect.replicateEffect(
          Effect.scoped(Effect.flatMap(served(), ({ transport }) => lives(transport))),
          10
        )
        yield* rounds
        const before = openSockets()
        yield* rounds
        yield* until(() => openSockets() <= before)
      })
  )
})

describe("connecting and listening", () => {
  it.live("websocket: messages are not compressed", () =>
    Effect.gen(function* () {
      const { transport } = yield* served()
      assert.strictEqual(socketOf(yield* transport.connect).extensions, "")
    })
  )

  it.live("websocket: a frame that its sender changes afterwards arrives as it was sent", () =>
    Effect.gen(function* () {
      const numbers = Array.from({ length: 20_000 }, (_, at) => at)
      const sender = yield* Deferred.make<Wire>()
      const { transport } = yield* WebSocket.make({ url }).listen((wire) =>
        Effect.gen(function* () {
          yield* Deferred.succeed(sender, wire)
          const frame = new Uint16Array(500)
          const send = (number: number) => {
            frame.fill(number)
            return wire.send(new Uint8Array(frame.buffer))
          }
          yield* Effect.ignore(Effect.forEach(numbers, send, { discard: true }))
        })
      )
      const wire = yield* transport.connect
      const server = socketOf(yield* Deferred.await(sender))
      // The connection is full, so that the last that were sent wait in the memory of the sender.
      while (server.bufferedAmount < 64 * 1024) yield* Effect.sleep("1 millis")
      const received: Array<number> = []
      while (received.length < numbers.length) {
        received.push(...(yield* wire.receive).map((frame) => new DataView(frame.buffer).getUint16(0, true)))
      }
      assert.deepStrictEqual(received, numbers)
    })
  )

  it.live("websocket: there are no more wires than maxConnections, and one that is closed makes room", () =>
    Effect.gen(function* () {
      const { refused, transport, wires } = yield* served({ maxConnections: 1 })
      const wire = yield* transport.connect
      assert.strictEqual(yield* failure(transport), "TooManyConnections")
      assert.strictEqual(yield* refused ?? Effect.succeed(-1), 1)
      yield* wire.close
      yield* Effect.repeat(wires, { until: (wires) => wires === 0 })
      yield* transport.connect
    })
  )

  it.live("websocket: what can't be connected to says why", () =>
    Effect.gen(function* () {
      const { address } = yield* served()
      const elsewhere = address.replace("/wire", "/elsewhere")
      const http = yield* webServer((_, response) => response.writeHead(500).end())
      const silent = yield* webServer(() => undefined)
      const port = yield* freePort
      for (const [url, reason] of [
        [elsewhere, "NotListening"],
        [`ws://127.0.0.1:${port}/`, "NotListening"],
        [http.url.replace("http", "ws"), "Lost"],
        [silent.url.replace("http", "ws"), "TimedOut"],
        [address.replace("ws:", "wss:"), "Lost"],
        ["ws://no-such-host.invalid/", "HostNotFound"],
        ["http://127.0.0.1/", "InvalidAddress"],
        ["ws://127.0.0.1/#part", "InvalidAddress"],
        ["no url", "InvalidAddress"]
      ] as const) {
        const connectTimeout = reason === "TimedOut" ? "50 millis" : "10 seconds"
        assert.strictEqual(yield* failure(WebSocket.make({ url, connectTimeout })), reason, url)
      }
      yield* silent.drained
    })
  )

  it.live("websocket: what can't be listened on says why", () =>
    Effect.gen(function* () {
      const { port } = yield* webServer()
      for (const [url, reason] of [
        [`ws://127.0.0.1:${port}/`, "AddressInUse"],
        ["wss://127.0.0.1:0/", "Unsupported"],
        ["ws://203.0.113.7:0/", "InvalidAddress"],
        ["no url", "InvalidAddress"]
      ] as const) {
        const error = yield* Effect.flip(WebSocket.make({ url }).listen(() => Effect.void))
        assert.strictEqual(error.reason, reason, url)
      }
    })
  )

  it.live("K38 websocket: a request for what is no path is refused, and the server lives", () =>
    Effect.gen(function* () {
      const { address, transport } = yield* served()
      for (const path of ["//", "http://[", "*"]) {
        const socket = yield* raw(address, path)
        yield* closed(socket)
      }
      yield* lives(transport)
    })
  )

  it.live("websocket: what is secret in a URL is in no error, and in no address", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const url = `ws://name:secret@127.0.0.1:${port}/wire?token=secret`
      const transport = WebSocket.make({ url })
      const error = yield* Effect.flip(transport.connect)
      assert.strictEqual(error.reason, "NotListening")
      assert.notInclude(error.message, "secret")
      assert.strictEqual(transport.address, `ws://127.0.0.1:${port}/wire?…`)
      assert.notInclude((yield* transport.listen(echo)).transport.address, "secret")
    })
  )

  it.live("websocket: a plain request is told to upgrade", () =>
    Effect.gen(function* () {
      const { address } = yield* served()
      const response = yield* Effect.promise(() => fetch(address.replace("ws", "http")))
      assert.strictEqual(response.status, 426)
    })
  )
})

describe("a server that is there already", () => {
  it.live("websocket: it serves wires on several paths beside its pages, and goes on without them", () =>
    Effect.gen(function* () {
      const { drained, server, url } = yield* webServer((_, response) => response.end("a page"))
      const page = Effect.promise(() => fetch(url, { headers: { connection: "close" } }).then((it) => it.text()))
      const one = WebSocket.fromServer(server, { path: "/one", maxFrame })
      const two = WebSocket.fromServer(server, { path: "/two", maxFrame })
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* one.listen(echo)
          yield* two.listen(() => Effect.void)
          const again = yield* Effect.flip(WebSocket.fromServer(server, { path: "/one" }).listen(echo))
          assert.strictEqual(again.reason, "AddressInUse")
          const wire = yield* two.connect
          assert.strictEqual((yield* wire.closed).by, "the other side")
          yield* lives(one)
          assert.strictEqual(yield* page, "a page")
        })
      )
      assert.strictEqual(yield* failure(one), "NotListening")
      assert.strictEqual(server.listenerCount("upgrade"), 0)
      assert.strictEqual(yield* page, "a page")
      yield* Effect.scoped(Effect.andThen(one.listen(echo), lives(one)))
      yield* drained
    })
  )

  it.live("websocket: a path that nobody handles is refused, and one that another handles is left to it", () =>
    Effect.gen(function* () {
      const { server } = yield* webServer()
      const one = WebSocket.fromServer(server, { path: "/one" })
      const other = WebSocket.fromServer(server, { path: "/other" })
      yield* one.listen(echo)
      assert.strictEqual(yield* failure(other), "NotListening")
      server.on("upgrade", (request, socket) => {
        if (request.url === "/other") socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n")
      })
      assert.strictEqual(yield* failure(other), "PermissionDenied")
      yield* lives(one)
    })
  )

  it.live("websocket: a path that is none of a URL is an InvalidAddress", () =>
    Effect.gen(function* () {
      const { server } = yield* webServer()
      for (const path of ["/one#part", "/one?two", "one", "/../one"]) {
        const transport = WebSocket.fromServer(server, { path })
        assert.strictEqual(yield* failure(transport), "InvalidAddress", path)
        assert.strictEqual((yield* Effect.flip(transport.listen(echo))).reason, "InvalidAddress", path)
      }
    })
  )

  it.live("websocket: one that does not listen can't be connected to", () =>
    Effect.gen(function* () {
      const transport = WebSocket.fromServer(createServer(), { path: "/" })
      assert.strictEqual(yield* failure(transport), "NotListening")
    })
  )
})
