/** Serves in a thread, whatever the protocol, until the thread is to end. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { env } from "node:process"
import { parentPort } from "node:worker_threads"
import * as Authentication from "../../../Authentication.ts"
import type { InvalidArgument } from "../../../ConnectionError.ts"
import * as InstanceId from "../../../InstanceId.ts"
import { accepting } from "../../../internal/session/accepting.ts"
import type * as Protocol from "../../../Protocol.ts"
import type { TransportError } from "../../../TransportError.ts"
import * as WorkerPort from "../../../transport/node/WorkerPort.ts"
import { Failed, isStop, Ready } from "./familyTalk.ts"

/** `options`: those of `WorkerInstance.serve`, with a handler for each route. */
export const serving = (
  protocol: Protocol.Any,
  options: { readonly handlers: object }
): Effect.Effect<void, InvalidArgument | TransportError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const id = yield* InstanceId.fromEnvironment(env)
      const parent = yield* WorkerPort.parent()
      const over = yield* stopping
      const say = (message: unknown) => Effect.sync(() => parentPort?.postMessage(message, []))
      yield* accepting(parent, protocol, {
        ...options,
        instanceId: id,
        authenticator: Authentication.open
      }).pipe(Effect.tapError(({ message }) => say(Failed.make({ detail: message }))))
      yield* say(Ready.make({ ports: [] }))
      yield* over
    })
  )

/** Answers what waits until this thread is asked to end; it is listened for from now on. */
const stopping: Effect.Effect<Effect.Effect<void>, never, Scope.Scope> = Effect.gen(function* () {
  const asked = Deferred.makeUnsafe<void>()
  const onMessage = (message: unknown) => {
    if (isStop(message)) Deferred.doneUnsafe(asked, Exit.void)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => parentPort?.on("message", onMessage)),
    () =>
      Effect.sync(() => {
        parentPort?.off("message", onMessage)
        // What else listens on it does not keep the thread alive.
        parentPort?.unref()
      })
  )
  return Deferred.await(asked)
})
