/**
 * What an instance does to have its functions invoked.
 */
import * as Duration from "effect/Duration"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Rpc } from "effect/rpc"
import type { Connection } from "../../Connection.ts"
import type { Caller, Execution, Functions, Metadata } from "../../Invocation.ts"
import { type Route, routesOf } from "../session/codec.ts"
import { pack, unpackRequest } from "./envelope.ts"
import { type Failed, Health, type Invalid } from "./routes.ts"

type Handle = (input: unknown, execution: Execution) => Effect.Effect<unknown, unknown>

const callerOf = ({ identity, peer }: Connection): Effect.Effect<Caller> =>
  Effect.zipWith(identity, peer, (identity, peer) => ({ identity, peer }))

const invalid = (part: "payload" | "reply", detail: string): Effect.Effect<never, Invalid> =>
  Effect.fail({ invalid: { part, detail } })

const executing = ({ name, payload, success }: Route, handle: Handle) =>
  Effect.fnUntraced(function* (
    packed: unknown,
    connection: Connection
  ): Effect.fn.Return<Uint8Array, Failed | Invalid> {
    const instance = connection.instanceId
    if (instance === undefined) {
      return yield* Effect.die(new Error(`"${name}" is invoked on no instance: give its acceptor an instanceId`))
    }
    const request = unpackRequest(payload, packed)
    if (Result.isFailure(request)) return yield* invalid("payload", request.failure)
    const { head, value } = request.success
    const { attempt, id, left, metadata } = head
    const deadline = (yield* Clock.currentTimeMillis) + (left ?? Infinity)
    let answered: Metadata = {}
    const output = yield* handle(value, {
      id,
      attempt,
      function: name,
      metadata,
      timeLeft: Effect.map(Clock.currentTimeMillis, (now) => Duration.millis(Math.max(0, deadline - now))),
      caller: yield* callerOf(connection),
      instance,
      respondWith: (more) => Effect.sync(() => void (answered = { ...answered, ...more }))
    }).pipe(Effect.mapError((failed) => ({ failed })))
    const reply = pack(success, output, { metadata: answered })
    return Result.isSuccess(reply) ? reply.success : yield* invalid("reply", reply.failure)
  })

/** The routes of an instance, each with what handles it. */
export const handling = (
  { rpcs }: Functions<Rpc.Any>,
  handlers: Readonly<Record<string, unknown>>,
  health: Effect.Effect<void, string, unknown> | undefined
): Readonly<Record<string, unknown>> => {
  const handling: Record<string, unknown> = { [Health._tag]: () => health ?? Effect.void }
  for (const [name, route] of routesOf(rpcs)) {
    const handle = handlers[name]
    if (handle !== undefined) handling[name] = executing(route, handle as Handle)
  }
  return handling
}

type Judge = (name: string, caller: Caller) => Effect.Effect<void, string, unknown>

/** Whether a route may be asked for, as far as it is a function. */
export const judging =
  (authorize: unknown) =>
  (route: string, connection: Connection): Effect.Effect<void, string, unknown> =>
    route === Health._tag
      ? Effect.void
      : Effect.flatMap(callerOf(connection), (caller) => (authorize as Judge)(route, caller))
