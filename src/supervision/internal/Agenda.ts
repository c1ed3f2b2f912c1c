/**
 * What a supervisor has to do, one thing after the other, and what it is told meanwhile, which comes first.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import { park } from "../../channel/internal/parking.ts"
import { step } from "../../channel/internal/step.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { ProcessEvent } from "../../process/ProcessEvent.ts"

/** Something to do: it begins in a step of the supervisor. */
export type Task<E> = (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<void, E>

export class Agenda<E> {
  private readonly tasks: Mailbox<Task<E>>
  private readonly cell: Cell
  private readonly onEvent: (event: ProcessEvent) => Effect.Effect<void, E>

  constructor(cell: Cell, onEvent: (event: ProcessEvent) => Effect.Effect<void, E>) {
    this.tasks = new Mailbox(cell.host.dispatcher)
    this.cell = cell
    this.onEvent = onEvent
  }

  add(task: Task<E>): void {
    this.tasks.offerUnsafe(task)
  }

  /** Does what comes up until something fails. */
  get run(): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      // Opened when it runs: before, whoever asks the supervisor to end interrupts it.
      const { events } = this.cell
      const sources = [events, this.tasks]
      const next: Effect.Effect<void, E> = step((fiber) => {
        const event = events.pollUnsafe()
        if (event !== undefined) return Exit.isSuccess(event) ? this.onEvent(event.value) : event
        const task = this.tasks.pollUnsafe()
        if (task !== undefined) return Exit.isSuccess(task) ? task.value(fiber) : task
        return park(sources, true, Exit.void)
      })
      return Effect.whileLoop({ while: () => true, body: () => next, step: () => {} })
    })
  }
}
