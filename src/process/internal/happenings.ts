/**
 * The events of a process, as they wait for it to read them.
 */
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { ProcessEvent } from "../ProcessEvent.ts"
import type { Inspection } from "./inspection.ts"

interface Owner {
  readonly name: string
  readonly inspection: Inspection | undefined
}

export class Happenings extends Mailbox<ProcessEvent> {
  private readonly owner: Owner

  constructor(dispatcher: SchedulerDispatcher, owner: Owner) {
    super(dispatcher)
    this.owner = owner
  }

  override pollUnsafe(): Exit.Exit<ProcessEvent> | undefined {
    const exit = super.pollUnsafe()
    if (exit !== undefined && Exit.isSuccess(exit)) this.owner.inspection?.observe({ _tag: "Told", event: exit.value })
    return exit
  }

  override waitReport(): WaitReport {
    return { ...super.waitReport(), what: `the events of ${this.owner.name}`, isKind: false }
  }
}
