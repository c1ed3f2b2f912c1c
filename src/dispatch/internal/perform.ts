/**
 * Doing what a process has yielded.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { step } from "../../channel/internal/step.ts"
import * as Selectable from "../../channel/Selectable.ts"
import { YieldTimeout } from "../DispatchError.ts"
import type { AnyYielded } from "../Yielded.ts"
import type { Attempt } from "./attempt.ts"
import type { Door } from "./door.ts"
import { LaterImpl } from "./later.ts"
import type { Pending } from "./pending.ts"
import type { Around, Handling } from "./registry.ts"
import type { Run } from "./run.ts"

type Work = Effect.Effect<unknown, unknown>

/**
 * Does the work of a yield and answers with its outcome. To be called in the step in which it was opened: what can be
 * answered at once is answered with an `Exit`, the rest is work for whichever fiber, and nothing is answered where there is
 * no work but to wait. An interruption reaches the handler; the yield is given up then, and nothing completes it any more.
 */
export const perform = (door: Door, pending: Pending, timeout: Duration.Duration | undefined): Work | undefined => {
  const { exit, handling, registry } = pending
  if (exit !== undefined) return exit
  // A script answers in place of the handlers.
  if (handling === undefined || door.script !== undefined) return undefined
  const { interceptors } = registry
  if (interceptors.length > 0) {
    pending.isIntercepted = true
    return asHandler(door, handling, pending, limited(pending, intercepted(pending, handling, interceptors), timeout))
  }
  const begun = begin(handling, pending)
  // A handler that has its answer at hand costs nothing but itself.
  const promise =
    Exit.isExit(begun) && Exit.isSuccess(begun) && begun.value instanceof LaterImpl ? begun.value : undefined
  if (Exit.isExit(begun) && promise === undefined) return outcomeOf(pending, begun)
  if (timeout !== undefined) {
    const work = Effect.flatMap(begun, (answer) =>
      answer instanceof LaterImpl ? deferred(pending, answer) : Exit.succeed(answer)
    )
    return asHandler(door, handling, pending, limited(pending, work, timeout))
  }
  if (promise === undefined || promise.onInterrupt !== undefined) return asHandler(door, handling, pending, begun)
  pending.isDeferred = true
  return pending.exit
}

// What the handler does, and around it the interceptors: they may run it as often as they like.
const intercepted = (pending: Pending, handling: Handling, interceptors: ReadonlyArray<Around>): Work => {
  let work: Work = Effect.suspend(() => attempted(handling, pending.begin()))
  for (const around of interceptors.toReversed()) {
    const inner = work
    work = effectOf("An interceptor", pending, () => around(pending, inner))
  }
  return work
}

// A run of the handler, which may not be the last one: it takes no completion once it is over.
const attempted = (handling: Handling, attempt: Attempt): Work => {
  const outcome = Effect.matchCauseEffect(begin(handling, attempt), {
    onFailure: (cause) => attempt.end(Exit.failCause(cause)),
    onSuccess: (answer) => (answer instanceof LaterImpl ? later(attempt, answer) : attempt.end(Exit.succeed(answer)))
  })
  return Effect.onExitPrimitive(outcome, () => {
    attempt.shut()
    return undefined
  })
}

// Does the work with the services of the handler, and settles the yield with its outcome. Two frames hold all that there
// is to hold, since this is the way of every handler that does something.
const asHandler = (door: Door, handling: Handling, pending: Pending, work: Work): Work =>
  step((fiber) => {
    const { context } = fiber
    fiber.setContext(door.contextFor(handling, fiber))
    const outcome = Effect.matchCauseEffect(work, {
      onFailure: (cause) => outcomeOf(pending, Exit.failCause(cause)),
      onSuccess: (value) =>
        value instanceof LaterImpl ? deferred(pending, value) : outcomeOf(pending, Exit.succeed(value))
    })
    return Effect.onExitPrimitive(outcome, () => {
      fiber.setContext(context)
      pending.giveUp()
      return undefined
    })
  })

const begin = (handling: Handling, run: Run): Work =>
  effectOf("The handler", run, () => handling.run(run.payload as never, run))

// What is no effect would end the fiber that runs it on the spot, with no finalizers.
const effectOf = (who: string, { command }: AnyYielded, make: () => unknown): Work => {
  const made = Result.try(make)
  if (Result.isFailure(made)) return Exit.die(made.failure)
  if (Effect.isEffect(made.success)) return made.success as Work
  return Exit.die(new TypeError(`${who} of ${command._tag} answered ${String(made.success)}, which is no effect.`))
}

const later = (run: Run, { onInterrupt }: LaterImpl): Work =>
  Effect.onExitPrimitive(Selectable.take(run.arriving), () => {
    if (run.arrived !== undefined) return undefined
    run.shut()
    return onInterrupt
  })

// What completes it from elsewhere ends the yield, which has no other answer.
const deferred = (pending: Pending, promise: LaterImpl): Work => {
  pending.isDeferred = true
  return later(pending, promise)
}

const outcomeOf = (pending: Pending, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (pending.exit === undefined || !pending.isDeferred) pending.settle(exit)
  return pending.exit ?? exit
}

const limited = (pending: Pending, work: Work, duration: Duration.Duration | undefined): Work => {
  if (duration === undefined) return work
  return Effect.timeoutOrElse(work, {
    duration,
    orElse: () => {
      // It may have been completed from elsewhere at the last moment.
      if (pending.exit !== undefined) return pending.exit
      pending.registry.counts.timeouts++
      const milliseconds = Duration.toMillis(duration)
      const { command, process, tag } = pending
      return Effect.fail(new YieldTimeout({ command: command._tag, tag, process: process.id, milliseconds }))
    }
  })
}

/** Waits for a yield that somebody else completes. */
export const waiting = (pending: Pending): Work =>
  Effect.onExitPrimitive(pending.answer.await, () => {
    pending.giveUp()
    return undefined
  })
