/**
 * Frames over gRPC: HTTP/2, with TLS or without, and a service that programs in other languages can call.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { load, type MissingPackage } from "../../../command/driver/MissingPackage.ts"
import type { Dialer } from "../../Address.ts"
import { type Transport, TypeId } from "../../Transport.ts"
import type { Calls } from "./GrpcCalls.ts"
import { connect } from "./internal/grpcClient.ts"
import { listen } from "./internal/grpcServer.ts"
import type { Module, Settings } from "./internal/grpcSettings.ts"
import { maxPiece } from "./internal/grpcWire.ts"
import { hostAndPort, hostDialer } from "./internal/hosts.ts"
import { limitsOf } from "./internal/limits.ts"

export { CallFailed, type CallRequest, type Calls, FailedStatus, serveCalls } from "./GrpcCalls.ts"

/**
 * The certificates of a side, each in PEM.
 *
 * @category models
 */
export interface Tls {
  /**
   * The authority that the certificate of the other side must come from. A client without it trusts those that the system
   * trusts; a server without it asks for no certificate.
   */
  readonly authority?: string | undefined
  /** What this side shows of itself; a server needs it. */
  readonly identity?: { readonly certificate: string; readonly key: Redacted.Redacted<string> } | undefined
  /** The name that a client expects in the server's certificate, where it is not the host. */
  readonly serverName?: string | undefined
}

/**
 * What {@link make} can be given.
 *
 * @category models
 */
export interface Options {
  readonly host: string
  /** To listen on a port that the system chooses it is 0. */
  readonly port: number
  /** How many bytes a frame may have, and a call's payload; `Transport.defaultMaxFrame` when left out. */
  readonly maxFrame?: number | undefined
  /** How long to connect may take; 10 seconds when left out. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many wires may be open at a listener; any number when left out. */
  readonly maxConnections?: number | undefined
  /** After which silence the other side is asked whether it lives, and how long it has to answer; 30 and 10 seconds. */
  readonly keepAlive?: { readonly interval: Duration.Input; readonly timeout: Duration.Input } | undefined
  /** Encrypts, and checks who is there. Without it nothing is encrypted. */
  readonly tls?: Tls | undefined
  /** Answers programs in other languages beside the wires; from `serveCalls`. */
  readonly calls?: Calls | undefined
}

/**
 * A transport over gRPC: each wire is a call in which both sides stream, and has a connection of its own.
 *
 * **Details**
 *
 * The service is `troupe.v1.Transport` of the file `troupe.proto`, which is published with the package, so that programs in
 * other languages can speak it too. HTTP/2 has a sender wait for a receiver that does not keep up. Frames of more than
 * 64 KiB go in pieces.
 *
 * - A client in another language may end its side of the call and still read: then `receive` fails, as nothing more comes,
 *   and what is sent arrives until `serve` ends.
 * - A wire that is closed waits for the other side to take what was sent, until it has taken nothing for 2 seconds.
 * - A listener that stops takes no new wires, closes those that are open, and gives calls 5 seconds to be answered.
 *
 * **Errors**
 *
 * `MissingPackage` when `@grpc/grpc-js` is not installed. To connect fails with the `TransportError` that the status of gRPC
 * stands for: `UNAVAILABLE` is `NotListening`, `HostNotFound`, `Untrusted` or `Lost`, by its cause; `DEADLINE_EXCEEDED` is
 * `TimedOut`; `UNAUTHENTICATED` is `Untrusted`; `PERMISSION_DENIED` is `PermissionDenied`; `RESOURCE_EXHAUSTED` is
 * `TooManyConnections`; `UNIMPLEMENTED`, where another service listens, is `Unsupported`; another is `Lost`. A wire is closed
 * by the other side when the status is `OK`, and lost when it is another, which `WireClosed` names.
 *
 * **Example** (A wire over HTTP/2)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as Grpc from "troupe/net/grpc"
 *
 * const program = Effect.gen(function* () {
 *   const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0 })
 *   const listening = yield* transport.listen((wire) =>
 *     Effect.ignore(Effect.flatMap(wire.receive, (frames) => wire.sendAll(frames)))
 *   )
 *   const wire = yield* listening.transport.connect
 *   yield* wire.send(new Uint8Array([1, 2, 3]))
 *   return yield* wire.receive
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => [new Uint8Array([1, 2, 3])]
 * ```
 *
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Transport, MissingPackage> =>
  Effect.map(
    load("@grpc/grpc-js", () => import("@grpc/grpc-js")),
    (grpc) => transportOf(grpc, options)
  )

const transportOf = (grpc: Module, options: Options): Transport => {
  const settings = settingsOf(options)
  return {
    [TypeId]: TypeId,
    name: "grpc",
    address: settings.address,
    connect: connect(grpc, settings),
    listen: (serve) =>
      Effect.map(listen(grpc, settings, serve), ({ counts, port }) => ({
        transport: transportOf(grpc, { ...options, port }),
        ...counts
      }))
  }
}

const settingsOf = (options: Options): Settings => {
  const { calls, host, keepAlive, port, tls } = options
  const limits = limitsOf(options)
  const target = hostAndPort(host, port)
  return {
    ...limits,
    host,
    port,
    target,
    address: `grpc${tls === undefined ? "" : "s"}://${target}`,
    // With room for the fields around the bytes.
    maxMessage: 1024 + (calls === undefined ? maxPiece : Math.max(maxPiece, limits.maxFrame)),
    keepAlive: {
      interval: Duration.fromInputUnsafe(keepAlive?.interval ?? "30 seconds"),
      timeout: Duration.fromInputUnsafe(keepAlive?.timeout ?? "10 seconds")
    },
    tls,
    calls
  }
}

/**
 * Connects to addresses of this transport, as a directory has them, with the options of this program: it says itself whether
 * there is TLS.
 *
 * @category dialers
 */
export const dialer = (options?: Omit<Options, "host" | "port" | "calls">): Dialer =>
  hostDialer("grpc", (host, port) => Effect.mapError(make({ ...options, host, port }), ({ message }) => message))
