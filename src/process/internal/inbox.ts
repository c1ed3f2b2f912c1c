/**
 * The queue behind an inbox or a listener: counts what is accepted and taken, and keeps to its limit by the policy that
 * was asked for.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import { step } from "../../channel/internal/step.ts"
import { afterwards } from "../../channel/internal/telling.ts"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import { type Selectable, TypeId as SelectableTypeId, type Waiter } from "../../channel/Selectable.ts"
import { Deque } from "../../scheduler/internal/Deque.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Options, Overflow } from "../Inbox.ts"
import { InboxFull, InvalidOption, type SendError } from "../ProcessError.ts"
import type { Inspection } from "./inspection.ts"
import type { MessageImpl } from "./message.ts"

export interface Policy {
  readonly capacity: number
  readonly overflow: Overflow
  readonly highWater: number
}

export const unlimited: Policy = { capacity: Infinity, overflow: "suspend", highWater: 10_000 }

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1

/** The policy that `options` ask for, over that of the host; or what is wrong with them. */
export const policyOf = (subject: string, options: Options | undefined, base: Policy): Policy | InvalidOption => {
  if (options === undefined) return base
  const { capacity = base.capacity, highWater = base.highWater, overflow = base.overflow } = options
  const wrong = (option: string, value: number) =>
    new InvalidOption({ subject, option, value: String(value), expected: "a whole number from 1 on" })
  if (capacity !== Infinity && !isCount(capacity)) return wrong("inbox.capacity", capacity)
  if (!isCount(highWater)) return wrong("inbox.highWater", highWater)
  return { capacity, overflow, highWater }
}

/**
 * When a process that waits goes on with a message: in a step of the run queue (`soon`), or right behind the step of who
 * sends (`next`).
 */
export type When = "soon" | "next"

/** What an inbox reports to its process. */
export interface InboxOwner {
  readonly name: string
  readonly inspection: Inspection | undefined
  /** Where a message of the topic goes that is accepted now. */
  queueFor(topic: string): InboxImpl
  onAccepted(message: MessageImpl): void
  onTaken(message: MessageImpl): void
  onDropped(message: MessageImpl): void
  onHigh(length: number): void
}

/** A sender that waits for space, with its message in hand. One that is interrupted leaves in that step: it has sent nothing. */
export interface Sender {
  readonly message: MessageImpl
  /** Tells whether the message was accepted. */
  onOutcome(exit: Exit.Exit<void, SendError>): void
}

export class InboxImpl extends Mailbox<MessageImpl> {
  private readonly owner: InboxOwner
  private readonly policy: Policy
  private waiting: Deque<Sender> | undefined = undefined
  private high = false
  private closed: ((message: MessageImpl) => SendError) | undefined = undefined
  private waiter: Receiver | undefined = undefined

  constructor(dispatcher: SchedulerDispatcher, owner: InboxOwner, policy: Policy) {
    super(dispatcher)
    this.owner = owner
    this.policy = policy
  }

  override waitReport(): WaitReport {
    const { waiting } = super.waitReport()
    const what = `the inbox of ${this.owner.name}`
    return { what, isKind: false, waiting: [...waiting, ["to send to", this.waiting ?? []]] }
  }

  /** Accepts or refuses the message, by the inbox's policy; answers nothing where the sender has to wait for space. */
  accept(message: MessageImpl, when: When): Exit.Exit<void, SendError> | undefined {
    if (this.items.length < this.policy.capacity) {
      this.admit(message, when)
      return Exit.void
    }
    const { capacity, overflow } = this.policy
    switch (overflow) {
      case "suspend":
        return undefined
      case "reject":
        return Exit.fail(new InboxFull({ target: this.owner.name, request: message.request, capacity }))
      case "drop-newest":
        this.owner.onAccepted(message)
        this.owner.onDropped(message)
        return Exit.void
      case "drop-oldest":
        this.owner.onDropped(this.items.shift() as MessageImpl)
        this.admit(message, when)
        return Exit.void
    }
  }

  override isReadyUnsafe(): boolean {
    return super.isReadyUnsafe() && this.owner.inspection?.suspended !== true
  }

  override pollUnsafe(): Exit.Exit<MessageImpl> | undefined {
    const message = this.takeUnsafe()
    return message === undefined ? undefined : Exit.succeed(message)
  }

  /** Takes the next message, if there is one that may be taken. */
  takeUnsafe(): MessageImpl | undefined {
    return this.isReadyUnsafe() ? this.taken(this.items.shift() as MessageImpl) : undefined
  }

  /** Takes all that there is. */
  pollAllUnsafe(): Exit.Exit<ReadonlyArray<MessageImpl>> | undefined {
    if (!this.isReadyUnsafe()) return undefined
    const messages = this.items.drain()
    for (const message of messages) this.owner.onTaken(message)
    this.onShorter()
    return Exit.succeed(messages)
  }

  override pollWhereUnsafe(matches: (message: MessageImpl) => boolean): Exit.Exit<MessageImpl> | undefined {
    const exit = this.isReadyUnsafe() ? super.pollWhereUnsafe(matches) : undefined
    if (exit !== undefined && Exit.isSuccess(exit)) this.taken(exit.value)
    return exit
  }

  /** Who waits for the next message. The process is nearly always the only one, and waits as the same one each time. */
  get receiver(): Receiver {
    const { waiter } = this
    return waiter === undefined || waiter.isWaiting ? (this.waiter = new Receiver(this)) : waiter
  }

  /** Has the waiters look again: the process was suspended, and goes on. */
  resume(): void {
    this.wakeSoon()
  }

  /** Takes in messages that were accepted before, each at its place in the order of arrival. */
  restore(messages: ReadonlyArray<MessageImpl>): void {
    if (messages.length === 0) return
    const all = [...this.items.drain(), ...messages].toSorted((a, b) => a.arrival - b.arrival)
    for (const message of all) this.items.push(message)
    this.wakeSoon()
  }

  /** Removes the messages that match, for another queue of the process to take in. */
  extract(matches: (message: MessageImpl) => boolean): Array<MessageImpl> {
    const extracted: Array<MessageImpl> = []
    this.removeWhereUnsafe((message) => {
      const matched = matches(message)
      if (matched) extracted.push(message)
      return matched
    })
    this.letIn()
    return extracted
  }

  /** Empties the inbox. */
  drain(): Array<MessageImpl> {
    return this.items.drain()
  }

  /** Refuses the senders that wait for space: their messages were never accepted. */
  close(refusal: (message: MessageImpl) => SendError): void {
    this.closed = refusal
    for (const sender of this.waiting?.drain() ?? []) {
      this.dispatcher.scheduleTask(() => sender.onOutcome(Exit.fail(refusal(sender.message))), 0)
    }
  }

  private admit(message: MessageImpl, when: When): void {
    this.owner.onAccepted(message)
    this.items.push(message)
    if (when === "next") this.wakeNext()
    else this.wakeSoon()
    if (!this.high && this.items.length >= this.policy.highWater) {
      this.high = true
      this.owner.onHigh(this.items.length)
    }
  }

  private taken(message: MessageImpl): MessageImpl {
    this.owner.onTaken(message)
    this.onShorter()
    return message
  }

  private onShorter(): void {
    if (this.high && this.items.length < this.policy.highWater) this.high = false
    if (this.waiting !== undefined) this.letIn()
  }

  // Lets in those who wait, first come, first served, while there is room: each is told in the same step.
  private letIn(): void {
    while (this.waiting !== undefined && this.items.length < this.policy.capacity) {
      const sender = this.waiting.shift()
      if (sender === undefined) return
      // A listener may have opened, or closed, since the sender began to wait.
      this.owner.queueFor(sender.message.topic).admit(sender.message, "soon")
      afterwards(() => sender.onOutcome(Exit.void))
    }
  }

  /** To be called in the step in which `accept` had no space. */
  park(sender: Sender): void {
    ;(this.waiting ??= new Deque()).push(sender)
  }

  unpark(sender: Sender): void {
    this.waiting?.remove(sender)
  }

  /** Accepts the message once it can; the effect ends in the step in which it does. */
  sendWhenThereIsSpace(message: MessageImpl): Effect.Effect<void, SendError> {
    return step((): Effect.Effect<void, SendError> => {
      if (this.closed !== undefined) return Exit.fail(this.closed(message))
      // There may be space since the sender looked, and another queue for its topic.
      if (this.items.length < this.policy.capacity) {
        const queue = this.owner.queueFor(message.topic)
        return queue.accept(message, "soon") ?? queue.sendWhenThereIsSpace(message)
      }
      const sender = new WaitingSender(this, message)
      this.park(sender)
      return waitIn(sender)
    })
  }
}

class Receiver extends Wait implements Waiter {
  readonly waited = false
  private readonly inbox: InboxImpl
  private next: Effect.Effect<unknown, unknown, unknown> = Exit.void

  constructor(inbox: InboxImpl) {
    super()
    this.inbox = inbox
  }

  get isWaiting(): boolean {
    return this.fiber !== undefined
  }

  /** To be answered by a step that has found nothing: goes on with `next`, which looks again. */
  wait(next: Effect.Effect<unknown, unknown, unknown>): Effect.Effect<never> {
    this.next = next
    this.inbox.parkUnsafe(this)
    return waitIn(this)
  }

  wake(): void {
    this.resume(this.next)
  }

  isLive(): boolean {
    return this.isWaiting
  }

  protected onInterrupted(): void {
    this.inbox.unparkUnsafe(this)
  }
}

class WaitingSender extends Wait implements Sender {
  readonly message: MessageImpl
  private readonly inbox: InboxImpl

  constructor(inbox: InboxImpl, message: MessageImpl) {
    super()
    this.inbox = inbox
    this.message = message
  }

  onOutcome(exit: Exit.Exit<void, SendError>): void {
    this.resume(exit)
  }

  protected onInterrupted(): void {
    this.inbox.unpark(this)
  }
}

/** The messages of an inbox that match, as a source of their own. */
export const where = (inbox: InboxImpl, matches: (message: MessageImpl) => boolean): Selectable<MessageImpl> => ({
  [SelectableTypeId]: SelectableTypeId,
  isReadyUnsafe: () => inbox.isReadyUnsafe() && inbox.findUnsafe(matches) >= 0,
  pollUnsafe: () => inbox.pollWhereUnsafe(matches),
  parkUnsafe: (waiter) => inbox.parkUnsafe(waiter),
  unparkUnsafe: (waiter) => inbox.unparkUnsafe(waiter)
})
