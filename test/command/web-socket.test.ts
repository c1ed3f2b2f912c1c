import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, Queue } from "effect"
import * as Socket from "effect/socket/Socket"
import { Process } from "troupe"
import * as WebSocket from "../../src/command/WebSocket.ts"
import { throughJson } from "../support/codecs.ts"
import { host, inProcess } from "../support/processes.ts"
import { freePort, webServer } from "../support/webServer.ts"
import { withProcess } from "../support/withProcess.ts"

const clients = [
  ["WebSocket", Socket.layerWebSocketConstructorGlobal],
  ["ws", NodeWS.layerWebSocketConstructor]
] as const

const live = (client: Layer.Layer<Socket.WebSocketConstructor>, options?: WebSocket.Options) =>
  Layer.mergeAll(WebSocket.layer(options).pipe(Layer.provide(client)), host, Logger.layer([]))

interface Closing {
  readonly code: number
  readonly reason: string
}

/** A server of WebSockets, which does with each connection what it is told, and says how each was closed. */
const webSocketServer = (
  onConnection: (socket: NodeWS.WebSocket) => void = () => undefined,
  options: NodeWS.ServerOptions = {}
) =>
  Effect.gen(function* () {
    const { drained, port, server } = yield* webServer()
    const closings = yield* Queue.unbounded<Closing>()
    const sockets = new NodeWS.WebSocketServer({ server, ...options })
    sockets.on("connection", (socket) => {
      socket.on("error", () => undefined)
      socket.on("close", (code, reason) => Queue.offerUnsafe(closings, { code, reason: reason.toString() }))
      onConnection(socket)
    })
    return { drained, sockets, closing: Queue.take(closings), url: `ws://127.0.0.1:${port}` }
  })

const echo = (socket: NodeWS.WebSocket): void => {
  socket.on("message", (data, binary) => socket.send(data, { binary }))
}

const text = (text: string): WebSocket.Received => ({ _tag: "Text", text })

const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, WebSocket.WebSocketError, String(error))
    return error
  })

const reason = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(failure(effect), ({ reason }) => reason)

describe.each(clients)("D18 websocket with the client %s", (name, client) => {
  it.live("D18 websocket: texts and bytes come and go as they were sent, in order", () =>
    Effect.gen(function* () {
      const { closing, drained, url } = yield* webSocketServer(echo)
      const received = yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(`${url}/a?b=c`)
          assert.deepStrictEqual(yield* WebSocket.state(handle), { status: "open", protocol: "" })
          yield* WebSocket.send(handle, "grün")
          yield* WebSocket.send(handle, new Uint8Array([0, 255]))
          yield* WebSocket.send(handle, "")
          yield* WebSocket.send(handle, "x".repeat(1_000_000))
          return yield* Effect.all(Array.from({ length: 4 }, () => WebSocket.receive(handle)))
        })
      )
      const bytes = { _tag: "Bytes", bytes: new Uint8Array([0, 255]) } as const
      assert.deepStrictEqual(received, [text("grün"), bytes, text(""), text("x".repeat(1_000_000))])
      // The process has ended without closing it.
      assert.deepStrictEqual(yield* closing, { code: 1000, reason: "" })
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: the server chooses one of the protocols", () =>
    Effect.gen(function* () {
      const { url } = yield* webSocketServer(undefined, { handleProtocols: () => "two" })
      const connect = WebSocket.connect(url, { protocols: ["one", "two"] })
      const state = yield* inProcess(Effect.flatMap(connect, WebSocket.state))
      assert.deepStrictEqual(state, { status: "open", protocol: "two" })
      for (const protocols of [["a b"], ["a", "a"]])
        assert.strictEqual((yield* reason(inProcess(WebSocket.connect(url, { protocols }))))._tag, "InvalidRequest")
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: when the server closes, what it sent before is received, and then how it closed", () =>
    Effect.gen(function* () {
      const { drained, url } = yield* webSocketServer((socket) => {
        socket.send("last words")
        socket.close(4321, "done")
      })
      const closed = { _tag: "Closed", code: 4321, reason: "done" } as const
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(url)
          assert.deepStrictEqual(yield* WebSocket.receive(handle), text("last words"))
          for (let times = 0; times < 3; times++) assert.deepStrictEqual(yield* WebSocket.receive(handle), closed)
          assert.deepStrictEqual(yield* reason(WebSocket.send(handle, "late")), closed)
          assert.strictEqual((yield* WebSocket.state(handle)).status, "closed")
          yield* WebSocket.close(handle)
        })
      )
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: a server that vanishes is a close with the code 1006", () =>
    Effect.gen(function* () {
      const { drained, url } = yield* webSocketServer((socket) => socket.on("message", () => socket.terminate()))
      const received = yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(url)
          yield* WebSocket.send(handle, "vanish")
          return yield* WebSocket.receive(handle)
        })
      )
      assert.isTrue(received._tag === "Closed" && received.code === 1006)
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: closing sends code and reason, behind the messages, and gives the handle back", () =>
    Effect.gen(function* () {
      const got: Array<string> = []
      const { closing, drained, url } = yield* webSocketServer((socket) =>
        socket.on("message", (data) => got.push(String(data)))
      )
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(url)
          yield* WebSocket.send(handle, "one")
          for (const [code, why] of [
            [1001, ""],
            [2999, ""],
            [5000, ""],
            [1000, "é".repeat(62)]
          ] as const)
            assert.strictEqual((yield* reason(WebSocket.close(handle, code, why)))._tag, "InvalidClose")
          yield* WebSocket.send(handle, "two")
          yield* WebSocket.close(handle, 4000, "é".repeat(61))
          const uses = [
            WebSocket.send(handle, "late"),
            Effect.asVoid(WebSocket.receive(handle)),
            WebSocket.close(handle)
          ]
          for (const use of uses) assert.deepStrictEqual(yield* reason(use), { _tag: "NotOpen" })
        })
      )
      assert.deepStrictEqual(yield* closing, { code: 4000, reason: "é".repeat(61) })
      assert.deepStrictEqual(got, ["one", "two"])
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: a connection is closed with its process, also one that waits, and is nothing to others", () =>
    Effect.gen(function* () {
      const { closing, drained, url } = yield* webSocketServer()
      const connected = yield* Deferred.make<WebSocket.Handle>()
      const body = Effect.gen(function* () {
        const handle = yield* WebSocket.connect(url)
        yield* Deferred.succeed(connected, handle)
        yield* WebSocket.receive(handle)
      })
      yield* withProcess(body, (kill) =>
        Effect.gen(function* () {
          const handle = yield* Deferred.await(connected)
          assert.deepStrictEqual(yield* reason(inProcess(WebSocket.receive(handle))), { _tag: "NotOpen" })
          assert.deepStrictEqual(yield* reason(inProcess(WebSocket.close(handle))), { _tag: "NotOpen" })
          yield* kill
        })
      )
      assert.deepStrictEqual(yield* closing, { code: 1000, reason: "" })
      yield* drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: what is no url of a WebSocket, and no message has a secret", () =>
    Effect.gen(function* () {
      for (const url of [
        "nothing",
        "http://127.0.0.1/?key=secret",
        "ws://user:secret@127.0.0.1/",
        "ws://127.0.0.1/?key=secret#secret"
      ]) {
        const error = yield* failure(inProcess(WebSocket.connect(url)))
        assert.strictEqual(error.reason._tag, "InvalidUrl")
        assert.notInclude(error.message, "secret")
      }
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: no connection: nobody listens, no such host, no TLS, a server that rejects or hangs up", () =>
    Effect.gen(function* () {
      const plain = yield* webServer((_, response) => response.writeHead(403).end())
      const upgrading = yield* webServer()
      upgrading.server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"))
      const dropping = yield* webServer()
      dropping.server.on("upgrade", (_, socket) => socket.destroy())
      const hosts = [
        [`ws://127.0.0.1:${yield* freePort}`, "Unreachable"],
        ["ws://nowhere.invalid", "HostNotFound"],
        [`wss://127.0.0.1:${plain.port}`, "Tls"],
        [`ws://127.0.0.1:${plain.port}`, "Rejected"],
        [`ws://127.0.0.1:${upgrading.port}`, "Rejected"],
        [`ws://127.0.0.1:${dropping.port}`, "Rejected"]
      ] as const
      for (const [url, expected] of hosts) {
        const error = yield* failure(inProcess(WebSocket.connect(`${url}/?secret=1`)))
        assert.strictEqual(error.reason._tag, name === "ws" ? expected : "ConnectFailed", error.message)
        assert.include(error.message, `${url}/?…`)
      }
      yield* Effect.all([plain.drained, upgrading.drained, dropping.drained])
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: a handshake that is never answered ends with the timeout of the yield, and hangs up", () =>
    Effect.gen(function* () {
      const silent = yield* webServer()
      let handshakes = 0
      silent.server.on("upgrade", (_, socket) => {
        handshakes++
        socket.on("end", () => socket.destroy()).on("error", () => undefined)
        socket.resume()
      })
      const connect = Process.yield(
        WebSocket.commands.connect,
        { url: `ws://127.0.0.1:${silent.port}` },
        { timeout: "200 millis" }
      )
      assert.strictEqual((yield* Effect.flip(inProcess(connect)))._tag, "YieldTimeout")
      assert.strictEqual(handshakes, 1)
      yield* silent.drained
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: receivers take turns, and one that gives up takes no message with it", () =>
    Effect.gen(function* () {
      const { url } = yield* webSocketServer(echo)
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(url)
          const late = Process.yield(WebSocket.commands.receive, { handle }, { timeout: "50 millis" })
          assert.strictEqual((yield* Effect.flip(late))._tag, "YieldTimeout")
          const receive = Process.yieldAsync(WebSocket.commands.receive, { handle })
          const receivers = yield* Effect.all([receive, receive, receive])
          yield* receivers[1].cancel
          yield* WebSocket.send(handle, "one")
          yield* WebSocket.send(handle, "two")
          assert.deepStrictEqual(yield* receivers[0].await, text("one"))
          assert.deepStrictEqual(yield* receivers[2].await, text("two"))
        })
      )
    }).pipe(Effect.provide(live(client)))
  )

  it.live("D18 websocket: a message over the limit is not sent; one that comes closes the connection", () =>
    Effect.gen(function* () {
      const got: Array<string> = []
      const { closing, drained, url } = yield* webSocketServer((socket) =>
        socket.on("message", (data) => {
          got.push(String(data))
          for (const size of [10, 11, 1]) socket.send("y".repeat(size))
        })
      )
      const tooLarge = { _tag: "MessageTooLarge", size: 11, limit: 10 } as const
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(url)
          assert.deepStrictEqual(yield* reason(WebSocket.send(handle, "x".repeat(11))), tooLarge)
          assert.strictEqual((yield* reason(WebSocket.send(handle, "ääääää")))._tag, "MessageTooLarge")
          yield* WebSocket.send(handle, "x".repeat(10))
          assert.deepStrictEqual(yield* WebSocket.receive(handle), text("y".repeat(10)))
          assert.deepStrictEqual(yield* reason(WebSocket.receive(handle)), tooLarge)
          let last = yield* WebSocket.receive(handle)
          while (last._tag !== "Closed") last = yield* WebSocket.receive(handle)
          assert.strictEqual(last.code, 4009)
        })
      )
      assert.deepStrictEqual(got, ["x".repeat(10)])
      assert.deepStrictEqual(yield* closing, { code: 4009, reason: "message too large" })
      yield* drained
    }).pipe(Effect.provide(live(client, { maxMessageBytes: 10 })))
  )

  it.live("D18 websocket: when the server does not read, what waits to be sent stays within the limit", () =>
    Effect.gen(function* () {
      const got = yield* Deferred.make<number>()
      let resume = (): void => undefined
      const { drained, url } = yield* webSocketServer((socket) => {
        socket.pause()
        resume = () => socket.resume()
        let count = 0
        socket.on("message", (data) => {
          if (String(data) === "end") Deferred.doneUnsafe(got, Exit.succeed(count))
          count++
        })
      })
      yield* inProcess(
        Effect.gen(function* () {
          const handle = yield* WebSocket.connect(url)
          const chunk = new Uint8Array(100_000)
          let sent = 0
          const send = Effect.andThen(
            WebSocket.send(handle, chunk),
            // Lets the client write what it has.
            Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
          )
          const congested = yield* reason(Effect.forever(Effect.tap(send, () => Effect.sync(() => sent++))))
          assert.isTrue(
            congested._tag === "Congested" && congested.waiting > 0 && congested.waiting <= 1_000_100,
            JSON.stringify(congested)
          )
          resume()
          const last = yield* Effect.retry(WebSocket.send(handle, "end"), { times: 100_000 })
          assert.isUndefined(last)
          assert.strictEqual(yield* Deferred.await(got), sent)
        })
      )
      yield* drained
    }).pipe(Effect.provide(live(client, { maxBufferedBytes: 1_000_000 })))
  )
})

/** A server that sends more than anything between it and the client holds: numbered messages of 10,000 bytes, and "end". */
const talkative = Effect.gen(function* () {
  let socket: NodeWS.WebSocket | undefined
  const server = yield* webSocketServer((connected) => {
    socket = connected
    for (let index = 0; index < 2000; index++) socket.send(`${index} ${"z".repeat(10_000)}`)
    socket.send("end")
  })
  return { ...server, unsent: () => socket?.bufferedAmount ?? 0 }
})

describe("D18 websocket", () => {
  it.live("D18 websocket: when nobody receives, a client that can pause keeps the server from sending", () =>
    Effect.gen(function* () {
      const { drained, unsent, url } = yield* talkative
      const paused = yield* Deferred.make<void>()
      const watched = (...args: ConstructorParameters<typeof NodeWS.WebSocket>): NodeWS.WebSocket => {
        const ws = new NodeWS.WebSocket(...args)
        ws.pause = () => {
          Deferred.doneUnsafe(paused, Exit.void)
          NodeWS.WebSocket.prototype.pause.call(ws)
        }
        return ws
      }
      const client = Layer.succeed(Socket.WebSocketConstructor, (url) => watched(url))
      const body = Effect.gen(function* () {
        const handle = yield* WebSocket.connect(url)
        yield* Deferred.await(paused)
        assert.isAbove(unsent(), 1_000_000)
        for (let index = 0; index < 2000; index++) {
          const message = yield* WebSocket.receive(handle)
          assert.isTrue(message._tag === "Text" && message.text.startsWith(`${index} zz`))
        }
        assert.deepStrictEqual(yield* WebSocket.receive(handle), text("end"))
      })
      yield* Effect.provide(inProcess(body), live(client, { maxBufferedBytes: 100_000 }))
      yield* drained
    })
  )

  it.live("D18 websocket: when nobody receives, a client that can't pause closes, and what has come is received", () =>
    Effect.gen(function* () {
      const { closing, drained, url } = yield* talkative
      const body = Effect.gen(function* () {
        const handle = yield* WebSocket.connect(url)
        assert.deepStrictEqual(yield* closing, { code: 4008, reason: "messages not received" })
        let received = 0
        const rest = Effect.flatMap(WebSocket.receive(handle), () => Effect.sync(() => received++))
        const overflow = yield* reason(Effect.forever(rest))
        assert.deepStrictEqual(overflow, { _tag: "Overflow", limit: 100_000 })
        assert.strictEqual(received, 10)
      })
      const client = Socket.layerWebSocketConstructorGlobal
      yield* Effect.provide(inProcess(body), live(client, { maxBufferedBytes: 100_000 }))
      yield* drained
    })
  )

  it.live("D18 websocket: headers of the handshake, where the client can send them", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* webSocketServer()
      const seen: Array<unknown> = []
      sockets.on("connection", (_, request) => seen.push(request.headers["x-colour"]))
      const connect = inProcess(Effect.asVoid(WebSocket.connect(url, { headers: { "x-colour": "blue" } })))
      yield* Effect.provide(connect, live(NodeWS.layerWebSocketConstructor), { local: true })
      yield* Effect.provide(connect, live(NodeSocket.layerWebSocketConstructor), { local: true })
      const refused = Effect.provide(connect, live(Socket.layerWebSocketConstructorGlobal), { local: true })
      const why = yield* Effect.exit(refused)
      assert.isTrue(Exit.isFailure(why) && String(why.cause).includes("client options are not supported"))
      assert.deepStrictEqual(seen, ["blue", "blue"])
    })
  )

  it.effect("D18 websocket: messages and errors cross their schemas", () =>
    Effect.gen(function* () {
      const { connect, receive, send } = WebSocket.commands
      const handle = WebSocket.Handle.make(1)
      yield* throughJson(connect.payloadSchema, { url: "ws://a", protocols: ["b"], headers: { c: "d" } })
      const closed = { _tag: "Closed", code: 4000, reason: "bye" } as const
      for (const message of [text("ü"), { _tag: "Bytes", bytes: new Uint8Array([0, 255]) }, closed] as const) {
        yield* throughJson(receive.successSchema, message)
        if (message._tag !== "Closed") yield* throughJson(send.payloadSchema, { handle, message })
      }
      const failed = new WebSocket.WebSocketError({ operation: "send", url: "ws://a/", reason: closed })
      yield* throughJson(send.errorSchema, failed)
      assert.include(failed.message, "4000 (bye)")
    })
  )
})
