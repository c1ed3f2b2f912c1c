/**
 * The queue behind an inbox or a listener: counts what is accepted and taken, and keeps to its limit by the policy that
 * was asked for.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import { afterwards, step } from "../../channel/internal/step.ts"
import { type Selectable, TypeId as SelectableTypeId } from "../../channel/Selectable.ts"
import { Deque } from "../../scheduler/internal/Deque.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Options, Overflow } from "../Inbox.ts"
import { InboxFull, InvalidOption, type SendError } from "../ProcessError.ts"
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

/** What an inbox reports to its process. */
export interface InboxOwner {
  readonly name: string
  /** Where a message goes that is accepted now. */
  queueFor(message: MessageImpl): InboxImpl
  onAccepted(message: MessageImpl): void
  onTaken(message: MessageImpl): void
  onDropped(message: MessageImpl): void
  onHigh(length: number): void
}

// A sender that waits for space, with its message in hand: one that is interrupted before has sent nothing.
interface Waiting {
  readonly message: MessageImpl
  readonly resume: (exit: Exit.Exit<void, SendError>) => void
  /** Tells in the step of the interruption itself that the sender is gone; its clean-up runs in a later one. */
  readonly interrupted: AbortSignal
}

export class InboxImpl extends Mailbox<MessageImpl> {
  private readonly owner: InboxOwner
  private readonly policy: Policy
  private waiting: Deque<Waiting> | undefined = undefined
  private high = false
  private closed: (() => SendError) | undefined = undefined

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

  /** Accepts the message by the inbox's policy; the effect ends in the step in which the message is accepted. */
  send(message: MessageImpl): Effect.Effect<void, SendError> {
    if (this.items.length < this.policy.capacity) {
      this.admit(message)
      return Exit.void
    }
    const { capacity, overflow } = this.policy
    switch (overflow) {
      case "suspend":
        return this.sendWhenThereIsSpace(message)
      case "reject":
        return Exit.fail(new InboxFull({ target: this.owner.name, topic: message.topic, capacity }))
      case "drop-newest":
        this.owner.onAccepted(message)
        this.owner.onDropped(message)
        return Exit.void
      case "drop-oldest":
        this.owner.onDropped(this.items.shift() as MessageImpl)
        this.admit(message)
        return Exit.void
    }
  }

  override pollUnsafe(): Exit.Exit<MessageImpl> | undefined {
    const exit = super.pollUnsafe()
    if (exit !== undefined && Exit.isSuccess(exit)) this.taken(exit.value)
    return exit
  }

  override pollWhereUnsafe(matches: (message: MessageImpl) => boolean): Exit.Exit<MessageImpl> | undefined {
    const exit = super.pollWhereUnsafe(matches)
    if (exit !== undefined && Exit.isSuccess(exit)) this.taken(exit.value)
    return exit
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

  /** Whether the message waits here, or its sender for space. */
  has(message: MessageImpl): boolean {
    if (this.findUnsafe((one) => one === message) >= 0) return true
    for (let i = 0; i < (this.waiting?.length ?? 0); i++) {
      if (this.waiting?.at(i)?.message === message) return true
    }
    return false
  }

  /** Empties the inbox. */
  drain(): Array<MessageImpl> {
    return this.items.drain()
  }

  /** Refuses the senders that wait for space: their messages were never accepted. */
  close(refusal: () => SendError): void {
    this.closed = refusal
    for (const { resume } of this.waiting?.drain() ?? []) {
      this.dispatcher.scheduleTask(() => resume(Exit.fail(refusal())), 0)
    }
  }

  private admit(message: MessageImpl): void {
    this.owner.onAccepted(message)
    this.offerUnsafe(message)
    if (!this.high && this.items.length >= this.policy.highWater) {
      this.high = true
      this.owner.onHigh(this.items.length)
    }
  }

  private taken(message: MessageImpl): void {
    this.owner.onTaken(message)
    if (this.items.length < this.policy.highWater) this.high = false
    this.letIn()
  }

  // Lets in those who wait, first come, first served, while there is room: each is told in the same step.
  private letIn(): void {
    while (this.waiting !== undefined && this.items.length < this.policy.capacity) {
      const sender = this.waiting.shift()
      if (sender === undefined) return
      if (sender.interrupted.aborted) continue
      // A listener may have opened, or closed, since the sender began to wait.
      this.owner.queueFor(sender.message).admit(sender.message)
      afterwards(() => sender.resume(Exit.void))
    }
  }

  private sendWhenThereIsSpace(message: MessageImpl): Effect.Effect<void, SendError> {
    return Effect.callback((resume, interrupted) => {
      if (this.closed !== undefined) return resume(Exit.fail(this.closed()))
      // There may be space since the sender looked; nothing is accepted here, so that it looks again.
      if (this.items.length < this.policy.capacity)
        return resume(step(() => this.owner.queueFor(message).send(message)))
      const sender: Waiting = { message, resume, interrupted }
      const waiting = (this.waiting ??= new Deque())
      waiting.push(sender)
      return Effect.sync(() => waiting.remove(sender))
    })
  }
}

/** The messages of an inbox that match, as a source of their own. */
export const where = (inbox: InboxImpl, matches: (message: MessageImpl) => boolean): Selectable<MessageImpl> => ({
  [SelectableTypeId]: SelectableTypeId,
  isReadyUnsafe: () => inbox.findUnsafe(matches) >= 0,
  pollUnsafe: () => inbox.pollWhereUnsafe(matches),
  parkUnsafe: (wake) => inbox.parkUnsafe(wake),
  unparkUnsafe: (wake) => inbox.unparkUnsafe(wake)
})
