/**
 * The server of a gRPC transport: wires and calls on one port.
 */
import type { ConnectionInjector, Server as GrpcServer, ServerDuplexStream, UntypedHandleCall } from "@grpc/grpc-js"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import type { Listening, Wire } from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"
import { answering, type Run, watching } from "./grpcAnswering.ts"
import { codes } from "./grpcErrors.ts"
import {
  asBuffer,
  callPath,
  channelOptions,
  connectPath,
  type Module,
  serverCredentials,
  type Settings,
  subjectOf,
  watchPath
} from "./grpcSettings.ts"
import { GrpcWire } from "./grpcWire.ts"
import { hostFault } from "./hosts.ts"
import { Failures } from "./reasons.ts"

// How long a server that stops waits for calls that have begun.
const grace = "5 seconds"

// How many connections there may be besides those that can carry a wire: who is refused is told why on one.
const spareConnections = 16

// How long a connection that this side has ended waits for the other's end, in milliseconds.
const endTimeout = 1000

/** One that listens: its port, and how many wires are open and were refused. */
export interface Bound {
  readonly port: number
  readonly counts: Pick<Listening, "wires" | "refused">
}

/** Listens until the scope closes. */
export const listen = <R>(
  grpc: Module,
  settings: Settings,
  serve: (wire: Wire) => Effect.Effect<void, never, R>
): Effect.Effect<Bound, TransportError, R | Scope.Scope> =>
  Effect.gen(function* () {
    const failures = new Failures("grpc", settings.address)
    const run = Effect.runForkWith(yield* Effect.context<R>())
    const served = (wire: Wire) => Effect.ensuring(Effect.tapCause(serve(wire), report(wire)), wire.close)
    const serving = new Serving(grpc, settings, run, (wire) => run(served(wire)))
    const credentials = yield* Effect.try({
      try: () => serverCredentials(grpc, settings.tls),
      catch: (error) => failures.of("listen", "Untrusted", String(error))
    })
    const injector = yield* Effect.try({
      try: () => serving.server.createConnectionInjector(credentials),
      catch: (error) => failures.of("listen", "Untrusted", String(error))
    })
    const tcp = createServer({ noDelay: true }, (socket) => serving.onConnection(socket, injector))
    yield* Effect.acquireRelease(listening(tcp, settings, failures), () => serving.stop(tcp))
    return {
      port: (tcp.address() as AddressInfo).port,
      counts: {
        wires: Effect.sync(() => serving.wires.size),
        refused: Effect.sync(() => serving.refused)
      }
    }
  })

const report =
  ({ peer }: Wire) =>
  (cause: Cause.Cause<never>) =>
    Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`Serving the wire to ${peer.address} failed.`, cause)

// Node's own server, whose connections are given to gRPC's: grpc-js has the errors of its own in the text of a message alone,
// writes them to the console, and counts no connections.
const listening = (tcp: Server, { host, port }: Settings, failures: Failures): Effect.Effect<void, TransportError> => {
  const fault = hostFault("listen", host, port)
  if (fault !== undefined) return failures.of("listen", "InvalidAddress", fault)
  return Effect.callback((resume) => {
    tcp.once("error", (error) => resume(failures.from("listen", error)))
    tcp.listen({ host, port }, () => resume(Effect.void))
  })
}

class Serving {
  readonly server: GrpcServer
  readonly wires = new Set<GrpcWire>()
  private readonly grpc: Module
  private readonly settings: Settings
  private readonly serve: (wire: Wire) => Fiber.Fiber<void>
  // With their other sides as grpc-js names them.
  private readonly sockets = new Map<Socket, string>()
  private readonly fibers = new Set<Fiber.Fiber<void>>()
  private stopping = false
  refused = 0

  constructor(grpc: Module, settings: Settings, run: Run, serve: (wire: Wire) => Fiber.Fiber<void>) {
    this.grpc = grpc
    this.settings = settings
    this.serve = serve
    this.server = new grpc.Server(channelOptions(settings))
    const identity = (bytes: Uint8Array): Uint8Array => bytes
    const register = (path: string, handler: UntypedHandleCall, type: string): boolean =>
      this.server.register(path, handler, asBuffer, identity, type)
    register(connectPath, (call: ServerDuplexStream<Uint8Array, Uint8Array>) => this.onConnect(call), "bidi")
    if (settings.calls !== undefined) {
      register(callPath, answering(settings.calls, run), "unary")
      register(watchPath, watching(settings.calls, run), "serverStream")
    }
  }

  onConnection(socket: Socket, injector: ConnectionInjector): void {
    if (this.sockets.size >= this.settings.maxConnections + spareConnections) {
      socket.destroy()
      return
    }
    this.sockets.set(socket, `${socket.remoteAddress}:${socket.remotePort}`)
    // What goes wrong is seen by the calls on it.
    socket.on("error", () => {})
    socket.once("close", () => this.sockets.delete(socket))
    // A client that stands still would keep it for ever.
    socket.once("finish", () => socket.setTimeout(endTimeout, () => socket.destroy()))
    injector.injectConnection(socket)
  }

  private onConnect(call: ServerDuplexStream<Uint8Array, Uint8Array>): void {
    const end = (code: number, details: string): void => {
      call.emit("error", Object.assign(new Error(details), { code, details }))
    }
    if (this.stopping) return end(codes.UNAVAILABLE, "the server stops")
    if (this.wires.size >= this.settings.maxConnections) {
      this.refused++
      return end(codes.RESOURCE_EXHAUSTED, `${this.settings.maxConnections} wires are open, and no more may be`)
    }
    const peer = { address: call.getPeer(), certificate: subjectOf(call.getAuthContext()) }
    const wire = new GrpcWire(call, this.settings.maxFrame, {
      saysClosing: false,
      peer: () => peer,
      refuse: (why, detail) => end(why === "malformed" ? codes.INVALID_ARGUMENT : codes.RESOURCE_EXHAUSTED, detail),
      abort: () => this.abort(peer.address)
    })
    this.wires.add(wire)
    call.on("cancelled", () => {
      this.wires.delete(wire)
      wire.onOver("loss", "the call was cancelled, or its connection is gone", "destroyed")
    })
    // The headers alone, which tell the client that the wire is open.
    call.sendMetadata(new this.grpc.Metadata())
    const fiber = this.serve(wire)
    this.fibers.add(fiber)
    fiber.addObserver(() => this.fibers.delete(fiber))
  }

  // grpc-js lets a server give up no call whose client does not read. Its connection is given up instead, unless other wires
  // are on it: then the call stays, and counts, until the client goes on with it or ends.
  private abort(peer: string): void {
    let alone = -1
    for (const wire of this.wires) if (wire.peer.address === peer) alone++
    if (alone > 0) return
    for (const [socket, address] of this.sockets) if (address === peer) socket.destroy()
  }

  /** No new connections; the wires are closed, and what was called is answered, as far as that comes to an end in time. */
  stop(tcp: Server): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.stopping = true
      const closed = Deferred.makeUnsafe<void>()
      // It is closed when the last connection is, each of which ends after what is underway on it.
      tcp.close(() => Deferred.doneUnsafe(closed, Exit.void))
      const inOrder = Effect.suspend(() => {
        this.server.tryShutdown(() => {})
        return Effect.timeoutOrElse(Deferred.await(closed), { duration: grace, orElse: () => Effect.void })
      })
      const force = Effect.suspend(() => {
        this.server.forceShutdown()
        for (const socket of this.sockets.keys()) socket.destroy()
        return Deferred.await(closed)
      })
      return Fiber.interruptAll(this.fibers).pipe(Effect.andThen(inOrder), Effect.andThen(force))
    })
  }
}
