/** What is different between transports over stream sockets of Node. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenOptions, Server, Socket } from "node:net"
import type * as Transport from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"
import type { Limits } from "./limits.ts"
import type { Failures } from "./reasons.ts"

/** A listener as it is bound to its address. */
export interface Binding {
  /** Where it listens, as the system has it. */
  readonly port: number
  /** Has the system listen; whoever comes is turned away until `begin` is called. */
  readonly listen: (options: ListenOptions, listening: () => void) => Effect.Effect<void, TransportError>
  readonly begin: () => void
}

/** What is different. */
export interface Medium extends Limits {
  readonly name: string
  readonly address: string
  /** What is wrong with the address, if anything is. */
  readonly fault: (doing: TransportError["doing"]) => string | undefined
  /** Begins to connect; may throw. */
  readonly dial: () => Socket
  /** A server that does not listen yet; may throw. */
  readonly server: () => Server
  /** The event by which the server has somebody. */
  readonly accepted: "connection" | "secureConnection"
  /** Whether it is one to be served. */
  readonly admits: (socket: Socket) => boolean
  readonly peerOf: (socket: Socket) => Transport.Peer
  /** Has the listener listen, and answers the transport to it. */
  readonly bind: (
    listener: Binding,
    failures: Failures
  ) => Effect.Effect<Transport.Transport, TransportError, Scope.Scope>
}
