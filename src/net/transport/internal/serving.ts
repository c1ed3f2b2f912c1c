/**
 * Serves the wires of a listener: each in a fiber of its own, which is interrupted when the scope closes.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { Listening, Wire } from "../../Transport.ts"
import type { Line } from "./Line.ts"

export interface Serving {
  /** Whether there is room for one more wire; counts one that is refused. */
  readonly admits: () => boolean
  /** Serves a wire, and closes it when it has been served, or the scope closes. */
  readonly accept: (line: Line) => void
  /** How many wires are open, and how many were refused. */
  readonly counts: Pick<Listening, "wires" | "refused">
}

export const serving = <R>(
  serve: (wire: Wire) => Effect.Effect<void, never, R>,
  maxConnections: number = Number.POSITIVE_INFINITY
): Effect.Effect<Serving, never, R | Scope.Scope> =>
  Effect.map(FiberSet.makeRuntime<R>(), (run): Serving => {
    const open = new Set<Line>()
    let refused = 0
    return {
      admits: () => {
        if (open.size < maxConnections) return true
        refused++
        return false
      },
      accept: (line) => {
        open.add(line)
        line.whenEnded(() => open.delete(line))
        // A fiber that is interrupted before it begins would leave the wire open: it begins here, and serves in its turn.
        const served = Effect.andThen(
          Effect.yieldNow,
          Effect.suspend(() => serve(line))
        )
        run(Effect.ensuring(Effect.tapCause(served, report(line)), line.close))
      },
      counts: { wires: Effect.sync(() => open.size), refused: Effect.sync(() => refused) }
    }
  })

const report =
  ({ peer, transport }: Line) =>
  (cause: Cause.Cause<never>) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.void
      : Effect.logError(`serving the wire to ${peer.address} (${transport}) failed`, cause)
