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

// The one use of an internal name of effect outside of testing/: the method by which a fiber evaluates an operation, which
// effect's own `Queue.take` calls for the same purpose. The test "a taken value is delivered in the same step" holds it.
const evaluate = "~effect/Effect/evaluate"

interface Operation<A, E, R> {
  readonly [evaluate]: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
}

// What the present step has to tell others: it is done when the outcome has been delivered, since it may run them on
// this stack, and they may interrupt the very fiber that is in its step.
let consequences: Array<() => void> = []

// Those others may be in a step themselves, and so on. At this depth a step is put off until the stack is empty.
const MaxNestedSteps = 16
let nested = 0

class StepImpl {
  readonly run: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>

  constructor(run: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>) {
    this.run = run
  }
}

const settle = (told: ReadonlyArray<() => void>): void => {
  nested++
  for (const tell of told) tell()
  nested--
}

Object.setPrototypeOf(
  StepImpl.prototype,
  Effectable.Prototype<StepImpl & Effect.Effect<unknown, unknown, unknown>>({
    label: "Step",
    evaluate(fiber) {
      if (nested >= MaxNestedSteps) return Effect.andThen(Effect.yieldNow, this)
      const effect = this.run(fiber)
      const told = consequences
      if (told.length > 0) consequences = []
      const next = Exit.isExit(effect)
        ? (effect as unknown as Operation<unknown, unknown, unknown>)[evaluate](fiber)
        : effect
      if (told.length > 0) settle(told)
      return next
    }
  })
)

/** Runs `run`; when it answers with an `Exit`, that is the outcome, in this very step. */
export const step = <A, E = never, R = never>(
  run: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => new StepImpl(run) as unknown as Effect.Effect<A, E, R>

/** To be called in a step: has `tell` run in the same step, once the outcome has been delivered. */
export const afterwards = (tell: () => void): void => {
  consequences.push(tell)
}
