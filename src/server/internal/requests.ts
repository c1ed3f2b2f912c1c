/**
 * Requests that are outstanding, and their responses that were not received yet.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import type { Cell } from "../../process/internal/cell.ts"
import { deliver, isRefused } from "../../process/internal/delivery.ts"
import type { Asking, MessageImpl } from "../../process/internal/message.ts"
import { CalleeExited, ProcessRestarting, type SendError } from "../../process/ProcessError.ts"

export interface Response {
  readonly label: unknown
  readonly topic: string
  readonly exit: Exit.Exit<unknown, unknown>
}

export class Requests extends Mailbox<Response> {
  // By label: those that are outstanding, and those whose response waits here.
  private readonly requests = MutableHashMap.empty<unknown, Request>()

  /** How many responses are still to be received. */
  get pending(): number {
    return MutableHashMap.size(this.requests)
  }

  has(label: unknown): boolean {
    return MutableHashMap.has(this.requests, label)
  }

  /** Sends a request to a process; whatever becomes of it, it is answered, once. */
  send(label: unknown, message: MessageImpl, target: Cell | SendError): Effect.Effect<void> {
    const request = new Request(this, label, message)
    MutableHashMap.set(this.requests, label, request)
    if (isRefused(target)) return request.refuse(target)
    return target.status === "restarting"
      ? request.refuse(new ProcessRestarting({ target: target.name, request: message.request }))
      : request.sendTo(target)
  }

  /** Forgets a request, and its response; false when there is none. */
  abandon(label: unknown): boolean {
    const request = Option.getOrUndefined(MutableHashMap.get(this.requests, label))
    if (request === undefined) return false
    MutableHashMap.remove(this.requests, label)
    request.forget()
    this.removeWhereUnsafe((response) => response === request.response)
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
}

/** One request: where its answer goes, and nobody waits in it. */
class Request implements Asking {
  isTaken = false
  response: Response | undefined = undefined
  readonly #requests: Requests
  readonly #label: unknown
  readonly #message: MessageImpl
  #unwatch: (() => void) | undefined = undefined
  #replied = false
  #abandoned = false

  constructor(requests: Requests, label: unknown, message: MessageImpl) {
    this.#requests = requests
    this.#label = label
    this.#message = message
    message.call = this
  }

  sendTo(target: Cell): Effect.Effect<void> {
    const message = this.#message
    const lost = (exit: Exit.Exit<unknown, unknown>) =>
      this.conclude(Exit.fail(new CalleeExited({ target: target.name, request: message.request, exit })))
    this.#unwatch = target.watch({
      onExit: (_, exit) => lost(exit),
      // A request that was not taken yet is answered by the body that comes next.
      onRestart: (_, exit) => {
        if (this.isTaken) lost(exit)
      }
    })
    const delivered = deliver(target, message)
    if (!Exit.isExit(delivered)) {
      // A sender that waits for space, and is interrupted, has sent nothing.
      return Effect.onInterrupt(
        Effect.catch(delivered, (error) => this.refuse(error)),
        () => Effect.sync(() => this.#requests.abandon(this.#label))
      )
    }
    if (Exit.isFailure(delivered)) this.conclude(delivered)
    return Exit.void
  }

  /** Answers with an error of the send. */
  refuse(error: SendError | ProcessRestarting): Effect.Effect<void> {
    this.conclude(Exit.fail(error))
    return Exit.void
  }

  reply(exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.#replied) return false
    this.#replied = true
    this.conclude(exit)
    return true
  }

  // Whoever receives goes on in a later step in any case.
  replySoon(exit: Exit.Exit<unknown, unknown>): boolean {
    return this.reply(exit)
  }

  conclude(exit: Exit.Exit<unknown, unknown>): void {
    if (this.response !== undefined || this.#abandoned) return
    this.#unwatch?.()
    this.response = { label: this.#label, topic: this.#message.topic, exit }
    this.#requests.offerUnsafe(this.response)
  }

  forget(): void {
    this.#abandoned = true
    this.#unwatch?.()
  }
}
