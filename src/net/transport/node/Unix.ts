/**
 * Unix sockets: a transport between the programs of one machine, at a path of its file system.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import type { Dialer } from "../../Address.ts"
import type { Transport } from "../../Transport.ts"
import { limitsOf } from "./internal/limits.ts"
import { pathFault, publish } from "./internal/socketFile.ts"
import * as StreamTransport from "./internal/streamTransport.ts"

/**
 * Where to connect to or listen, and how.
 *
 * @category models
 */
export interface Options {
  /** The path of the socket: some hundred bytes, as the system allows. */
  readonly path: string
  /** Who may connect, as permissions of a file: `0o600`, this user alone, when absent. */
  readonly mode?: number | undefined
  /** How many bytes a frame may have: 16 MiB when absent. */
  readonly maxFrame?: number | undefined
  /** How long connecting may take: 10 seconds when absent. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many a listener serves at once; further ones are refused. As many as the system allows when absent. */
  readonly maxConnections?: number | undefined
}

/**
 * A transport over a unix socket: frames arrive whole, once and in order while the connection lives, and whoever sends
 * faster than the other side receives waits.
 *
 * **Details**
 *
 * A listener makes the socket in a directory that only its user can enter, and gives it its path once it listens and has its
 * permissions: nobody can connect before. The file of a listener that was killed is taken over, after a connection to it was
 * refused; of several that start at once, one listens. At its close the file is removed if it is still the listener's own.
 * What is no socket is never removed.
 *
 * A wire is `closed` by the other side only when that has said so: one whose program was killed is lost, at once. A program
 * that is stopped is not noticed on this floor; heartbeats above it do that.
 *
 * Closing waits until the other side has taken what was sent, as long as it takes anything within 2 seconds.
 *
 * **Errors**
 *
 * To connect: `NotListening`, `PermissionDenied`, `TimedOut`, `TooManyConnections`, `InvalidAddress` (a path that is too
 * long, also where something else than such a transport listens), `Lost`. To listen: `AddressInUse`, `PermissionDenied`,
 * `InvalidAddress` (also where there is no directory for it, or a file that is no socket), `Unsupported` (where a system has
 * no such sockets).
 *
 * **Example** (An echo at a path)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { mkdtempSync } from "node:fs"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 * import * as Unix from "troupe/net/unix"
 *
 * const echo = Unix.make({ path: join(mkdtempSync(join(tmpdir(), "echo-")), "echo.sock") })
 *
 * const program = Effect.gen(function* () {
 *   yield* echo.listen((wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll))))
 *   const wire = yield* echo.connect
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
  const { path } = options
  const transport: Transport = StreamTransport.make({
    ...limitsOf(options),
    name: "unix",
    address: path,
    fault: (doing) => pathFault(doing, path),
    dial: () => Net.createConnection({ path }),
    server: () => Net.createServer(),
    accepted: "connection",
    admits: () => true,
    peerOf: () => ({ address: path }),
    bind: (listener, failures) =>
      publish({ path, mode: options.mode ?? 0o600, listener, failures, transport: () => transport })
  })
  return transport
}

/**
 * Connects to addresses of this transport, as a directory has them, with the options of this program; those of another machine
 * lead nowhere.
 *
 * @category dialers
 */
export const dialer = (options?: Omit<Options, "path">): Dialer => ({
  transport: "unix",
  dial: ({ address }) => Effect.succeed(make({ ...options, path: address }))
})
