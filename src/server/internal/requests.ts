/**
 * Requests that are outstanding, and their responses that were not received yet. A request is a call whose answer goes
 * into a queue, and nobody waits in it.
 */
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import { Call } from "../../process/internal/call.ts"
import type { Cell } from "../../process/internal/cell.ts"
import { offer } from "../../process/internal/delivery.ts"
import type { HostImpl } from "../../process/internal/host.ts"
import type { MessageImpl } from "../../process/internal/message.ts"
import type { Far } from "../../process/internal/remote.ts"
import type { RemoteNode } from "../../process/internal/remoteLink.ts"
import { Question, type Reading } from "../../process/internal/remoteQuestion.ts"
import { ProcessRestarting } from "../../process/ProcessError.ts"

export interface Response {
  readonly label: unknown
  readonly topic: string
  readonly exit: Exit.Exit<unknown, unknown>
}

// No fiber waits in it.
class RequestCall extends Call {
  private readonly respond: (exit: Exit.Exit<unknown, unknown>) => void

  constructor(
    message: MessageImpl,
    callee: Cell,
    dispatcher: SchedulerDispatcher,
    respond: (exit: Exit.Exit<unknown, unknown>) => void
  ) {
    super(message, callee, undefined, dispatcher)
    this.respond = respond
  }

  override resume(exit: Exit.Exit<unknown, unknown>): void {
    this.respond(exit)
  }
}

// As that, for a process of another node.
class FarRequest extends Question {
  private readonly respond: (exit: Exit.Exit<unknown, unknown>) => void

  constructor(
    remote: RemoteNode,
    reading: Reading,
    dispatcher: SchedulerDispatcher,
    respond: (exit: Exit.Exit<unknown, unknown>) => void
  ) {
    super(remote, reading, dispatcher)
    this.respond = respond
  }

  override resume(exit: Exit.Exit<unknown, unknown>): void {
    this.respond(exit)
  }
}

export class Requests extends Mailbox<Response> {
  // By label: those that are outstanding, and those whose response waits here; they have no call any longer.
  private readonly requests = MutableHashMap.empty<unknown, Call | Question | undefined>()

  /** How many responses are still to be received. */
  get pending(): number {
    return MutableHashMap.size(this.requests)
  }

  has(label: unknown): boolean {
    return MutableHashMap.has(this.requests, label)
  }

  /** Sends a request; whatever becomes of it, it is answered, once. */
  send(label: unknown, message: MessageImpl, callee: Cell, host: HostImpl): void {
    if (callee.status === "restarting") {
      return this.refuse(label, message, new ProcessRestarting({ target: callee.name, request: message.request }))
    }
    const call = new RequestCall(message, callee, this.dispatcher, (exit) => this.respond(label, message, exit))
    message.call = call
    MutableHashMap.set(this.requests, label, call)
    const accepted = offer(callee, message)
    if (accepted !== undefined && Exit.isFailure(accepted)) return this.respond(label, message, accepted)
    if (accepted === undefined) call.parkIn(callee.queueFor(message.topic))
    call.begin(host)
  }

  /** As {@link send}, to a process of another node. */
  ask(label: unknown, message: MessageImpl, far: Far): void {
    const respond = (exit: Exit.Exit<unknown, unknown>): void => this.respond(label, message, exit)
    const asked = far.ask(message, (remote, reading) => new FarRequest(remote, reading, this.dispatcher, respond))
    if (asked instanceof Question) MutableHashMap.set(this.requests, label, asked)
    else this.refuse(label, message, asked)
  }

  /** Answers a request that can't be sent. */
  refuse(label: unknown, message: MessageImpl, error: unknown): void {
    this.respond(label, message, Exit.fail(error))
  }

  /** Forgets a request, and its response; false when there is none. */
  abandon(label: unknown): boolean {
    if (!this.has(label)) return false
    Option.getOrUndefined(MutableHashMap.get(this.requests, label))?.giveUp()
    MutableHashMap.remove(this.requests, label)
    this.removeWhereUnsafe((response) => Equal.equals(response.label, label))
    return true
  }

  abandonAll(): void {
    for (const label of Array.from(MutableHashMap.keys(this.requests))) this.abandon(label)
  }

  override pollUnsafe(): Exit.Exit<Response> | undefined {
    const exit = super.pollUnsafe()
    if (exit !== undefined && Exit.isSuccess(exit)) MutableHashMap.remove(this.requests, exit.value.label)
    return exit
  }

  private respond(label: unknown, { topic }: MessageImpl, exit: Exit.Exit<unknown, unknown>): void {
    MutableHashMap.set(this.requests, label, undefined)
    this.offerUnsafe({ label, topic, exit })
  }
}
