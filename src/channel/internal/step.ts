/**
 * Effects that do something and report it in one and the same step of the fiber, so that no interruption can fall
 * between the two: what was taken is delivered, and what was sent is known to be sent.
 *
 * An effect that only returns `Exit.succeed(value)` has it evaluated as an operation of its own: the fiber may yield in
 * between and be interrupted there, and the value, already taken, would be lost.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { cleansUpAtOnce } from "../../scheduler/internal/Budget.ts"

// The one use of an internal name of effect outside of testing/: the method by which a fiber evaluates an operation, which
// effect's own `Queue.take` calls for the same purpose. The test "a taken value is delivered in the same step" holds it.
const evaluate = "~effect/Effect/evaluate"

interface Operation {
  readonly [evaluate]: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

// What the present step has to tell others: it is done when the outcome has been delivered, since it may run them on
// this stack, and they may interrupt the very fiber that is in its step.
let consequences: Array<() => void> = []

// Those others may be in a step themselves, and so on. At this depth a step is put off until the stack is empty.
const MaxNestedSteps = 16
let nested = 0

/** An effect that is done in one step: what `run` answers is evaluated in place, an `Exit` above all. */
export abstract class Step {
  abstract run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown>
}

export const effectOf = <A, E = never, R = never>(self: Step): Effect.Effect<A, E, R> =>
  self as unknown as Effect.Effect<A, E, R>

class Running extends Step {
  readonly run: Step["run"]

  constructor(run: Step["run"]) {
    super()
    this.run = run
  }
}

const settle = (told: ReadonlyArray<() => void>): void => {
  nested++
  for (const tell of told) tell()
  nested--
}

Object.setPrototypeOf(
  Step.prototype,
  Effectable.Prototype<Step & Effect.Effect<unknown, unknown, unknown>>({
    label: "Step",
    evaluate(fiber) {
      if (nested >= MaxNestedSteps) return Effect.andThen(Effect.yieldNow, this)
      const effect = this.run(fiber)
      const told = consequences
      if (told.length === 0) return (effect as unknown as Operation)[evaluate](fiber)
      consequences = []
      // What the fiber does next may throw: those who wait are told all the same.
      const next = Result.try(() => (effect as unknown as Operation)[evaluate](fiber))
      settle(told)
      return Result.isSuccess(next) ? next.success : Exit.die(next.failure)
    }
  })
)

/** Runs `run`, and evaluates what it answers in this very step: when it is an `Exit`, that is the outcome. */
export const step = <A, E = never, R = never>(
  run: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => effectOf(new Running(run))

/**
 * As `Effect.callback`, for those who must know at any time whether the fiber still waits. Where its clean-up may run in a
 * later step than its interruption there is a signal, which tells at once, and has its price.
 */
export const callback = <A, E = never>(
  fiber: Fiber.Fiber<unknown, unknown>,
  register: (
    resume: (effect: Effect.Effect<A, E>) => void,
    signal: AbortSignal | undefined
  ) => void | Effect.Effect<void>
): Effect.Effect<A, E> =>
  cleansUpAtOnce(fiber)
    ? Effect.callback((resume) => register(resume, undefined))
    : Effect.callback((resume, signal) => register(resume, signal))

/** To be called in a step: has `tell` run in the same step, once the outcome has been delivered. */
export const afterwards = (tell: () => void): void => {
  consequences.push(tell)
}
