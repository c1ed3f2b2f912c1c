/**
 * The side that connects: it makes a link when one is needed, and another one when that is lost.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Credentials } from "../../Authentication.ts"
import { ConnectionClosed, ConnectionFailed } from "../../ConnectionError.ts"
import type { LinkError } from "../../Connection.ts"
import type { Transport } from "../../Transport.ts"
import type { FrameTooLarge, TransportError, WireClosed } from "../../TransportError.ts"
import { Delays } from "../runtime/Delays.ts"
import type { ConnectionImpl } from "./ConnectionImpl.ts"
import { type HandshakeError, meet, reach } from "./handshake.ts"
import { Session } from "./Session.ts"

/** How links are made. */
export interface Dialing {
  /** In the order in which they are tried. */
  readonly transports: NonEmptyReadonlyArray<Transport>
  readonly protocol: string
  readonly instance: string | undefined
  readonly credentials: Credentials | undefined
  readonly reconnect: Schedule.Schedule<unknown, LinkError> | "never"
}

/** After 3 seconds, each time half as long again up to a minute, and a fifth more or less: for ever. */
export const patiently: Schedule.Schedule<unknown, unknown> = Schedule.jittered(
  Schedule.min([Schedule.exponential("3 seconds", 1.5), Schedule.spaced("1 minute")])
)

type Attempt = ConnectionFailed["attempts"][number]

// Whoever is refused for one of these is refused the next time as well, and over every transport.
const isFinal = ({ error }: Attempt): boolean =>
  error._tag === "AuthenticationFailed" ||
  (error._tag === "Refused" && error.reason !== "Stopping" && error.reason !== "NoGreeting")

/** Makes one link after the other, until the connection is closed. */
export const drive = Effect.fnUntraced(function* (
  connection: ConnectionImpl,
  dialing: Dialing
): Effect.fn.Return<void> {
  const { reconnect } = dialing
  let attempt = 1
  const delays = reconnect === "never" ? undefined : new Delays(reconnect)
  while (true) {
    connection.enter({ _tag: "Connecting", attempt })
    const outcome = yield* Effect.result(linkOverAny(connection, dialing))
    if (connection.isClosed) return
    const error = Result.merge(outcome)
    connection.lastError = error
    if (delays === undefined || (error._tag === "ConnectionFailed" && error.attempts.some(isFinal))) {
      return yield* connection.end(closedBy(connection, error))
    }
    // A link that there was begins the schedule anew.
    if (Result.isSuccess(outcome)) {
      attempt = 0
      delays.anew()
    }
    const delay = yield* delays.next(error)
    if (delay === undefined) return yield* connection.end(closedBy(connection, error))
    yield* connection.onUnavailable({ _tag: "Waiting", attempt, delay, error })
    yield* Effect.sleep(delay)
    attempt++
  }
})

const closedBy = ({ peerName }: ConnectionImpl, error: LinkError): ConnectionClosed => {
  const [by, detail] =
    error._tag === "WireClosed" ? ([error.by, error.detail] as const) : (["loss", error.message] as const)
  return new ConnectionClosed({ peer: peerName, by, detail })
}

// Answers why a link has ended that there was.
const linkOverAny = Effect.fnUntraced(function* (
  connection: ConnectionImpl,
  dialing: Dialing
): Effect.fn.Return<WireClosed | FrameTooLarge, ConnectionFailed> {
  const attempts: Array<Attempt> = []
  for (const transport of dialing.transports) {
    const outcome = yield* Effect.result(Effect.scoped(linkOver(transport, connection, dialing)))
    if (Result.isSuccess(outcome)) return outcome.success
    const { address, name } = transport
    const attempt: Attempt = { transport: name, address, error: outcome.failure }
    attempts.push(attempt)
    if (isFinal(attempt)) break
  }
  return yield* new ConnectionFailed({ attempts: attempts as [Attempt, ...Array<Attempt>] })
})

const linkOver = Effect.fnUntraced(function* (
  transport: Transport,
  connection: ConnectionImpl,
  { credentials, instance, protocol }: Dialing
): Effect.fn.Return<WireClosed | FrameTooLarge, TransportError | HandshakeError, Scope.Scope> {
  const caller = { protocol, instance, connection: connection.id, credentials }
  const wire = yield* reach(transport, caller)
  const agreed = yield* meet(wire, caller)
  return yield* connection.runLink(new Session(wire, agreed.incarnation, connection), agreed)
})
