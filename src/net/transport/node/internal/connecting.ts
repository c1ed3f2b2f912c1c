/** How transports of Node connect: within a time, for as long as a scope is open. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Deadline, deadlinesFor } from "../../../../process/internal/deadlines.ts"
import type { Wire } from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"
import type { Failures } from "./reasons.ts"

/** What comes of an attempt; the first time counts. */
export interface Outcome {
  readonly opened: (wire: Wire) => void
  readonly failed: (error: TransportError) => void
}

/**
 * Begins an attempt, and answers how to leave nothing open of it, be it a wire that nobody has got. It listens to what comes
 * of it before it returns: an error that comes while nobody listens would end the program.
 */
export type Begin = (outcome: Outcome) => () => void

export const connecting = (
  connectTimeout: Duration.Duration,
  failures: Failures,
  begin: Begin
): Effect.Effect<Wire, TransportError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiber((fiber) => {
      const settled = Deferred.makeUnsafe<Wire, TransportError>()
      const failed = (error: TransportError) => void Deferred.doneUnsafe(settled, Exit.fail(error))
      const abandon = begin({ opened: (wire) => Deferred.doneUnsafe(settled, Exit.succeed(wire)), failed })
      const deadline = new Deadline(deadlinesFor(fiber), Duration.toMillis(connectTimeout), () =>
        failed(failures.of("connect", "TimedOut", `nobody answered within ${Duration.format(connectTimeout)}`))
      )
      return Effect.flatMap(
        Effect.onExit(restore(Deferred.await(settled)), (exit) =>
          Effect.sync(() => {
            deadline.end(fiber.currentDispatcher)
            if (Exit.isFailure(exit)) abandon()
          })
        ),
        (wire) =>
          Effect.as(
            Effect.addFinalizer(() => wire.close),
            wire
          )
      )
    })
  )
