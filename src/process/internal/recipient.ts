/**
 * A process as those see it who send to it: its inbox, its listeners and its events, and the account of its messages.
 */
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type { Reason } from "../DeadLetter.ts"
import type { Pid } from "../Pid.ts"
import { ProcessClosed, ProcessNotFound, type SendError } from "../ProcessError.ts"
import type { ProcessEvent } from "../ProcessEvent.ts"
import { Happenings } from "./happenings.ts"
import type { HostImpl } from "./host.ts"
import { InboxImpl, type InboxOwner, type Policy, unlimited, type When } from "./inbox.ts"
import { type Inspection, inspectionOf } from "./inspection.ts"
import type { Keeper } from "./keeper.ts"
import type { MessageImpl } from "./message.ts"
import { makeUnsafe } from "./pid.ts"

class Listener extends InboxImpl {
  /** How many listen to the topic. */
  users = 0
}

export abstract class Recipient implements InboxOwner {
  readonly host: HostImpl
  readonly pid: Pid<Rpc.Any>
  readonly policy: Policy
  /**
   * `draining`: the process takes no messages, and its body is to end when it has handled those that wait.
   * `restarting`: the body has ended or is ending, and another one is to take over what is queued.
   */
  status: "running" | "draining" | "closing" | "restarting" | "ended" = "running"
  listeners: Map<string, Listener> | undefined = undefined
  /** Whether it has ever had a name, a property or a membership. */
  isListed = false
  /** Who supervises it. */
  keeper: Keeper | undefined = undefined
  /** Who looks into it, if anybody does. */
  inspection: Inspection | undefined = undefined
  /** The topic of the message that it took last, for its report. */
  lastTopic: string | undefined = undefined
  /** How many messages it has accepted. */
  arrivals = 0
  /** Whether it has sent anything since it took a message. */
  hasSent = false
  protected messages: InboxImpl | undefined = undefined
  protected happenings: Happenings | undefined = undefined
  /** Whether the process reads its events. */
  protected opened = false

  constructor(host: HostImpl, id: number, policy: Policy) {
    this.host = host
    this.pid = makeUnsafe(host.name, id, this)
    this.policy = policy
  }

  get name(): string {
    return String(this.pid)
  }

  get inbox(): InboxImpl {
    return (this.messages ??= new InboxImpl(this.host.dispatcher, this, this.policy))
  }

  /** The events, as the process itself reads them. */
  get events(): Happenings {
    this.opened = true
    return (this.happenings ??= new Happenings(this.host.dispatcher, this))
  }

  protected bury(messages: ReadonlyArray<MessageImpl>, reason: Reason): void {
    if (messages.length > 0) this.host.bury(this.pid, messages, reason, this.keeper?.onUndelivered)
  }

  protected get queues(): ReadonlyArray<InboxImpl> {
    const listeners = [...(this.listeners?.values() ?? [])]
    return this.messages === undefined ? listeners : [this.messages, ...listeners]
  }

  /**
   * When a process that it sends a message to is to go on with it: next, where it has little else to do than to wait for
   * the answer. Who has more to send, or more to handle, goes on: what it sends meanwhile is taken in one go.
   */
  whenSending(): When {
    if (this.hasSent) return "soon"
    this.hasSent = true
    return this.messages === undefined || this.messages.length === 0 ? "next" : "soon"
  }

  get queued(): number {
    let queued = this.messages?.length ?? 0
    for (const listener of this.listeners?.values() ?? []) queued += listener.length
    return queued
  }

  /** Why the process takes no messages; `undefined` while it does. `message`: the one that it was sent. */
  refusal(message?: MessageImpl): SendError | undefined {
    const stopped = this.host.refusal(message)
    if (stopped !== undefined || this.status === "running" || this.status === "restarting") return stopped
    const why = { target: this.name, request: message?.request }
    return this.status === "ended" ? new ProcessNotFound(why) : new ProcessClosed(why)
  }

  /** As the inbox's {@link InboxImpl.accept}. */
  accept(message: MessageImpl, when: When = "soon"): Exit.Exit<void, SendError> | undefined {
    if (this.status === "restarting" && this.keeper !== undefined && this.queued >= this.keeper.stash) {
      this.onAccepted(message)
      this.bury([message], "Restarting")
      return Exit.void
    }
    return this.queueFor(message.topic).accept(message, when)
  }

  queueFor(topic: string): InboxImpl {
    return this.listeners?.get(topic) ?? this.inbox
  }

  tell(event: ProcessEvent): void {
    if (this.status === "ended") return
    const events = (this.happenings ??= new Happenings(this.host.dispatcher, this))
    events.offerUnsafe(event)
  }

  forgetEvents(matches: (event: ProcessEvent) => boolean): void {
    this.happenings?.removeWhereUnsafe(matches)
  }

  /** Has the messages of `topic` go to a queue of their own. */
  listen(topic: string): InboxImpl {
    const listeners = (this.listeners ??= new Map<string, Listener>())
    let listener = listeners.get(topic)
    if (listener === undefined) {
      listener = new Listener(this.host.dispatcher, this, unlimited)
      listeners.set(topic, listener)
      listener.restore(this.inbox.extract((message) => message.topic === topic))
    }
    listener.users++
    return listener
  }

  /** Has the messages of `topic` go to the inbox again, those too that the listener has not taken. */
  unlisten(topic: string): void {
    const listener = this.listeners?.get(topic)
    if (listener === undefined || --listener.users > 0) return
    this.listeners?.delete(topic)
    this.inbox.restore(listener.drain())
  }

  onAccepted(message: MessageImpl): void {
    message.arrival = this.arrivals++
    this.host.counters.sent++
    inspectionOf(message.sender)?.observe({ _tag: "Out", to: this.pid, message })
  }

  onTaken(message: MessageImpl): void {
    this.hasSent = false
    message.onTaken()
    this.lastTopic = message.topic
    this.host.counters.received++
    this.inspection?.observe({ _tag: "In", message })
  }

  /** Takes back that a message was taken: it waits in another queue of the process. */
  onReturned(message: MessageImpl): void {
    message.onPutBack()
    this.host.counters.received--
  }

  onDropped(message: MessageImpl): void {
    this.bury([message], "Overflow")
  }

  onHigh(length: number): void {
    this.tell({ _tag: "InboxHigh", length })
  }
}
