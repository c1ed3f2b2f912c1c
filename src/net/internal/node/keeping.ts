/**
 * The side of two nodes that connects: it connects them again whenever they are not.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { step } from "../../../channel/internal/step.ts"
import * as Connection from "../../Connection.ts"
import type { ConnectionFailed } from "../../ConnectionError.ts"
import type { ConnectOptions } from "../../Node.ts"
import { NodeRefused } from "../../NodeError.ts"
import type { Transport } from "../../Transport.ts"
import { patiently } from "../session/dialing.ts"
import type { Membership } from "./Membership.ts"
import { NodeProtocol, type Self } from "./protocol.ts"

// How long the other side may take to connect the two when both have asked at once, and it goes on.
const Patience = "5 seconds"

type Failure = ConnectionFailed | NodeRefused

// Connects once, for as long as the scope; answers with whom, whichever connection the two have.
const attempt = (
  membership: Membership,
  transport: Transport,
  { credentials, heartbeat }: ConnectOptions
): Effect.Effect<Self, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Connection.connect(transport, NodeProtocol, {
      credentials,
      heartbeat,
      reconnect: "never"
    })
    const notANode = ({ message }: { readonly message: string }) =>
      new NodeRefused({ node: membership.self.name, peer: transport.address, reason: "NotANode", detail: message })
    const peer = yield* Effect.mapError(connection.request("who"), notANode)
    return yield* join(membership, peer, connection).pipe(
      Effect.mapError((error) => (error._tag === "NodeRefused" ? error : notANode(error))),
      Effect.catchIf(
        ({ reason }) => reason === "Connected",
        (error) =>
          Effect.andThen(
            connection.close,
            Effect.timeoutOrElse(membership.untilConnected(peer.name), {
              duration: Patience,
              orElse: () => Effect.fail(error)
            })
          )
      ),
      Effect.as(peer)
    )
  })

const join = (
  membership: Membership,
  peer: Self,
  connection: Connection.Connection<(typeof NodeProtocol.server)[number]>
) =>
  Effect.gen(function* () {
    const lost = yield* step(() => {
      const refusal = membership.refusalOfAsking(peer)
      return refusal === undefined ? Exit.succeed(membership.begin(peer)) : Exit.fail(refusal)
    })
    const joined = step(() => Exit.succeed(membership.join(peer, connection)))
    yield* connection.request("join", { self: membership.self, lost }).pipe(
      Effect.tapError(({ _tag }) =>
        Effect.sync(() => {
          if (_tag !== "NodeRefused") membership.forget(peer.name, connection)
        })
      ),
      Effect.andThen(joined),
      Effect.ensuring(Effect.sync(() => membership.settle(peer)))
    )
  })

// Whoever is refused for one of these is refused the next time as well.
const isFinal = (error: Failure | "lost"): boolean =>
  error !== "lost" &&
  (error._tag === "NodeRefused"
    ? error.reason === "SameName"
    : error.attempts.some(({ error }) => error._tag === "AuthenticationFailed"))

/** Connects two nodes, and again whenever they are not connected any more, until the scope closes. */
export const keeping = (
  membership: Membership,
  transport: Transport,
  options: ConnectOptions
): Effect.Effect<Self, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    let hasBegun = false
    const first = yield* Deferred.make<Self, Failure>()
    const connected = Effect.scoped(
      Effect.flatMap(attempt(membership, transport, options), (peer) =>
        Effect.suspend(() => {
          hasBegun = true
          return Effect.andThen(Deferred.succeed(first, peer), membership.whileConnected(peer.name))
        })
      )
    )
    const again = Effect.suspend(() => {
      let hasWaited = false
      const next = Effect.suspend((): Effect.Effect<void, Failure | "lost"> => {
        if (hasWaited) return connected
        hasWaited = true
        return Effect.fail("lost")
      })
      const schedule = options.reconnect === undefined || options.reconnect === "never" ? patiently : options.reconnect
      return Effect.retry(next, { schedule, while: (error) => !isFinal(error) })
    })
    const keep = options.reconnect === "never" ? Effect.void : Effect.forever(again)
    const all = Effect.andThen(
      Effect.onError(connected, (cause) => Deferred.failCause(first, cause)),
      keep
    )
    yield* Effect.forkScoped(
      Effect.catch(all, (error) =>
        hasBegun
          ? Effect.logWarning(
              `The node at ${transport.address} is not connected to again: ${error === "lost" ? "its schedule has ended" : error.message}`
            )
          : Effect.void
      )
    )
    return yield* Deferred.await(first)
  })
