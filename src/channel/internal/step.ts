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

// The uses of internal names of effect outside of testing/ are here. This one is the method by which a fiber evaluates an
// operation, which effect's own `Queue.take` calls for the same purpose. The test "a taken value is delivered in the same
// step" holds it.
const evaluate = "~effect/Effect/evaluate"

interface Operation {
  readonly [evaluate]: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

/** Whom a step tells. */
export interface Told {
  tell(): void
}

// What the present step has to tell others: it is done when the outcome has been delivered, since it may run them on
// this stack, and they may interrupt the very fiber that is in its step. Most steps have none, and nearly all others one,
// so that there is a list only when there are more.
let first: Told | undefined = undefined
let others: Array<Told> | undefined = undefined

// Those others may be in a step themselves, and so on. At this depth a step is put off until the stack is empty.
const MaxNestedSteps = 16
let nested = 0

// How many operations those have done who were told on this stack. They count as operations of who told them, so that a
// fiber yields to others after as many as ever, whoever did them.
let spent = 0

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

// `teller`: whose step it is, where it is one of a fiber.
const settle = (teller: Countable | undefined, told: Told, more: ReadonlyArray<Told> | undefined): void => {
  const outer = spent
  spent = 0
  nested++
  told.tell()
  if (more !== undefined) for (const one of more) one.tell()
  nested--
  if (teller !== undefined) teller.currentOpCount += spent
  spent = outer
}

/** Whether there is room on the stack for others to be told who then do something themselves. */
export const isShallow = (): boolean => nested < MaxNestedSteps - 1

Object.setPrototypeOf(
  Step.prototype,
  Effectable.Prototype<Step & Effect.Effect<unknown, unknown, unknown>>({
    label: "Step",
    evaluate(fiber) {
      if (nested >= MaxNestedSteps) return Effect.andThen(Effect.yieldNow, this)
      const effect = this.run(fiber) as unknown as Operation
      const told = first
      if (told === undefined) return effect[evaluate](fiber)
      const more = others
      first = undefined
      others = undefined
      // What the fiber does next may throw: those who wait are told all the same.
      const next = Result.try(() => effect[evaluate](fiber))
      settle(fiber as Countable, told, more)
      return Result.isSuccess(next) ? next.success : Exit.die(next.failure)
    }
  })
)

// What a fiber that waits has beside what effect shows of it: the two methods with which `Effect.callback` suspends it and
// has it go on. The test "a wait ends in the step of the interruption" holds them.
interface Countable {
  /** How many operations it has done since it last went on: by this it knows when to yield. */
  currentOpCount: number
}

interface Suspendable extends Countable {
  /** Suspends the fiber; `onResumed` is called first of all when it goes on, or is interrupted. */
  yieldWith(onResumed: () => void): Effect.Effect<never>
  evaluate(effect: Effect.Effect<unknown, unknown, unknown>): void
}

/**
 * What one fiber waits in, for a step to answer. It does what `Effect.callback` does, as one object instead of six; and it
 * knows in the very step of an interruption, under every scheduler, that nobody waits any more.
 */
export abstract class Wait {
  /** Who waits. */
  protected fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private readonly left = (): void => this.leave();

  [evaluate](fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<never> {
    this.fiber = fiber
    return (fiber as unknown as Suspendable).yieldWith(this.left)
  }

  /** Has the fiber go on with `effect`, on this stack; nothing happens when it does not wait any more. */
  resume(effect: Effect.Effect<unknown, unknown, unknown>): void {
    const { fiber } = this
    if (fiber === undefined) return
    this.fiber = undefined
    const suspended = fiber as unknown as Suspendable
    suspended.evaluate(effect)
    spent += suspended.currentOpCount
  }

  /** The fiber was interrupted. */
  protected abstract onInterrupted(): void

  private leave(): void {
    // Who resumed the fiber has taken it out before.
    if (this.fiber === undefined) return
    this.fiber = undefined
    this.onInterrupted()
  }
}

/** To be answered by a step: waits until it is resumed. */
export const waitIn = <A, E = never, R = never>(wait: Wait): Effect.Effect<A, E, R> =>
  wait as unknown as Effect.Effect<A, E, R>

/** Runs `run`, and evaluates what it answers in this very step: when it is an `Exit`, that is the outcome. */
export const step = <A, E = never, R = never>(
  run: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => effectOf(new Running(run))

/** To be called in a step: has it told in the same step, once the outcome has been delivered. */
export const tellAfterwards = (told: Told): void => {
  if (first === undefined) first = told
  else (others ??= []).push(told)
}

/** Does on the stack of an event what else is done in a step, and tells whom that has to tell. */
export const stepNow = (run: () => void): void => {
  const [outerFirst, outerOthers] = [first, others]
  first = undefined
  others = undefined
  run()
  const [told, more] = [first as Told | undefined, others]
  first = outerFirst
  others = outerOthers
  if (told !== undefined) settle(undefined, told, more)
}

/** As {@link tellAfterwards}, with a function. */
export const afterwards = (tell: () => void): void => tellAfterwards({ tell })
