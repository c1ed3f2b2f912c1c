/**
 * Messages as the runtime carries them, and the slot by which a call is answered.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { announce, type Waited, type WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Pid } from "../Pid.ts"

const variance = { _Rpc: (_: never): never => _ }

/** Where the answer to a call or request goes. */
export interface Slot {
  /** Answers it; false when it was answered before. */
  settle(exit: Exit.Exit<unknown, unknown>): boolean
  /** Ends it without an answer of its receiver. */
  conclude(exit: Exit.Exit<unknown, unknown>): void
}

export class MessageImpl {
  readonly topic: string
  readonly payload: unknown
  readonly sender: Pid | undefined
  readonly slot: Slot | undefined
  /** Its place in the order of arrival at the receiver. */
  arrival = 0

  constructor(topic: string, payload: unknown, sender: Pid | undefined, slot: Slot | undefined) {
    this.topic = topic
    this.payload = payload
    this.sender = sender
    this.slot = slot
  }

  get "~troupe/process/Message"() {
    return variance
  }
}

/**
 * Where the answer to one call goes: the first one reaches the caller, through a step of the caller's run queue, since
 * calls may form chains that would overflow the stack.
 */
export class ReplySlot implements Slot, Waited {
  private exit: Exit.Exit<unknown, unknown> | undefined = undefined
  private resume: ((exit: Exit.Exit<unknown, unknown>) => void) | undefined = undefined
  private replied = false
  private readonly dispatcher: SchedulerDispatcher
  private readonly callee: { readonly name: string }
  private readonly topic: string

  constructor(dispatcher: SchedulerDispatcher, callee: { readonly name: string }, topic: string) {
    this.dispatcher = dispatcher
    this.callee = callee
    this.topic = topic
    announce(dispatcher, this)
  }

  waitReport(): WaitReport {
    const what = `the answer of ${this.callee.name} to ${JSON.stringify(this.topic)}`
    return { what, isKind: false, waiting: [["for", this.resume === undefined ? [] : [this.resume]]] }
  }

  /** Answers the call; false when it was answered before. */
  settle(exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.replied) return false
    this.replied = true
    this.conclude(exit)
    return true
  }

  /** Ends the wait without an answer of the callee; an answer that comes later is taken as the first and dropped. */
  conclude(exit: Exit.Exit<unknown, unknown>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    if (this.resume !== undefined) this.dispatcher.scheduleTask(() => this.resume?.(exit), 0)
  }

  /** Waits for the answer. */
  readonly wait: Effect.Effect<unknown, unknown> = Effect.callback<unknown, unknown>((resume) => {
    if (this.exit !== undefined) return resume(this.exit)
    this.resume = resume
    return Effect.sync(() => {
      this.resume = undefined
    })
  })
}
