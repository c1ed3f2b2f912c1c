/**
 * What a supervisor has to do, one thing after the other, and what it is told meanwhile, which comes first.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import { step } from "../../channel/internal/step.ts"
import type { Waiter } from "../../channel/Selectable.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { Happenings } from "../../process/internal/happenings.ts"
import type { ProcessEvent } from "../../process/ProcessEvent.ts"

export class Agenda<E> {
  private readonly tasks: Mailbox<Effect.Effect<void, E>>
  private readonly cell: Cell
  private readonly onEvent: (event: ProcessEvent) => Effect.Effect<void, E>

  constructor(cell: Cell, onEvent: (event: ProcessEvent) => Effect.Effect<void, E>) {
    this.tasks = new Mailbox(cell.host.dispatcher)
    this.cell = cell
    this.onEvent = onEvent
  }

  // Opened when it runs: before, whoever asks the supervisor to end interrupts it.
  private get events(): Happenings {
    return this.cell.events
  }

  add(task: Effect.Effect<void, E>): void {
    this.tasks.offerUnsafe(task)
  }

  /** Does what comes up until something fails. */
  get run(): Effect.Effect<void, E> {
    return Effect.whileLoop({ while: () => true, body: () => this.next, step: () => {} })
  }

  private readonly next: Effect.Effect<void, E> = step(() => {
    const event = this.events.pollUnsafe()
    if (event !== undefined) return Exit.isSuccess(event) ? this.onEvent(event.value) : event
    const task = this.tasks.pollUnsafe()
    if (task !== undefined) return Exit.isSuccess(task) ? task.value : task
    return this.wait
  })

  private get isReady(): boolean {
    return this.events.isReadyUnsafe() || this.tasks.isReadyUnsafe()
  }

  // Readiness is checked in the step that parks.
  private readonly wait: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.isReady) return resume(Exit.void)
    let isLive = true
    const unpark = () => {
      isLive = false
      this.events.unparkUnsafe(waiter)
      this.tasks.unparkUnsafe(waiter)
    }
    const waiter: Waiter = {
      wake: () => {
        unpark()
        resume(Exit.void)
      },
      isLive: () => isLive,
      waited: true
    }
    this.events.parkUnsafe(waiter)
    this.tasks.parkUnsafe(waiter)
    return Effect.sync(unpark)
  })
}
