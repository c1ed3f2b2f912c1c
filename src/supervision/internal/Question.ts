/**
 * What somebody asks of a supervisor, who waits until it is done.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { step } from "../../channel/internal/step.ts"
import { tellAfterwards, type Told } from "../../channel/internal/telling.ts"
import { Wait } from "../../channel/internal/wait.ts"
import type { ProcessClosed } from "../../process/ProcessError.ts"

/** What is asked: it begins in a step of the supervisor. */
export type Asked<A, E> = (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E>

export class Question<A, E> extends Wait implements Told {
  private readonly what: Asked<A, E>
  private readonly onOver: () => void
  private answer: Exit.Exit<A, E | ProcessClosed> | undefined = undefined

  constructor(what: Asked<A, E>, onOver: () => void) {
    super()
    this.what = what
    this.onOver = onOver
  }

  /** Does it, in a step of the supervisor, whether or not somebody still waits for the answer. */
  do(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> {
    // Whoever asks with what throws learns of it, and not the supervisor.
    const begun = Result.try(() => this.what(fiber))
    const effect = Result.isSuccess(begun) ? begun.success : Exit.die(begun.failure)
    return isOver(effect)
      ? this.onDone(effect)
      : Effect.flatMap(Effect.exit(effect), (exit) => step(() => this.onDone(exit)))
  }

  private onDone(exit: Exit.Exit<A, E>): Exit.Exit<void> {
    this.onOver()
    this.answer ??= exit
    tellAfterwards(this)
    return Exit.void
  }

  /** It is not done any more. */
  refuse(refusal: ProcessClosed, dispatcher: SchedulerDispatcher): void {
    this.answer = Exit.fail(refusal)
    dispatcher.scheduleTask(() => this.tell(), 0)
  }

  tell(): void {
    if (this.answer !== undefined) this.resume(this.answer)
  }

  protected onInterrupted(): void {}
}

const isOver = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)
