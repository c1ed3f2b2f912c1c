/**
 * Scopes that keep nothing of what has failed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** Leaves nothing behind in the scope when it fails. */
export const whole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.flatMap(Effect.scope, (outer) =>
    Effect.flatMap(Scope.fork(outer), (scope) =>
      Effect.onError(Scope.provide(effect, scope), (cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  )
