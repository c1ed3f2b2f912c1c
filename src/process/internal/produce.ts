/**
 * A stream that one process produces and another one consumes: it runs in the process that answered with it, is not far
 * ahead of its consumer, and ends with whichever of the two ends first.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { CalleeExited, type Request } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import type { Watcher } from "./watcher.ts"

/** How many values wait for the consumer at most. */
const Ahead = 16

/** Begins to produce in the process; when the scope closes, the producer is interrupted, and has ended. */
export const produceIn = <A, E>(
  cell: Cell,
  request: Request,
  values: Stream.Stream<A, E>
): Effect.Effect<Stream.Stream<A, E | CalleeExited>, never, Scope.Scope> =>
  Effect.flatMap(Queue.bounded<A, E | CalleeExited | Cause.Done>(Ahead), (queue) => {
    const lost = (exit: Exit.Exit<unknown, unknown>) =>
      Queue.failCauseUnsafe(queue, Cause.fail(new CalleeExited({ target: cell.name, request, exit })))
    const onProduced = (exit: Exit.Exit<void, E>): void => {
      if (Exit.isSuccess(exit)) Queue.endUnsafe(queue)
      else if (Cause.hasDies(exit.cause)) cell.end(exit)
      else if (!Cause.hasInterrupts(exit.cause)) Queue.failCauseUnsafe(queue, exit.cause)
      // The producer of a process that ends is interrupted first; whoever watches the process knows why.
      else if (cell.status === "running" || cell.status === "draining") lost(exit)
    }
    const start = Effect.sync(() => {
      if (cell.exit !== undefined) {
        lost(cell.exit)
        return Effect.void
      }
      const watcher: Watcher = { onExit: (_, exit) => lost(exit), onRestart: (_, exit) => lost(exit) }
      cell.watch(watcher)
      const producing = Stream.runForEachArray(values, (chunk) => Queue.offerAll(queue, chunk))
      const fiber = Fiber.runIn(
        Effect.runForkWith(cell.context)(Effect.andThen(Effect.yieldNow, producing)),
        cell.scope
      )
      fiber.addObserver(onProduced)
      const unwatch = Effect.sync(() => cell.unwatch(watcher))
      return Effect.andThen(unwatch, Fiber.interrupt(fiber))
    })
    return Effect.as(
      Effect.acquireRelease(start, (stop) => stop),
      Stream.fromQueue(queue) as Stream.Stream<A, E | CalleeExited>
    )
  })
