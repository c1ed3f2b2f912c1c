/**
 * A transport over WebSockets: each frame is a binary message, so that it passes proxies, and shares a port with HTTP.
 */
import * as NodeWS from "@effect/platform-node/NodeWS"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { Duplex } from "node:stream"
import type { Dialer } from "../../Address.ts"
import { type Listening, type Transport, TypeId, type Wire } from "../../Transport.ts"
import { shownUrl } from "../../../command/internal/shownUrl.ts"
import type { TransportError } from "../../TransportError.ts"
import { type Serving, serving } from "../internal/serving.ts"
import { connecting } from "./internal/connecting.ts"
import { bracketed, peerOf } from "./internal/hosts.ts"
import { limitsOf } from "./internal/limits.ts"
import { Failures } from "./internal/reasons.ts"
import { WebSocketWire } from "./internal/WebSocketWire.ts"
import { refusalOf, refuse } from "./internal/upgrades.ts"

/**
 * What a transport over WebSockets can be told.
 *
 * @category models
 */
export interface Options {
  /** How many bytes a frame may have: `Transport.defaultMaxFrame` when absent. */
  readonly maxFrame?: number | undefined
  /** How long connecting may take, until it fails with `TimedOut`: 10 seconds when absent. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many wires a listener has open at once; who comes then fails with `TooManyConnections`. Any number when absent. */
  readonly maxConnections?: number | undefined
}

/**
 * Makes the transport of a URL.
 *
 * **Details**
 *
 * - `url`: `ws://host:port/path`; on port 0 the system chooses a port, and `Listening.transport` has it. With `wss:` it
 *   connects through TLS. It does not listen there: see {@link fromServer}.
 *
 * Messages are not compressed. A text message, or whatever else is no frame, closes the wire that it came in by. A side that
 * closes waits until the other has taken what was sent before, as long as that takes anything within 2 seconds, and for 30
 * at most.
 *
 * Nothing keeps a page of another site in a browser from connecting to a server that the browser can reach: have whoever
 * connects prove who it is.
 *
 * **Errors**
 *
 * `TransportError`: `NotListening` when nobody listens on the port, or on the path; `AddressInUse`, `InvalidAddress`,
 * `PermissionDenied`, `HostNotFound`, `TimedOut`, `Untrusted`, `TooManyConnections`; `Lost` when the server answers
 * otherwise than a server of WebSockets does; `Unsupported` when it is to listen on `wss:`.
 *
 * **Example** (An echo)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as WebSocket from "troupe/net/web-socket"
 *
 * const program = Effect.gen(function*() {
 *   const server = WebSocket.make({ url: "ws://127.0.0.1:0/echo" })
 *   const { transport } = yield* server.listen((wire) => Effect.ignore(Effect.flatMap(wire.receive, wire.sendAll)))
 *   const wire = yield* transport.connect
 *   yield* wire.send(Uint8Array.of(1, 2, 3))
 *   return Array.from((yield* wire.receive)[0])
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => [1, 2, 3]
 * ```
 *
 * @category constructors
 */
export const make = (options: Options & { readonly url: string }): Transport => transport(options, options.url)

/**
 * Makes the transport of a path of a server that is there already, of HTTP or HTTPS, and serves other things besides.
 *
 * **Details**
 *
 * The server goes on when the listener's scope closes. Requests to upgrade other paths are left to whoever else handles
 * them, and refused when nobody does. It connects to the address that the server listens on at that time.
 *
 * **Errors**
 *
 * Those of {@link make}. `AddressInUse` when the path is listened on already; `InvalidAddress` when it is none of a URL, with
 * a `/` first and without a query.
 *
 * **Example** (Beside a server of HTTP)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { createServer } from "node:http"
 * import * as WebSocket from "troupe/net/web-socket"
 *
 * const server = createServer((_, response) => response.end("a page"))
 * const program = Effect.gen(function*() {
 *   const transport = WebSocket.fromServer(server, { path: "/wire" })
 *   yield* transport.listen((wire) => Effect.ignore(Effect.flatMap(wire.receive, wire.sendAll)))
 *   const wire = yield* transport.connect
 *   yield* wire.send(Uint8Array.of(1))
 *   return (yield* wire.receive).length
 * })
 *
 * await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
 * await Effect.runPromise(Effect.ensuring(Effect.scoped(program), Effect.sync(() => server.close()))) // => 1
 * ```
 *
 * @category constructors
 */
export const fromServer = (server: Http.Server, options: Options & { readonly path: string }): Transport => ({
  [TypeId]: TypeId,
  name,
  address: options.path,
  connect: Effect.suspend(() => {
    const url = urlOf(server, options.path)
    if (url !== undefined) return Effect.andThen(checked("connect", options.path), connect(options, url))
    return Effect.fail(failures(options.path).of("connect", "NotListening", "the server does not listen"))
  }),
  listen: (serve) =>
    Effect.andThen(
      checked("listen", options.path),
      Effect.map(attach(server, options.path, options, serve), ({ counts }): Listening => ({
        transport: fromServer(server, options),
        ...counts
      }))
    )
})

const checked = (doing: TransportError["doing"], path: string): Effect.Effect<void, TransportError> => {
  const beside = `ws://localhost${path}`
  return URL.canParse(beside) && new URL(beside).pathname === path
    ? Effect.void
    : Effect.fail(failures(path).of(doing, "InvalidAddress", "it is no path as a URL has it"))
}

const name = "websocket"

// Without what may be secret in a URL.
const failures = (address: string): Failures => new Failures(name, shownUrl(address))

const transport = (options: Options, address: string): Transport => ({
  [TypeId]: TypeId,
  name,
  address: shownUrl(address),
  connect: Effect.flatMap(parse("connect", address), ({ href }) => connect(options, href)),
  listen: (serve) =>
    Effect.gen(function* () {
      const url = yield* parse("listen", address)
      if (url.protocol === "wss:") {
        return yield* failures(address).of(
          "listen",
          "Unsupported",
          "a server of HTTPS is needed, as fromServer takes it"
        )
      }
      const server = yield* listening(url, address)
      const { counts } = yield* attach(server, url.pathname, options, serve)
      return { transport: transport(options, urlOf(server, url.pathname, url.hostname) ?? address), ...counts }
    })
})

const parse = (doing: TransportError["doing"], address: string): Effect.Effect<URL, TransportError> => {
  const url = URL.canParse(address) ? new URL(address) : undefined
  return (url?.protocol === "ws:" || url?.protocol === "wss:") && url.hash === ""
    ? Effect.succeed(url)
    : Effect.fail(failures(address).of(doing, "InvalidAddress", "it is no URL with ws: or wss:, without a fragment"))
}

const urlOf = (server: Http.Server, path: string, host?: string): string | undefined => {
  const address = server.address()
  if (address === null || typeof address === "string") return undefined
  const scheme = "setSecureContext" in server ? "wss" : "ws"
  return `${scheme}://${host ?? hostOf(address.address)}:${address.port}${path}`
}

// A server that listens on every address is reached on that of this machine.
const hostOf = (address: string): string =>
  address === "::" || address === "0.0.0.0" ? "localhost" : bracketed(address)

// Effect's socket of a WebSocket is not used here, nor its server: it writes without a look at what is buffered, tells of a
// close only to who pulls, and has neither a limit for messages nor what a server has answered in place of an upgrade. Its
// package `ws` has.
const connect = (options: Options, url: string): Effect.Effect<Wire, TransportError, Scope.Scope> => {
  const failed = failures(url)
  const { connectTimeout, maxFrame } = limitsOf(options)
  return connecting(connectTimeout, failed, (outcome) => {
    const webSocket = new NodeWS.WebSocket(url, settings(maxFrame))
    webSocket.on("error", (error) => outcome.failed(failed.from("connect", error)))
    webSocket.once("unexpected-response", (_, { statusCode }) => {
      outcome.failed(failed.of("connect", refusalOf(statusCode), `the server answers ${statusCode}`))
    })
    // In the same turn: what comes right behind is told at once.
    webSocket.once("open", () => {
      const peer = { address: shownUrl(url) }
      outcome.opened(new WebSocketWire({ transport: name, peer, maxFrame }, webSocket))
    })
    return () => webSocket.terminate()
  })
}

const settings = (maxFrame: number) => ({
  // 0 would be no limit.
  maxPayload: Math.max(1, maxFrame),
  perMessageDeflate: false,
  skipUTF8Validation: true
})

// A server of our own, which ends with the scope, when all that it serves has ended.
const listening = (url: URL, address: string): Effect.Effect<Http.Server, TransportError, Scope.Scope> => {
  const failed = failures(address)
  const slow = Duration.toMillis("10 seconds")
  const server = Effect.sync(() =>
    Http.createServer({ headersTimeout: slow, requestTimeout: slow }, (_, response) => {
      response.writeHead(426, { connection: "close", upgrade: "websocket" }).end()
    })
  )
  return Effect.acquireRelease(
    Effect.flatMap(server, (server) =>
      Effect.callback<Http.Server, TransportError>((resume) => {
        // Later ones are of single connections, which know them too.
        server.on("error", (error) => resume(Effect.fail(failed.from("listen", error))))
        const host = url.hostname.replace(/^\[|\]$/g, "")
        const port = url.port === "" ? 80 : Number(url.port)
        server.listen({ host, port }, () => resume(Effect.succeed(server)))
      })
    ),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
}

// The paths that are listened on, by the servers that others made.
const taken = new WeakMap<Http.Server, Set<string>>()

const claim = (server: Http.Server, path: string): Effect.Effect<void, TransportError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const paths = taken.get(server) ?? new Set()
      if (paths.has(path)) {
        return Effect.fail(failures(path).of("listen", "AddressInUse", "the path of this server is listened on"))
      }
      taken.set(server, paths.add(path))
      return Effect.void
    }),
    () => Effect.sync(() => taken.get(server)?.delete(path))
  )

const attach = <R>(
  server: Http.Server,
  path: string,
  options: Options,
  serve: (wire: Wire) => Effect.Effect<void, never, R>
): Effect.Effect<Serving, TransportError, R | Scope.Scope> =>
  Effect.gen(function* () {
    yield* claim(server, path)
    const { maxConnections, maxFrame } = limitsOf(options)
    const served = yield* serving(serve, maxConnections)
    const upgrades = new NodeWS.WebSocketServer({ ...settings(maxFrame), noServer: true, clientTracking: false })
    const upgrade = (request: Http.IncomingMessage, socket: Duplex, head: Buffer) => {
      const [asked] = (request.url ?? "").split("?", 1)
      // Another may handle it.
      if (asked !== path && server.listenerCount("upgrade") > 1) return
      if (asked !== path) return refuse(socket, "404 Not Found")
      if (!served.admits()) return refuse(socket, "503 Service Unavailable")
      const peer = peerOf(request.socket)
      upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        served.accept(new WebSocketWire({ transport: name, peer, maxFrame }, webSocket))
      })
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => server.on("upgrade", upgrade)),
      () => Effect.sync(() => server.off("upgrade", upgrade))
    )
    return served
  })

/**
 * Connects to addresses of this transport, which are URLs, as a directory has them, with the options of this program.
 *
 * @category dialers
 */
export const dialer = (options?: Options): Dialer => ({
  transport: name,
  dial: ({ address }) => Effect.succeed(make({ ...options, url: address }))
})
