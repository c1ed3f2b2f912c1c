/**
 * Makes the side of a connection that connects.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import { deadlinesFor } from "../../../process/internal/deadlines.ts"
import { IntMap } from "../../../scheduler/internal/IntMap.ts"
import type { Connection, Heartbeat, Limits, Options } from "../../Connection.ts"
import { ConnectionClosed, type ConnectionFailed } from "../../ConnectionError.ts"
import type { Any } from "../../Protocol.ts"
import * as Strategy from "../../Strategy.ts"
import type { Transport } from "../../Transport.ts"
import { routesOf } from "./codec.ts"
import { ConnectionImpl, type Settings } from "./ConnectionImpl.ts"
import { type Dialing, drive, patiently } from "./dialing.ts"
import type { Served } from "./Handling.ts"
import type * as Session from "./Session.ts"

/** Handlers by the names of their routes, whatever they handle. */
export type AnyHandlers = Readonly<Record<string, Served["handle"]>>

export interface Anything extends Options {
  readonly handlers?: unknown
}

/** The routes of a side, each with what handles it. */
export const servedBy = (rpcs: Any["server"], handlers: unknown): ReadonlyMap<string, Served> => {
  const byName = (handlers ?? {}) as AnyHandlers
  const served = new Map<string, Served>()
  for (const [name, route] of routesOf(rpcs)) {
    const handle = byName[name]
    if (handle !== undefined) served.set(name, { route, handle })
  }
  return served
}

const defaultHeartbeat: Session.Heartbeat = { interval: Duration.seconds(10), misses: 3 }

export const heartbeatOf = (heartbeat: Heartbeat | undefined): Session.Heartbeat => {
  if (heartbeat === undefined) return defaultHeartbeat
  const { interval, misses } = defaultHeartbeat
  return {
    interval: heartbeat.interval === undefined ? interval : Duration.fromInputUnsafe(heartbeat.interval),
    misses: heartbeat.misses ?? misses
  }
}

export const pendingOf = (limits: Limits | undefined): number => limits?.pending ?? 1024

/** How a connection waits, and how it counts time. */
export type Timing = Pick<Settings, "deadlines" | "scheduler">

/** That of the effect that asks. */
export const timing = Effect.withFiber<Timing>((fiber) =>
  Effect.succeed({ deadlines: deadlinesFor(fiber), scheduler: fiber.getRef(Scheduler.Scheduler) })
)

/** What whoever is above a connection has it do, and is told of it. */
export type Above = Pick<Settings, "name" | "onState" | "onLeaving" | "opening">

const nobody: Above = { name: undefined, opening: () => undefined, onState: () => {}, onLeaving: () => {} }

/** What a connection runs in. */
export interface Surroundings extends Timing {
  readonly context: Context.Context<never>
}

/** Those of the effect that asks. */
export const surroundings: Effect.Effect<Surroundings> = Effect.zipWith(Effect.context(), timing, (context, time) => ({
  context,
  ...time
}))

/** One that links itself when it is used, until somebody closes it. */
export const construct = (
  target: Transport | Strategy.Strategy,
  protocol: Any,
  options: Anything,
  above: Above,
  { context, ...time }: Surroundings
): ConnectionImpl => {
  const { credentials, instanceId, limits, reconnect } = options
  const transports = Strategy.transports(target)
  const dialing: Dialing = {
    transports,
    protocol: protocol.name,
    instance: instanceId?.toString(),
    credentials,
    reconnect: reconnect ?? patiently
  }
  let driving: Fiber.Fiber<void> | undefined
  const connection = new ConnectionImpl({
    ...above,
    ...time,
    id: globalThis.crypto.randomUUID(),
    instanceId,
    target: transports[0].address,
    remote: routesOf(protocol.server),
    service: {
      served: servedBy(protocol.client, options.handlers),
      context,
      authorize: undefined,
      pending: pendingOf(limits),
      fibers: new IntMap(),
      outcomes: { succeeded: 0, failed: 0 }
    },
    heartbeat: heartbeatOf(options.heartbeat),
    pending: pendingOf(limits),
    rate: limits?.rate,
    once: undefined,
    hasOneLink: reconnect === "never",
    dial: () => {
      driving ??= Effect.runForkWith(context)(
        Effect.catchCause(drive(connection, dialing), (cause) => onDeath(connection, cause))
      )
    },
    hangUp: Effect.suspend(() => (driving === undefined ? Effect.void : Fiber.interrupt(driving)))
  })
  return connection
}

// What makes links has died, as its credentials or its transport may: it makes no more of them.
const onDeath = (connection: ConnectionImpl, cause: Cause.Cause<never>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
  connection.death = cause
  const detail = "what makes its links has died"
  const error = new ConnectionClosed({ peer: connection.peerName, by: "this side", detail })
  return Effect.andThen(Effect.logError(`Connecting to ${connection.peerName} died.`, cause), connection.end(error))
}

/** Makes one that links itself when it is used. */
export const begin = Effect.fnUntraced(function* (
  target: Transport | Strategy.Strategy,
  protocol: Any,
  options: Anything,
  above: Above = nobody
): Effect.fn.Return<ConnectionImpl, never, Scope.Scope> {
  const connection = construct(target, protocol, options, above, yield* surroundings)
  yield* Effect.addFinalizer(() => connection.close)
  return connection
})

/** One that links itself when it is used. */
export const connecting = (
  target: Transport | Strategy.Strategy,
  protocol: Any,
  options: Anything
): Effect.Effect<Connection<Rpc.Any>, never, Scope.Scope> =>
  Effect.map(begin(target, protocol, options), ({ connection }) => connection)

/** One that has its first link. */
export const connected = Effect.fnUntraced(function* (
  target: Transport | Strategy.Strategy,
  protocol: Any,
  options: Anything
): Effect.fn.Return<Connection<Rpc.Any>, ConnectionFailed, Scope.Scope> {
  const connection = yield* begin(target, protocol, options)
  yield* connection.firstLink
  return connection.connection
})
