/**
 * A question to another node that a fiber waits for. It ends once: by the answer, by its deadline, by the loss of the
 * connection, or when nobody waits any more.
 */
import type * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Wait } from "../../channel/internal/wait.ts"
import { announce, type Waited, type WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Deadlines, Timed } from "./deadlines.ts"
import type { Asked, RemoteNode } from "./remoteLink.ts"
import type { Answer, Signal } from "./remoteSignal.ts"

/** What the ends of a question are to who asks. */
export interface Reading {
  /** What is waited for, for a report. */
  readonly what: string
  readonly answered: (answer: Answer) => Exit.Exit<unknown, unknown>
  readonly lost: () => Exit.Exit<unknown, unknown>
}

export class Question extends Wait implements Asked, Waited, Timed {
  isOver = false
  deadline = Infinity
  private id = 0
  private deadlines: Deadlines | undefined = undefined
  private expired: (() => Exit.Exit<unknown, unknown>) | undefined = undefined
  private readonly remote: RemoteNode
  private readonly reading: Reading
  private readonly dispatcher: SchedulerDispatcher

  /** `dispatcher`: that of who asks. */
  constructor(remote: RemoteNode, reading: Reading, dispatcher: SchedulerDispatcher) {
    super()
    this.remote = remote
    this.reading = reading
    this.dispatcher = dispatcher
    announce(dispatcher, this)
  }

  waitReport(): WaitReport {
    return { what: this.reading.what, isKind: false, waiting: [["for", this.isOver ? [] : [this]]] }
  }

  /** From here on it may end in any way. */
  begin(signal: (id: number) => Signal): void {
    this.id = this.remote.ask(this, signal)
  }

  /** Has it end after a time, unless it has ended before. */
  endAfter(milliseconds: number, deadlines: Deadlines, expired: () => Exit.Exit<unknown, unknown>): void {
    if (this.isOver) return
    this.expired = expired
    this.deadlines = deadlines
    this.deadline = deadlines.after(milliseconds)
    deadlines.add(this)
  }

  expire(): void {
    const exit = this.expired?.()
    if (exit === undefined) return
    this.remote.forget(this.id)
    this.conclude(exit)
  }

  onAnswer(answer: Answer): void {
    this.conclude(this.reading.answered(answer))
  }

  onLost(): void {
    this.conclude(this.reading.lost())
  }

  /** Nobody waits any more. */
  giveUp(): void {
    if (this.end()) this.remote.forget(this.id)
  }

  protected onInterrupted(): void {
    this.giveUp()
  }

  // Not on this stack: a connection that is lost ends all questions at once.
  private conclude(exit: Exit.Exit<unknown, unknown>): void {
    if (this.end()) this.dispatcher.scheduleTask(() => this.resume(exit), 0)
  }

  private end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.deadlines?.onOver(this.dispatcher)
    return true
  }
}
