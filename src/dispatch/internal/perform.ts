/**
 * Doing what a process has yielded.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { YieldTimeout } from "../DispatchError.ts"
import type { Door } from "./door.ts"
import { LaterImpl } from "./later.ts"
import type { Pending } from "./pending.ts"
import type { Handling } from "./registry.ts"

type Work = Effect.Effect<unknown, unknown>

/**
 * Does the work of a yield, in the fiber that evaluates it, and answers with its outcome. To be called in the step in
 * which it was opened. An interruption reaches the handler; the yield is given up then, and nothing completes it any more.
 */
export const perform = (
  door: Door,
  pending: Pending,
  timeout: Duration.Input | undefined,
  fiber: Fiber.Fiber<unknown, unknown>
): Work => {
  if (pending.exit !== undefined) return pending.exit
  const { handling, registry } = pending
  // A script answers in place of the handlers.
  if (handling === undefined || door.script !== undefined) return givingUp(pending, pending.answer.await)
  const { interceptors } = registry
  const begun = interceptors.length === 0 ? begin(pending, handling) : Effect.suspend(() => begin(pending, handling))
  // A handler that has its answer at hand costs nothing but itself.
  if (Exit.isExit(begun) && !(Exit.isSuccess(begun) && begun.value instanceof LaterImpl)) {
    return outcomeOf(pending, begun)
  }
  let work = Effect.flatMap(begun, (answer) =>
    answer instanceof LaterImpl ? later(pending, answer) : Exit.succeed(answer)
  )
  for (const around of interceptors.toReversed()) work = (around(pending, work) as Work | undefined) ?? work
  if (timeout !== undefined) work = limited(pending, work, Duration.fromInputUnsafe(timeout))
  const outcome = Effect.matchCauseEffect(work, {
    onFailure: (cause) => outcomeOf(pending, Exit.failCause(cause)),
    onSuccess: (value) => outcomeOf(pending, Exit.succeed(value))
  })
  return givingUp(pending, Effect.provideContext(outcome, door.contextFor(handling, fiber)))
}

const begin = (pending: Pending, handling: Handling): Work => {
  const begun = Result.try(() => handling.run(pending.payload as never, pending))
  return Result.isSuccess(begun) ? (begun.success as Work) : Exit.die(begun.failure)
}

// What another one completed it with goes before what the handler itself answers.
const outcomeOf = (pending: Pending, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (pending.exit !== exit) pending.settle(exit)
  return pending.exit ?? exit
}

const later = (pending: Pending, { onInterrupt }: LaterImpl): Work => {
  const { await: completion } = pending.answer
  return onInterrupt === undefined ? completion : Effect.onInterrupt(completion, () => onInterrupt)
}

const limited = (pending: Pending, work: Work, duration: Duration.Duration): Work =>
  Effect.timeoutOrElse(work, {
    duration,
    orElse: () => {
      pending.registry.counts.timeouts++
      const milliseconds = Duration.toMillis(duration)
      const { command, process, tag } = pending
      return Effect.fail(new YieldTimeout({ command: command._tag, tag, process: process.id, milliseconds }))
    }
  })

const givingUp = (pending: Pending, work: Work): Work =>
  Effect.onExitPrimitive(work, () => {
    pending.giveUp()
    return undefined
  })
