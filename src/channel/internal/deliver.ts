/**
 * Delivers a value in the very step of the fiber that takes it, so that no interruption can fall between the two.
 *
 * An effect that only returns `Exit.succeed(value)` has it evaluated as an operation of its own: the fiber may yield in
 * between and be interrupted there, and the value, already taken, would be lost.
 */
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

// The one use of an internal name of effect in this library: the method by which a fiber evaluates an operation, which
// effect's own `Queue.take` calls for the same purpose. The test "a taken value is delivered in the same step" holds it.
const evaluate = "~effect/Effect/evaluate"

interface Operation<A, E> {
  readonly [evaluate]: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E>
}

interface InStep<A, E> extends Effect.Effect<A, E> {
  readonly poll: () => Exit.Exit<A, E> | undefined
  readonly otherwise: Effect.Effect<A, E>
}

const Proto = Effectable.Prototype<InStep<unknown, unknown>>({
  label: "InStep",
  evaluate(fiber) {
    const exit = this.poll()
    return exit === undefined
      ? this.otherwise
      : (exit as unknown as Operation<unknown, unknown>)[evaluate](fiber)
  }
})

/** An effect that delivers what `poll` answers in the step in which it is asked, and goes on with `otherwise` if it answers nothing. */
export const inStep = <A, E>(
  poll: () => Exit.Exit<A, E> | undefined,
  otherwise: Effect.Effect<A, E>
): Effect.Effect<A, E> => Object.assign(Object.create(Proto) as InStep<A, E>, { poll, otherwise })
