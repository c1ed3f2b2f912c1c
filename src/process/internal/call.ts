/**
 * A call under way. It ends once: by a reply, by the end of the callee, by its deadline, or when the caller gives it up.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { afterwards } from "../../channel/internal/step.ts"
import { announce, type Waited, type WaitReport } from "../../scheduler/internal/Waited.ts"
import { type CallError, CalleeExited, CallTimeout, type SendError } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import type { Deadlines, Timed } from "./deadlines.ts"
import type { InboxImpl, Sender } from "./inbox.ts"
import type { MessageImpl } from "./message.ts"
import type { Watcher } from "./watcher.ts"

export class Call implements Sender, Timed, Waited, Watcher {
  readonly message: MessageImpl
  isOver = false
  deadline = Infinity
  /** Whether the callee has taken the message. */
  isTaken = false
  private isAnswered = false
  private milliseconds = Infinity
  private deadlines: Deadlines | undefined = undefined
  /** Its neighbours among the calls of the callee. */
  previous: Call | undefined = undefined
  next: Call | undefined = undefined
  /** Where it waits for space. */
  private inbox: InboxImpl | undefined = undefined
  private readonly callee: Cell
  private readonly dispatcher: SchedulerDispatcher
  readonly resume: (answer: Effect.Effect<unknown, unknown>) => void

  /** `dispatcher`: that of the caller, whose fiber goes on by `resume`. */
  constructor(
    message: MessageImpl,
    callee: Cell,
    dispatcher: SchedulerDispatcher,
    resume: (answer: Effect.Effect<unknown, unknown>) => void
  ) {
    this.message = message
    this.callee = callee
    this.dispatcher = dispatcher
    this.resume = resume
    announce(dispatcher, this)
  }

  waitReport(): WaitReport {
    const what = `the answer of ${this.callee.name} to ${JSON.stringify(this.message.topic)}`
    return { what, isKind: false, waiting: [["for", this.isOver ? [] : [this.resume]]] }
  }

  /** From here on it may end in any way. */
  begin(deadlines: Deadlines, milliseconds: number): void {
    // The callee's inbox may have dropped it already.
    if (this.isOver) return
    ;(this.callee.calls ??= new Calls()).add(this)
    if (milliseconds === Infinity) return
    this.milliseconds = milliseconds
    this.deadlines = deadlines
    this.deadline = deadlines.after(milliseconds)
    deadlines.add(this)
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
    if (this.isAnswered) return false
    this.isAnswered = true
    if (this.end()) afterwards(() => this.resume(exit))
    return true
  }

  /** Ends it without an answer of the callee; a reply that comes later is taken, and dropped. */
  conclude(exit: Exit.Exit<unknown, CallError>): void {
    if (this.end()) this.dispatcher.scheduleTask(() => this.resume(exit), 0)
  }

  /** The caller waits no longer. */
  giveUp(): void {
    this.end()
  }

  expire(): void {
    const { callee, message, milliseconds } = this
    this.conclude(Exit.fail(new CallTimeout({ target: callee.name, request: message.request, milliseconds })))
  }

  onExit(callee: Cell, exit: Exit.Exit<unknown, unknown>): void {
    this.conclude(Exit.fail(new CalleeExited({ target: callee.name, request: this.message.request, exit })))
  }

  /** What was not taken yet is answered by the body that comes next. */
  onRestart(callee: Cell, exit: Exit.Exit<unknown, unknown>): void {
    if (this.isTaken) this.onExit(callee, exit)
  }

  isWaiting(): boolean {
    return !this.isOver
  }

  onOutcome(exit: Exit.Exit<void, SendError>): void {
    this.inbox = undefined
    if (Exit.isFailure(exit)) this.conclude(exit)
  }

  private end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.callee.calls?.remove(this)
    this.deadlines?.onOver(this.dispatcher)
    this.inbox?.unpark(this)
    return true
  }
}

/** The calls that a process has yet to answer: a list through the calls themselves, since there are many, and few at once. */
export class Calls {
  private first: Call | undefined = undefined

  add(call: Call): void {
    const { first } = this
    call.next = first
    if (first !== undefined) first.previous = call
    this.first = call
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
