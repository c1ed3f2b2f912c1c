/**
 * A process that is starting, and the one fiber that may wait for it.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import type { Pid } from "../Pid.ts"
import { type StartFailed, type StartIgnored, StartTimeout } from "../StartError.ts"
import type { Cell } from "./cell.ts"
import { Deadline, deadlinesFor } from "./deadlines.ts"
import type { Starter } from "./startup.ts"

/** Why a process that has begun did not start. */
export type NotStarted = StartFailed | StartIgnored | StartTimeout

/** How long a process may take to start, and who kills one that takes longer. */
export interface Patience {
  readonly timeout: Duration.Input | undefined
  readonly killer: Pid | undefined
}

export abstract class Start<A, E> extends Wait implements Starter {
  protected readonly cell: Cell
  private deadline: Deadline | undefined = undefined
  private outcome: Exit.Exit<A, E> | undefined = undefined

  constructor(cell: Cell) {
    super()
    this.cell = cell
  }

  /** What the start comes to, once it is over. */
  protected abstract conclude(exit: Exit.Exit<void, NotStarted>): Exit.Exit<A, E>

  /** To be answered by the step in which the process was begun: waits until it has started, or has ended before. */
  begin({ killer, timeout }: Patience, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E> {
    const { startup } = this.cell
    if (startup === undefined) return this.conclude(Exit.void)
    startup.starter = this
    if (timeout !== undefined) this.limit(Duration.fromInputUnsafe(timeout), killer, fiber)
    return waitIn(this)
  }

  private limit(time: Duration.Duration, killer: Pid | undefined, fiber: Fiber.Fiber<unknown, unknown>): void {
    if (!Duration.isFinite(time)) return
    const { cell } = this
    const milliseconds = Duration.toMillis(time)
    this.deadline = new Deadline(deadlinesFor(fiber), milliseconds, () => {
      if (cell.startup !== undefined) cell.startup.starter = undefined
      cell.kill(killer)
      this.onStarted(Exit.fail(new StartTimeout({ process: cell.definition.name, milliseconds })))
    })
  }

  // Through a step of the run queue: processes that start each other may form a chain.
  onStarted(exit: Exit.Exit<void, NotStarted>): void {
    const { dispatcher } = this.cell.host
    this.deadline?.end(dispatcher)
    dispatcher.scheduleTask(() => {
      this.outcome = this.conclude(exit)
      this.resume(this.outcome)
    }, 0)
  }

  /** The fiber may come to wait when the start is over. */
  protected override get known(): Exit.Exit<A, E> | undefined {
    return this.outcome
  }
}
