/**
 * The events of a process, as they wait for it to read them.
 */
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { ProcessEvent } from "../ProcessEvent.ts"

export class Happenings extends Mailbox<ProcessEvent> {
  private readonly owner: { readonly name: string }

  constructor(dispatcher: SchedulerDispatcher, owner: { readonly name: string }) {
    super(dispatcher)
    this.owner = owner
  }

  override waitReport(): WaitReport {
    return { ...super.waitReport(), what: `the events of ${this.owner.name}`, isKind: false }
  }
}
