/**
 * A call under way. It ends once: by a reply, by the end of the callee, by its deadline, or when the caller gives it up.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { tellAfterwards, type Told } from "../../channel/internal/telling.ts"
import { Wait } from "../../channel/internal/wait.ts"
import { announce, type Waited, type WaitReport } from "../../scheduler/internal/Waited.ts"
import { type CallError, CalleeExited, CallTimeout, type SendError } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import { cycleOf } from "./cycle.ts"
import type { Deadlines, Timed } from "./deadlines.ts"
import type { HostImpl } from "./host.ts"
import type { InboxImpl, Sender } from "./inbox.ts"
import type { MessageImpl } from "./message.ts"
import { cellOf } from "./services.ts"
import type { Watcher } from "./watcher.ts"

// In milliseconds.
const defaultTimeout = 5000

/** How long a call may take, if there is a limit. */
export const millisecondsOf = (
  options: { readonly timeout?: Duration.Input | undefined } | undefined
): number | undefined => {
  const timeout = options?.timeout
  if (timeout === undefined) return defaultTimeout
  const milliseconds = Duration.toMillis(Duration.fromInputUnsafe(timeout))
  return milliseconds === Infinity ? undefined : milliseconds
}

export class Call extends Wait implements Sender, Told, Waited, Watcher {
  readonly message: MessageImpl
  isOver = false
  /** Whether the callee has taken the message. */
  isTaken = false
  private answer: Exit.Exit<unknown, unknown> | undefined = undefined
  /** How long it may take; not `Infinity`, since each call would then have a box for its number. */
  private readonly milliseconds: number | undefined
  /** Whether its time has begun to be counted. */
  isTimed = false
  private limit: Limit | undefined = undefined
  /** Its neighbours among the calls of the callee. */
  previous: Call | undefined = undefined
  next: Call | undefined = undefined
  /** Where it waits for space. */
  private inbox: InboxImpl | undefined = undefined
  readonly callee: Cell
  private readonly dispatcher: SchedulerDispatcher

  /** `milliseconds`: how long it may take, if there is a limit. `dispatcher`: that of the caller. */
  constructor(message: MessageImpl, callee: Cell, milliseconds: number | undefined, dispatcher: SchedulerDispatcher) {
    super()
    this.message = message
    this.callee = callee
    this.milliseconds = milliseconds
    this.dispatcher = dispatcher
    announce(dispatcher, this)
  }

  /** The process that waits, where one does. */
  get caller(): Cell | undefined {
    return this.fiber === undefined ? undefined : cellOf(this.fiber)
  }

  waitReport(): WaitReport {
    const what = `the answer of ${this.callee.name} to ${JSON.stringify(this.message.topic)}`
    return { what, isKind: false, waiting: [["for", this.isOver ? [] : [this]]] }
  }

  /** From here on it may end in any way. `host`: that of the caller. */
  begin(host: HostImpl): void {
    // The callee's inbox may have dropped it already.
    if (this.isOver) return
    ;(this.callee.calls ??= new Calls()).add(this, host)
  }

  /** Its time begins to be counted. */
  startTime(host: HostImpl): void {
    this.isTimed = true
    if (this.isOver || this.fiber === undefined || this.milliseconds === undefined) return
    this.limit = new Limit(this, this.milliseconds, host.deadlinesBy(this.fiber.getRef(Clock.Clock)))
    this.limit.begin()
  }

  /** Waits for space in an inbox first. */
  parkIn(inbox: InboxImpl): void {
    this.inbox = inbox
    inbox.park(this)
  }

  /**
   * Takes the reply of the callee; false when it has replied before. To be called in a step: afterwards the caller goes
   * on, on the same stack, which the depth of steps bounds where replies travel along a chain of calls.
   */
  reply(exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.answer !== undefined) return false
    this.answer = exit
    if (this.end()) tellAfterwards(this)
    return true
  }

  /** Tells the caller of the reply. */
  tell(): void {
    if (this.answer !== undefined) this.resume(this.answer)
  }

  /** Ends it without an answer of the callee; a reply that comes later is taken, and dropped. */
  conclude(exit: Exit.Exit<unknown, CallError>): void {
    if (this.end()) this.dispatcher.scheduleTask(() => this.resume(exit), 0)
  }

  /** The caller waits no longer. */
  giveUp(): void {
    this.end()
  }

  protected onInterrupted(): void {
    this.end()
  }

  expire(milliseconds: number): void {
    const { callee, message } = this
    const cycle = cycleOf(this)
    const timeout = { target: callee.name, request: message.request, milliseconds, ...(cycle && { cycle }) }
    this.conclude(Exit.fail(new CallTimeout(timeout)))
  }

  onExit(callee: Cell, exit: Exit.Exit<unknown, unknown>): void {
    this.conclude(Exit.fail(new CalleeExited({ target: callee.name, request: this.message.request, exit })))
  }

  /** What was not taken yet is answered by the body that comes next. */
  onRestart(callee: Cell, exit: Exit.Exit<unknown, unknown>): void {
    if (this.isTaken) this.onExit(callee, exit)
  }

  onOutcome(exit: Exit.Exit<void, SendError>): void {
    this.inbox = undefined
    if (Exit.isFailure(exit)) this.conclude(exit)
  }

  private end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.callee.calls?.remove(this)
    this.limit?.onOver(this.dispatcher)
    this.inbox?.unpark(this)
    return true
  }
}

/** The deadline of a call. */
class Limit implements Timed {
  readonly deadline: number
  private readonly call: Call
  private readonly milliseconds: number
  private readonly deadlines: Deadlines

  constructor(call: Call, milliseconds: number, deadlines: Deadlines) {
    this.call = call
    this.milliseconds = milliseconds
    this.deadlines = deadlines
    this.deadline = deadlines.after(milliseconds)
  }

  get isOver(): boolean {
    return this.call.isOver
  }

  begin(): void {
    this.deadlines.add(this)
  }

  expire(): void {
    this.call.expire(this.milliseconds)
  }

  onOver(dispatcher: SchedulerDispatcher): void {
    this.deadlines.onOver(dispatcher)
  }
}

/** The calls that a process has yet to answer: a list through the calls themselves, since there are many, and few at once. */
export class Calls {
  private first: Call | undefined = undefined
  private areToBeTimed = false

  /** `host`: that of the caller, which has the call's time counted soon. */
  add(call: Call, host: HostImpl): void {
    const { first } = this
    call.next = first
    if (first !== undefined) first.previous = call
    this.first = call
    if (this.areToBeTimed) return
    this.areToBeTimed = true
    host.startTimeSoon(this)
  }

  /** The time begins to be counted of those that are new: they come first. */
  startTime(host: HostImpl): void {
    this.areToBeTimed = false
    let call = this.first
    while (call !== undefined && !call.isTimed) {
      // One whose time is over at once leaves the list.
      const { next }: Call = call
      call.startTime(host)
      call = next
    }
  }

  /** A call that is not among them is passed over. */
  remove(call: Call): void {
    const { next, previous } = call
    if (previous !== undefined) previous.next = next
    else if (this.first === call) this.first = next
    if (next !== undefined) next.previous = previous
    call.previous = undefined
    call.next = undefined
  }

  /** Those that there are now, the oldest first. */
  get all(): ReadonlyArray<Call> {
    const all: Array<Call> = []
    for (let call = this.first; call !== undefined; call = call.next) all.push(call)
    return all.toReversed()
  }
}
