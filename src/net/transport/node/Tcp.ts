/**
 * TCP: a transport between machines, whose bytes everybody between them can read and change. Use `Tls` where that matters.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import type { Dialer } from "../../Address.ts"
import type { Transport } from "../../Transport.ts"
import { hostAndPort, hostDialer, hostFault, peerOf } from "./internal/hosts.ts"
import { limitsOf } from "./internal/limits.ts"
import * as StreamTransport from "./internal/streamTransport.ts"

/**
 * Where to connect to or listen, and how.
 *
 * @category models
 */
export interface Options {
  /** A name, an IPv4 or an IPv6 address; to listen, one of this machine's, or `0.0.0.0` or `::` for all of them. */
  readonly host: string
  /** From 1 to 65535; 0 has the system choose one to listen on, which the transport of the listening has. */
  readonly port: number
  /** Whether small writes are sent at once, instead of being held back for a moment to be sent as one: so when absent. */
  readonly noDelay?: boolean | undefined
  /** After how long without traffic the system asks whether the other side is still there; never when absent. */
  readonly keepAlive?: Duration.Input | undefined
  /** How many bytes a frame may have: 16 MiB when absent. */
  readonly maxFrame?: number | undefined
  /** How long connecting may take: 10 seconds when absent. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many a listener serves at once; further ones are refused. As many as the system allows when absent. */
  readonly maxConnections?: number | undefined
}

/**
 * A transport over TCP: frames arrive whole, once and in order while the connection lives, and whoever sends faster than the
 * other side receives waits.
 *
 * **Details**
 *
 * A wire is `closed` by the other side only when that has said so: one whose program was killed, or whose machine restarted,
 * is lost. What leaves no trace in the network (a program that is stopped, a machine without power, a cut cable) is noticed
 * by nobody on this floor; heartbeats above it, or the system's by `keepAlive`, do that.
 *
 * Closing waits until the other side has taken what was sent, as long as it takes anything within 2 seconds.
 *
 * **Errors**
 *
 * To connect: `NotListening`, `HostNotFound`, `TimedOut`, `TooManyConnections`, `PermissionDenied`, `InvalidAddress` (also
 * where something else than such a transport listens), `Lost`. To listen: `AddressInUse`, `PermissionDenied`,
 * `HostNotFound`, `InvalidAddress`.
 *
 * **Example** (An echo on a port that the system chooses)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as Tcp from "troupe/net/tcp"
 *
 * const program = Effect.gen(function* () {
 *   const listening = yield* Tcp.make({ host: "127.0.0.1", port: 0 }).listen((wire) =>
 *     Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))
 *   )
 *   const wire = yield* listening.transport.connect
 *   yield* wire.send(new TextEncoder().encode("hello"))
 *   const [frame] = yield* wire.receive
 *   return new TextDecoder().decode(frame)
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => "hello"
 * ```
 *
 * @category constructors
 */
export const make = (options: Options): Transport => {
  const { host, port } = options
  const socketOptions = {
    noDelay: options.noDelay ?? true,
    keepAlive: options.keepAlive !== undefined,
    keepAliveInitialDelay: options.keepAlive === undefined ? 0 : Duration.toMillis(options.keepAlive)
  }
  return StreamTransport.make({
    ...limitsOf(options),
    name: "tcp",
    address: hostAndPort(host, port),
    fault: (doing) => hostFault(doing, host, port),
    dial: () => Net.createConnection({ host, port, ...socketOptions }),
    server: () => Net.createServer(socketOptions),
    accepted: "connection",
    admits: () => true,
    peerOf,
    bind: (listener) =>
      Effect.map(listener.listen({ host, port }, listener.begin), () => make({ ...options, port: listener.port }))
  })
}

/**
 * Connects to addresses of this transport, as a directory has them, with the options of this program.
 *
 * @category dialers
 */
export const dialer = (options?: Omit<Options, "host" | "port">): Dialer =>
  hostDialer("tcp", (host, port) => Effect.succeed(make({ ...options, host, port })))
