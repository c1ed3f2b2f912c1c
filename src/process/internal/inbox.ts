/**
 * The queue behind an inbox or a listener: counts what is accepted and taken, and keeps to its limit by the policy that
 * was asked for.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { inStep } from "../../channel/internal/deliver.ts"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import { type Selectable, TypeId as SelectableTypeId } from "../../channel/Selectable.ts"
import { Deque } from "../../scheduler/internal/Deque.ts"
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
  onAccepted(message: MessageImpl): void
  onTaken(): void
  onDropped(message: MessageImpl): void
  onHigh(length: number): void
}

// A sender that waits for space. The slot that it is granted is its own until it commits its message or gives up, so
// that nobody who comes later overtakes it, and an interrupted one has sent nothing.
interface Ticket {
  state: "waiting" | "granted" | "done"
  wake: (() => void) | undefined
}

export class InboxImpl extends Mailbox<MessageImpl> {
  private readonly owner: InboxOwner
  private readonly policy: Policy
  private waiting: Deque<Ticket> | undefined = undefined
  private granted = 0
  private high = false
  private closed: (() => SendError) | undefined = undefined

  constructor(dispatcher: SchedulerDispatcher, owner: InboxOwner, policy: Policy) {
    super(dispatcher)
    this.owner = owner
    this.policy = policy
  }

  /** Accepts the message by the inbox's policy; the effect ends in the step in which the message is accepted. */
  send(message: MessageImpl): Effect.Effect<void, SendError> {
    if (this.items.length + this.granted < this.policy.capacity) {
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
    if (exit !== undefined) this.taken()
    return exit
  }

  override pollWhereUnsafe(matches: (message: MessageImpl) => boolean): Exit.Exit<MessageImpl> | undefined {
    const exit = super.pollWhereUnsafe(matches)
    if (exit !== undefined) this.taken()
    return exit
  }

  /** Takes in messages that were accepted before, each at its place in the order of arrival. */
  restore(messages: ReadonlyArray<MessageImpl>): void {
    if (messages.length === 0) return
    const all = [...this.items.drain(), ...messages].sort((a, b) => a.arrival - b.arrival)
    for (const message of all) this.items.push(message)
    this.wakeSoon()
  }

  /** Empties the inbox. */
  drain(): Array<MessageImpl> {
    return this.items.drain()
  }

  /** Refuses the senders that wait for space: their messages were never accepted. */
  close(refusal: () => SendError): void {
    this.closed = refusal
    for (const ticket of this.waiting?.drain() ?? []) this.call(ticket)
  }

  private admit(message: MessageImpl): void {
    this.owner.onAccepted(message)
    this.offerUnsafe(message)
    if (!this.high && this.items.length >= this.policy.highWater) {
      this.high = true
      this.owner.onHigh(this.items.length)
    }
  }

  private taken(): void {
    this.owner.onTaken()
    if (this.items.length < this.policy.highWater) this.high = false
    if (this.waiting !== undefined) this.grant(this.waiting)
  }

  private grant(waiting: Deque<Ticket>): void {
    while (this.items.length + this.granted < this.policy.capacity) {
      const ticket = waiting.shift()
      if (ticket === undefined) return
      ticket.state = "granted"
      this.granted++
      this.call(ticket)
    }
  }

  private call(ticket: Ticket): void {
    this.dispatcher.scheduleTask(() => ticket.wake?.(), 0)
  }

  private sendWhenThereIsSpace(message: MessageImpl): Effect.Effect<void, SendError> {
    const waiting = (this.waiting ??= new Deque())
    return Effect.suspend(() => {
      const ticket: Ticket = { state: "waiting", wake: undefined }
      waiting.push(ticket)
      const granted = Effect.callback<void>((resume) => {
        if (ticket.state === "granted" || this.closed !== undefined) return resume(Effect.void)
        ticket.wake = () => resume(Effect.void)
      })
      const commit = inStep<void, SendError>(() => {
        this.settle(ticket)
        if (this.closed !== undefined) return Exit.fail(this.closed())
        this.admit(message)
        return Exit.void
      }, Effect.void)
      const giveUp = Effect.sync(() => {
        const wasGranted = ticket.state === "granted"
        if (!wasGranted) waiting.remove(ticket)
        this.settle(ticket)
        if (wasGranted) this.grant(waiting)
      })
      return Effect.onInterrupt(Effect.flatMap(granted, () => commit), () => giveUp)
    })
  }

  private settle(ticket: Ticket): void {
    if (ticket.state === "granted") this.granted--
    ticket.state = "done"
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
