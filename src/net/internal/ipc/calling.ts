/**
 * Makes clients of servers, on a connection.
 */
import * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import { Topic } from "../../../process/internal/topic.ts"
import type { Connection, RequestOptions, State } from "../../Connection.ts"
import type { ConnectionFailed } from "../../ConnectionError.ts"
import type { Dismissal, Event, IpcClient, SubscribeOptions } from "../../IpcClient.ts"
import type { Protocol } from "../../Protocol.ts"
import type { Strategy } from "../../Strategy.ts"
import type { Transport } from "../../Transport.ts"
import { type Anything, begin } from "../session/connecting.ts"
import type { ConnectionImpl } from "../session/ConnectionImpl.ts"
import { faceOf } from "./face.ts"
import { Dismissed, extended, type Health } from "./routes.ts"
import { Subscriptions } from "./Subscriptions.ts"

interface Made {
  readonly connection: ConnectionImpl
  readonly client: IpcClient<Rpc.Any>
}

const make = (
  target: Transport | Strategy,
  protocol: Protocol<Rpc.Any, Rpc.Any>,
  options: Anything
): Effect.Effect<Made, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context()
    const topic = new Topic<Event>()
    let connected: Event | undefined
    let dismissal: Dismissal | undefined

    const onState = (state: State): void => {
      if (state._tag === "Connected") {
        const { identity, peer, transport } = state
        connected = { _tag: "Connected", transport, peer, identity }
        topic.publish(connected)
      } else if (connected !== undefined && "error" in state) {
        connected = undefined
        topic.publish({ _tag: "Disconnected", error: state.error, dismissal })
        dismissal = undefined
      }
    }

    const onRefused = (route: string, error: unknown): void => {
      topic.publish({ _tag: "Unsubscribed", route, error })
      Effect.runForkWith(context)(
        Effect.logWarning(`The server does not grant "${route}" again, which was subscribed to`, error)
      )
    }

    const subscriptions = new Subscriptions(() => connection, onRefused)
    const handlers = {
      ...(options.handlers as object | undefined),
      [Dismissed._tag]: (why: Dismissal) => Effect.sync(() => (dismissal = why))
    }
    const connection: ConnectionImpl = yield* begin(
      target,
      extended(protocol),
      { ...options, handlers },
      { name: undefined, opening: subscriptions.renewal, onState, onLeaving: () => {} }
    )

    const { request } = connection.connection as Connection<typeof Health>
    const healthCheck = (asked?: RequestOptions) =>
      Effect.map(Effect.timed(request("@health", undefined, asked)), ([roundTrip, health]) => ({
        ...health,
        roundTrip
      }))
    const subscribe = (route: string, payload?: unknown, asked?: SubscribeOptions) =>
      subscriptions.subscribe(route, payload, asked?.timeout ?? "10 seconds")
    const client: IpcClient<Rpc.Any> = {
      ...faceOf(connection),
      // What is answered the schema of the route has checked, which the compiler knows.
      subscribe: subscribe as IpcClient<Rpc.Any>["subscribe"],
      healthCheck,
      events: topic.subscribe(() => (connected === undefined ? [] : [connected]))
    }
    return { connection, client }
  })

/** One that connects when it is used. */
export const calling = (
  target: Transport | Strategy,
  protocol: Protocol<Rpc.Any, Rpc.Any>,
  options: Anything
): Effect.Effect<IpcClient<Rpc.Any>, never, Scope.Scope> =>
  Effect.map(make(target, protocol, options), ({ client }) => client)

/** One that is connected. */
export const called = (
  target: Transport | Strategy,
  protocol: Protocol<Rpc.Any, Rpc.Any>,
  options: Anything
): Effect.Effect<IpcClient<Rpc.Any>, ConnectionFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const { client, connection } = yield* make(target, protocol, options)
    yield* connection.firstLink
    return client
  })
