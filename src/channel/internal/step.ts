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
import { evaluate, type Operation } from "./fiber.ts"
import { isTooDeep, tell, whoIsTold } from "./telling.ts"
import { type Immediate, Yielding } from "./yielding.ts"

/** An effect that is done in one step: what `run` answers is evaluated in place, an `Exit` above all. */
export abstract class Step implements Immediate {
  abstract run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown>

  now(_fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> | undefined {
    return undefined
  }

  [Symbol.iterator](): Yielding {
    return new Yielding(this)
  }
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

// What is evaluated next, and for whom: handed over here, since a function of its own for each step that tells others would
// be as large as all else that the step makes.
let answer: Operation | undefined = undefined
let evaluator: Fiber.Fiber<unknown, unknown> | undefined = undefined

const evaluated = (): Effect.Effect<unknown, unknown, unknown> => {
  const [operation, fiber] = [answer as Operation, evaluator as Fiber.Fiber<unknown, unknown>]
  answer = undefined
  evaluator = undefined
  return operation[evaluate](fiber)
}

Object.setPrototypeOf(
  Step.prototype,
  Effectable.Prototype<Step & Effect.Effect<unknown, unknown, unknown>>({
    label: "Step",
    evaluate(fiber) {
      if (isTooDeep()) return Effect.andThen(Effect.yieldNow, this)
      const effect = this.run(fiber) as unknown as Operation
      const told = whoIsTold()
      if (told === undefined) return effect[evaluate](fiber)
      // What the fiber does next may throw: those who wait are told all the same.
      answer = effect
      evaluator = fiber
      const next = Result.try(evaluated)
      tell(told, fiber)
      return Result.isSuccess(next) ? next.success : Exit.die(next.failure)
    }
  })
)

/** Runs `run`, and evaluates what it answers in this very step: when it is an `Exit`, that is the outcome. */
export const step = <A, E = never, R = never>(
  run: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => effectOf(new Running(run))

/** A step whose outcome may be at hand. */
export class Polling extends Step {
  private readonly poll: () => Exit.Exit<unknown, unknown> | undefined
  private readonly wait: () => Effect.Effect<unknown, unknown, unknown>

  constructor(poll: Polling["poll"], wait: Polling["wait"]) {
    super()
    this.poll = poll
    this.wait = wait
  }

  override now(): Exit.Exit<unknown, unknown> | undefined {
    return this.poll()
  }

  run(): Effect.Effect<unknown, unknown, unknown> {
    return this.poll() ?? this.wait()
  }
}

/** What `poll` answers; where that is nothing, and nothing has changed, it waits in what `wait` answers. */
export const pollOr = <A, E = never, R = never>(
  poll: () => Exit.Exit<A, E> | undefined,
  wait: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => effectOf(new Polling(poll, wait))

/** To be called in a step: what an effect comes to, where that needs no fiber to be known. */
export const atHand = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> | undefined => {
  if (Exit.isExit(effect)) return effect
  const step: unknown = effect
  return step instanceof Polling ? (step.now() as Exit.Exit<A, E> | undefined) : undefined
}
