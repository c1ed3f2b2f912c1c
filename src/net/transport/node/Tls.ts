/**
 * TLS over TCP: a transport between machines whose bytes nobody between them can read or change, and in which the sides show
 * each other who they are.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { isIP } from "node:net"
import * as NodeTls from "node:tls"
import type { Dialer } from "../../Address.ts"
import type { Peer, Transport } from "../../Transport.ts"
import { hostAndPort, hostDialer, hostFault, peerOf } from "./internal/hosts.ts"
import { limitsOf } from "./internal/limits.ts"
import * as StreamTransport from "./internal/streamTransport.ts"
import { subjectText } from "./internal/subject.ts"

/**
 * Who a side is: a certificate, with the authorities between it and those that the other side trusts, and its key, as PEM.
 *
 * @category models
 */
export interface Identity {
  readonly certificate: string
  readonly key: Redacted.Redacted<string>
}

/**
 * Where to connect to or listen, who this side is, and whom it trusts.
 *
 * @category models
 */
export interface Options {
  /** A name, an IPv4 or an IPv6 address; to listen, one of this machine's, or `0.0.0.0` or `::` for all of them. */
  readonly host: string
  /** From 1 to 65535; 0 has the system choose one to listen on, which the transport of the listening has. */
  readonly port: number
  /** Who this side is. A listener needs one, and so does who connects to a listener that requires it. */
  readonly identity?: Identity | undefined
  /** The certificates of the authorities that are trusted, as PEM, and no others: those that Node trusts when absent. */
  readonly authorities?: ReadonlyArray<string> | undefined
  /** Has a listener serve those alone whose certificate is from a trusted authority; it asks for none when absent. */
  readonly clientCertificates?: "required" | undefined
  /** The name that the certificate of the listener has to have; `host` when absent. */
  readonly serverName?: string | undefined
  /** Whether small writes are sent at once, instead of being held back for a moment to be sent as one: so when absent. */
  readonly noDelay?: boolean | undefined
  /** After how long without traffic the system asks whether the other side is still there; never when absent. */
  readonly keepAlive?: Duration.Input | undefined
  /** How many bytes a frame may have: 16 MiB when absent. */
  readonly maxFrame?: number | undefined
  /** How long connecting may take, and for a listener the handshake: 10 seconds when absent. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many a listener serves at once; further ones are refused. As many as the system allows when absent. */
  readonly maxConnections?: number | undefined
}

/**
 * A transport over TLS 1.2 or later: frames arrive whole, once, in order and unread by others while the connection lives, and
 * whoever sends faster than the other side receives waits.
 *
 * **Details**
 *
 * Who connects checks the certificate of the listener: that an authority which it trusts vouches for it, and that it is for
 * that name. A listener with `clientCertificates: "required"` checks that of who connects, and serves nobody without one that
 * it can check. The subject of what was checked is in `wire.peer.certificate`.
 *
 * The rest is as with TCP.
 *
 * **Errors**
 *
 * To connect: `Untrusted` (either side does not accept the certificate of the other), and those of TCP. To listen:
 * `Untrusted` (a certificate and a key that can't be read, or do not belong together), `Unsupported` (no identity), and those
 * of TCP.
 *
 * **Example** (Both sides show a certificate)
 *
 * ```ts no-run
 * import { Effect, Redacted } from "effect"
 * import { readFileSync } from "node:fs"
 * import * as Tls from "troupe/net/tls"
 *
 * const pem = (name: string) => readFileSync(`certificates/${name}.pem`, "utf8")
 *
 * const service = Tls.make({
 *   host: "0.0.0.0",
 *   port: 4433,
 *   identity: { certificate: pem("service"), key: Redacted.make(pem("service-key")) },
 *   authorities: [pem("authority")],
 *   clientCertificates: "required"
 * })
 *
 * const program = Effect.gen(function* () {
 *   yield* service.listen((wire) => Effect.log(`served ${wire.peer.certificate}`))
 *   yield* Effect.never
 * })
 * void Effect.runPromise(Effect.scoped(program))
 * ```
 *
 * @category constructors
 */
export const make = (options: Options): Transport => {
  const { clientCertificates, host, identity, port } = options
  const limits = limitsOf(options)
  const requiresCertificates = clientCertificates === "required"
  const socketOptions = {
    noDelay: options.noDelay ?? true,
    keepAlive: options.keepAlive !== undefined,
    keepAliveInitialDelay: options.keepAlive === undefined ? 0 : Duration.toMillis(options.keepAlive)
  }
  const credentials = (): NodeTls.SecureContextOptions => ({
    minVersion: "TLSv1.2",
    ...(identity !== undefined && { cert: identity.certificate, key: Redacted.value(identity.key) }),
    ...(options.authorities !== undefined && { ca: [...options.authorities] })
  })
  return StreamTransport.make({
    ...limits,
    name: "tls",
    address: hostAndPort(host, port),
    fault: (doing) => hostFault(doing, host, port),
    dial: () => {
      const name = options.serverName ?? host
      const socket = NodeTls.connect({
        host,
        port,
        ...credentials(),
        rejectUnauthorized: true,
        ...(isIP(name) === 0 && { servername: name }),
        // Asked for another name than the host's, the certificate has to be for that one, be it an address.
        checkServerIdentity: (_, certificate) => NodeTls.checkServerIdentity(name, certificate)
      })
      socket.setNoDelay(socketOptions.noDelay)
      socket.setKeepAlive(socketOptions.keepAlive, socketOptions.keepAliveInitialDelay)
      return socket
    },
    server: () => {
      const server = NodeTls.createServer({
        ...credentials(),
        ...socketOptions,
        handshakeTimeout: Duration.toMillis(limits.connectTimeout),
        requestCert: requiresCertificates,
        // Node ends the connection without a word otherwise; `admits` decides, and who is refused learns why.
        rejectUnauthorized: false
      })
      // Node leaves one open whose handshake takes too long.
      server.on("tlsClientError", (_, socket) => socket.destroy())
      return server
    },
    accepted: "secureConnection",
    admits: (socket) => !requiresCertificates || subjectOf(socket) !== undefined,
    peerOf: (socket) => ({ ...peerOf(socket), ...shown(subjectOf(socket)) }),
    bind: (listener, failures) =>
      identity === undefined
        ? Effect.fail(failures.of("listen", "Unsupported", "a listener needs an identity"))
        : Effect.map(listener.listen({ host, port }, listener.begin), () => make({ ...options, port: listener.port }))
  })
}

const shown = (certificate: string | undefined): Pick<Peer, "certificate"> =>
  certificate === undefined ? {} : { certificate }

// The subject of the certificate of the other side, if it was checked and found good.
const subjectOf = (socket: unknown): string | undefined => {
  if (!(socket instanceof NodeTls.TLSSocket) || !socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  return subject === undefined ? undefined : subjectText(subject)
}

/**
 * Connects to addresses of this transport, as a directory has them, with the options of this program: its authorities say
 * whom it trusts.
 *
 * **Details**
 *
 * An address may have the option `serverName`, the name that the certificate has where that is not the host; a `serverName` of
 * this program's own goes before it.
 *
 * @category dialers
 */
export const dialer = (options?: Omit<Options, "host" | "port">): Dialer =>
  hostDialer("tls", (host, port, { serverName }) => Effect.succeed(make({ serverName, ...options, host, port })))
