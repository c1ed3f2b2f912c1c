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
 * Does the work of a yield and answers with its outcome. To be called in a step of the fiber that does the work, when the
 * yield has been opened. An interruption reaches the handler; the yield is given up then, and nothing completes it any
 * more.
 */
export const perform = (
  door: Door,
  pending: Pending,
  timeout: Duration.Input | undefined,
  fiber: Fiber.Fiber<unknown, unknown>
): Work => {
  const { exit, handling, registry } = pending
  if (exit !== undefined) return exit
  // A script answers in place of the handlers.
  if (handling === undefined || door.script !== undefined) return givingUp(pending, pending.answer.await)
  const { interceptors } = registry
  if (interceptors.length === 0 && timeout === undefined) {
    const begun = begin(pending, handling)
    // A handler that has its answer at hand costs nothing but itself.
    if (Exit.isExit(begun) && !isLater(begun)) return outcomeOf(pending, begun)
    return inContextOf(handling, door, pending, fiber, begun)
  }
  let work: Work = Effect.suspend(() => Effect.flatMap(begin(pending, handling), (answer) => orLater(pending, answer)))
  for (const around of interceptors.toReversed()) work = around(pending, work) as Work
  if (timeout !== undefined) work = limited(pending, work, Duration.fromInputUnsafe(timeout))
  return inContextOf(handling, door, pending, fiber, work)
}

const begin = (pending: Pending, handling: Handling): Work => {
  const begun = Result.try(() => handling.run(pending.payload as never, pending))
  return Result.isSuccess(begun) ? (begun.success as Work) : Exit.die(begun.failure)
}

const isLater = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isSuccess(exit) && exit.value instanceof LaterImpl

const orLater = (pending: Pending, answer: unknown): Work => {
  if (!(answer instanceof LaterImpl)) return Exit.succeed(answer)
  const { onInterrupt } = answer
  const completion = pending.answer.await
  return onInterrupt === undefined ? completion : Effect.onInterrupt(completion, () => onInterrupt)
}

// Two frames hold all that there is to hold, since this is on the way of every handler that does something.
const inContextOf = (
  handling: Handling,
  door: Door,
  pending: Pending,
  fiber: Fiber.Fiber<unknown, unknown>,
  work: Work
): Work => {
  const { context } = fiber
  fiber.setContext(door.contextFor(handling, fiber))
  const outcome = Effect.matchCauseEffect(work, {
    onFailure: (cause) => outcomeOf(pending, Exit.failCause(cause)),
    onSuccess: (value) =>
      value instanceof LaterImpl ? orLater(pending, value) : outcomeOf(pending, Exit.succeed(value))
  })
  return Effect.onExitPrimitive(outcome, () => {
    fiber.setContext(context)
    pending.giveUp()
    return undefined
  })
}

// What another one completed it with goes before what the handler itself answers.
const outcomeOf = (pending: Pending, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (pending.exit === undefined || !isSame(pending.exit, exit)) pending.settle(exit)
  return pending.exit ?? exit
}

// Who waited for a completion from elsewhere has that one, perhaps made anew on its way.
const isSame = (one: Exit.Exit<unknown, unknown>, other: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(one)) return Exit.isSuccess(other) && one.value === other.value
  return Exit.isFailure(other) && one.cause === other.cause
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
